package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"rondo.dev/rondo/sources"
)

// Limits of commit statuses
// (https://docs.github.com/rest/commits/statuses#create-a-commit-status).
const (
	maxDescription = 140  // characters
	maxStatuses    = 1000 // per commit and context
)

func isStatusCall(r *http.Request) bool { return strings.Contains(r.URL.Path, "/statuses") }

func (s *Server) createStatus(r *http.Request, repo, sha string, body []byte, bad func(error) answer) answer {
	if a, ok := s.authenticate(r, repo); !ok {
		return a
	}
	var in struct {
		State, Description, Context string
		TargetURL                   string `json:"target_url"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "Problems parsing JSON")
	}
	if in.Context == "" {
		in.Context = "default"
	}
	switch u, err := url.Parse(in.TargetURL); {
	case !sources.IsHash(sha):
		return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+sha)
	case in.State != "error" && in.State != "failure" && in.State != "pending" && in.State != "success":
		return bad(fmt.Errorf("has the state %q", in.State))
	case utf8.RuneCountInString(in.Description) > maxDescription:
		return bad(fmt.Errorf("has a description of %d characters", utf8.RuneCountInString(in.Description)))
	case len(in.Context) > 255:
		return bad(fmt.Errorf("has a context of %d bytes", len(in.Context)))
	case in.TargetURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https"):
		return bad(fmt.Errorf("has the target_url %q; it must use http(s)", in.TargetURL))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, status := range s.statuses {
		if status.Repo == repo && status.Commit == sha && strings.EqualFold(status.Context, in.Context) {
			n++
		}
	}
	if n >= maxStatuses {
		return refuse(http.StatusUnprocessableEntity,
			"Validation Failed: This SHA and context has reached the maximum number of statuses.")
	}
	status := Status{
		ID: int64(len(s.statuses) + 1), Repo: repo, Commit: sha, Context: in.Context, State: in.State,
		Description: in.Description, TargetURL: in.TargetURL, Created: s.o.Now().UTC(),
	}
	s.statuses = append(s.statuses, status)
	if s.o.OnStatus != nil {
		s.o.OnStatus(status)
	}
	return ok(http.StatusCreated, s.statusJSON(status))
}

// listStatuses answers newest first, as GitHub does, in pages.
func (s *Server) listStatuses(r *http.Request, repo, ref string) answer {
	if a, ok := s.authenticate(r, repo); !ok {
		return a
	}
	perPage, page := 30, 1
	if n, err := strconv.Atoi(r.URL.Query().Get("per_page")); err == nil && n > 0 {
		perPage = min(n, 100)
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n > 0 {
		page = n
	}
	list := []any{}
	statuses := s.Statuses()
	skip := (page - 1) * perPage
	more := false
	for i := len(statuses) - 1; i >= 0; i-- {
		switch status := statuses[i]; {
		case status.Repo != repo || status.Commit != ref:
		case skip > 0:
			skip--
		case len(list) == perPage:
			more = true
		default:
			list = append(list, s.statusJSON(status))
		}
	}
	a := ok(http.StatusOK, list)
	if more {
		next := fmt.Sprintf("%s%s?per_page=%d&page=%d", s.http.URL, r.URL.Path, perPage, page+1)
		a.header = http.Header{"Link": {"<" + next + `>; rel="next"`}}
	}
	return a
}

func (s *Server) statusJSON(status Status) map[string]any {
	var target any
	if status.TargetURL != "" {
		target = status.TargetURL
	}
	created := status.Created.Format("2006-01-02T15:04:05Z")
	return map[string]any{
		"url":        s.http.URL + "/repos/" + status.Repo + "/statuses/" + status.Commit,
		"avatar_url": "https://avatars.githubusercontent.com/in/1?v=4",
		"id":         status.ID, "node_id": "SC_" + strconv.FormatInt(status.ID, 10),
		"state": status.State, "description": status.Description, "target_url": target, "context": status.Context,
		"created_at": created, "updated_at": created,
		"creator": userJSON("rondo[bot]", "Bot"),
	}
}

// userJSON is a "simple user" of the API description.
func userJSON(login, kind string) map[string]any {
	u := "https://api.github.com/users/" + url.PathEscape(login)
	return map[string]any{
		"login": login, "id": 1, "node_id": "MDQ6VXNlcjE=", "type": kind, "site_admin": false, "gravatar_id": "",
		"avatar_url": "https://avatars.githubusercontent.com/in/1?v=4",
		"url":        u, "html_url": "https://github.com/" + url.PathEscape(login),
		"followers_url": u + "/followers", "following_url": u + "/following{/other_user}",
		"gists_url": u + "/gists{/gist_id}", "starred_url": u + "/starred{/owner}{/repo}",
		"subscriptions_url": u + "/subscriptions", "organizations_url": u + "/orgs", "repos_url": u + "/repos",
		"events_url": u + "/events{/privacy}", "received_events_url": u + "/received_events",
	}
}
