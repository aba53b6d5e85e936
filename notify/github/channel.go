package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"rondo.dev/rondo/notify"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/sources"
)

// Clients lends access to GitHub.
type Clients interface {
	// Serves reports whether repo lies on this GitHub.
	Serves(repo sources.Repo) bool
	// Client gives a client that acts on repo. On an error that wraps
	// sources.ErrAuth the operator must act.
	Client(ctx context.Context, repo sources.Repo) (*github.Client, error)
}

// Channel is a notify.Channel.
type Channel struct {
	clients Clients
	now     func() time.Time
}

// New makes a Channel; now may be nil.
func New(c Clients, now func() time.Time) *Channel {
	if now == nil {
		now = time.Now
	}
	return &Channel{clients: c, now: now}
}

// Send posts m as a status. The receipt is the status's id.
func (c *Channel) Send(ctx context.Context, m reconcile.Message) (receipt string, err error) {
	client, owner, name, err := c.client(ctx, m.Repo)
	if err != nil {
		return "", err
	}
	status := &github.RepoStatus{State: &m.State, Context: &m.Context, Description: &m.Description}
	if m.TargetURL != "" {
		status.TargetURL = &m.TargetURL
	}
	posted, _, err := client.Repositories.CreateStatus(ctx, owner, name, m.Commit, status)
	if err != nil {
		return "", c.classify(ctx, "post status", err)
	}
	return strconv.FormatInt(posted.GetID(), 10), nil
}

// maxPages bounds how many pages of 100 statuses are read.
const maxPages = 10

// Shown reports whether the newest status of m's context says what m says.
func (c *Channel) Shown(ctx context.Context, m reconcile.Message) (receipt string, same bool, err error) {
	client, owner, name, err := c.client(ctx, m.Repo)
	if err != nil {
		return "", false, err
	}
	options := &github.ListOptions{PerPage: 100}
	for range maxPages {
		page, resp, err := client.Repositories.ListStatuses(ctx, owner, name, m.Commit, options)
		if err != nil {
			return "", false, c.classify(ctx, "list statuses", err)
		}
		for _, s := range page { // newest first
			if !strings.EqualFold(s.GetContext(), m.Context) {
				continue
			}
			if s.GetState() != m.State || s.GetDescription() != m.Description {
				return "", false, nil
			}
			return strconv.FormatInt(s.GetID(), 10), true, nil
		}
		if resp.NextPage == 0 {
			break
		}
		options.Page = resp.NextPage
	}
	return "", false, nil
}

func (c *Channel) client(ctx context.Context, repo sources.Repo) (client *github.Client, owner, name string, err error) {
	if !c.clients.Serves(repo) {
		return nil, "", "", &notify.RefusedError{Err: fmt.Errorf("rondo has no access to GitHub at %s", repo.Host())}
	}
	client, err = c.clients.Client(ctx, repo)
	if err != nil {
		return nil, "", "", c.classify(ctx, "reach "+repo.String(), err)
	}
	owner, name, _ = strings.Cut(repo.FullName(), "/")
	return client, owner, name, nil
}

// classify turns an error of go-github into one that says what to do, without
// the address it was asked at.
func (c *Channel) classify(ctx context.Context, doing string, err error) error {
	var limit *github.RateLimitError
	var secondary *github.AbuseRateLimitError
	var answered *github.ErrorResponse
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	case errors.As(err, &limit):
		return &notify.WaitError{Until: limit.Rate.Reset.Time, Err: fmt.Errorf("%s: GitHub's rate limit is used up", doing)}
	case errors.As(err, &secondary):
		after := minWait
		if secondary.RetryAfter != nil {
			after = max(*secondary.RetryAfter, time.Second)
		}
		return &notify.WaitError{Until: c.now().Add(after), Err: fmt.Errorf("%s: GitHub's secondary rate limit", doing)}
	case errors.As(err, &answered) && answered.Response != nil:
		return c.answered(doing, answered)
	}
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// minWait is what GitHub asks for where it names no time
// (https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api).
const minWait = time.Minute

// answered decides by the code of GitHub's answer.
func (c *Channel) answered(doing string, e *github.ErrorResponse) error {
	code, header := e.Response.StatusCode, e.Response.Header
	err := fmt.Errorf("%s: GitHub answers %d %s", doing, code, excerpt(e.Message))
	if code == http.StatusForbidden || code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		if until, ok := c.asked(header); ok {
			return &notify.WaitError{Until: until, Err: err}
		}
	}
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %w", err, sources.ErrAuth)
	case http.StatusTooManyRequests:
		return &notify.WaitError{Until: c.now().Add(minWait), Err: err}
	case http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusUnavailableForLegalReasons:
		return &notify.RefusedError{Err: err}
	default:
		return err
	}
}

// asked is until when GitHub asks to wait.
func (c *Channel) asked(header http.Header) (time.Time, bool) {
	if after, err := strconv.Atoi(header.Get("Retry-After")); err == nil && after >= 0 {
		return c.now().Add(time.Duration(after) * time.Second), true
	}
	if at, err := http.ParseTime(header.Get("Retry-After")); err == nil {
		return at, true
	}
	if header.Get("X-RateLimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return time.Unix(reset, 0), true
		}
	}
	return time.Time{}, false
}

// excerpt keeps what of a message can be shown: GitHub's are short and plain, a
// proxy's may be anything.
func excerpt(message string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, message)
	return strings.TrimSpace(clean[:min(len(clean), 100)])
}
