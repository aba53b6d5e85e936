package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strings"

	"rondo.dev/rondo/sources"
)

// event is what is understood of a body.
type event struct {
	name        string
	repo        sources.Repo // as the body names it; zero for a ping of an organisation's hook
	ref         string       // short
	pullRequest int
	ignored     string // why nothing need be looked at; empty: look
}

// followed are the events that are parsed at all.
func followed(name string) bool {
	switch name {
	case "ping", "push", "pull_request", "merge_group":
		return true
	}
	return false
}

// maxAddress bounds the address of a repository, in bytes.
const maxAddress = 1024

// payload are the few fields that are looked at. Pointers tell null and absent
// objects from empty ones.
type payload struct {
	Repository *struct {
		FullName string `json:"full_name"`
		CloneURL string `json:"clone_url"`
		HTMLURL  string `json:"html_url"`
	} `json:"repository"`
	Action      string           `json:"action"`
	Ref         string           `json:"ref"`
	Number      int              `json:"number"`
	PullRequest *json.RawMessage `json:"pull_request"`
	MergeGroup  *struct {
		HeadRef string `json:"head_ref"`
	} `json:"merge_group"`
}

// decode understands the body of a followed event. Its errors hold nothing of
// the body but names of fields.
func decode(name string, body []byte, contentType string) (event, error) {
	text, err := plain(body, contentType)
	if err != nil {
		return event{}, err
	}
	var p *payload
	if err := json.Unmarshal(text, &p); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return event{}, fmt.Errorf("the %s event has the wrong type at %s", name, wrong.Field)
		}
		return event{}, fmt.Errorf("the %s event is not a JSON object", name)
	}
	if p == nil {
		return event{}, fmt.Errorf("the %s event is null", name)
	}
	e := event{name: name}
	switch {
	case p.Repository != nil:
		if e.repo, err = p.repo(); err != nil {
			return event{}, fmt.Errorf("the %s event %w", name, err)
		}
	case name != "ping":
		return event{}, fmt.Errorf("the %s event has no repository", name)
	}
	switch name {
	case "push":
		if !strings.HasPrefix(p.Ref, "refs/") {
			return event{}, errors.New("the push event has no full ref")
		}
		e.ref = sources.ShortRef(p.Ref)
	case "pull_request":
		if p.Number <= 0 || p.PullRequest == nil {
			return event{}, errors.New("the pull_request event has no pull request")
		}
		e.pullRequest, e.ref = p.Number, fmt.Sprintf("pull/%d/head", p.Number)
		if !moves(p.Action) {
			e.ignored = "this action moves nothing"
		}
	case "merge_group":
		if p.MergeGroup == nil || !strings.HasPrefix(p.MergeGroup.HeadRef, "refs/") {
			return event{}, errors.New("the merge_group event has no full head_ref")
		}
		e.ref = sources.ShortRef(p.MergeGroup.HeadRef)
	}
	if name != "ping" && sources.ValidRef(e.ref) != nil {
		return event{}, fmt.Errorf("the %s event has a ref that git would refuse", name)
	}
	return e, nil
}

// moves reports whether a pull request's action can change what is to be shown
// for it.
func moves(action string) bool {
	switch action {
	case "opened", "reopened", "synchronize", "closed", "edited",
		"ready_for_review", "converted_to_draft", "labeled", "unlabeled":
		return true
	}
	return false
}

// repo is the repository's address in the form of rondo.yaml. Both of its names
// must agree, so that a body names one repository only.
func (p *payload) repo() (sources.Repo, error) {
	address := p.Repository.CloneURL
	if address == "" {
		address = p.Repository.HTMLURL
	}
	if len(address) > maxAddress {
		return sources.Repo{}, fmt.Errorf("has a repository address of more than %d bytes", maxAddress)
	}
	repo, err := sources.ParseRepo(address)
	if err != nil {
		return sources.Repo{}, errors.New("has no usable repository.clone_url")
	}
	if repo.FullName() != p.Repository.FullName {
		return sources.Repo{}, errors.New("has a repository.full_name that is not that of its clone_url")
	}
	return repo, nil
}

// plain takes the JSON out of a form: GitHub sends one when the webhook's
// content type was left at its default.
func plain(body []byte, contentType string) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, errors.New("the header Content-Type is missing or malformed")
	}
	switch kind {
	case "application/json":
		return body, nil
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil || len(form["payload"]) != 1 {
			return nil, errors.New("the form does not have one field payload")
		}
		return []byte(form.Get("payload")), nil
	default:
		return nil, errors.New("the content type is neither application/json nor application/x-www-form-urlencoded")
	}
}
