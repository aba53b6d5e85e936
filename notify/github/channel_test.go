package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"
	"go.uber.org/goleak"

	"rondo.dev/rondo/notify"
	"rondo.dev/rondo/notify/github"
	"rondo.dev/rondo/notify/githubtest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/sources"
	credentials "rondo.dev/rondo/sources/github"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sha = "0123456789abcdef0123456789abcdef01234567"

var repo = sources.Repo{URL: "http://127.0.0.1/acme/shop"}

// start gives a channel that uses the App's own credentials.
func start(t *testing.T) (*githubtest.Server, *github.Channel) {
	t.Helper()
	file, public := githubtest.AppKey(t)
	s := githubtest.New(t, githubtest.Options{AppID: 1, AppKey: public})
	c, err := credentials.New(credentials.Options{AppID: 1, PrivateKeyFile: file, BaseURL: s.URL(), Transport: s.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	return s, github.New(c, nil)
}

func message(what, state, description string) reconcile.Message {
	return reconcile.Message{
		Kind: notify.KindStatus, Repo: repo, Commit: sha, Context: "rondo/shop/production/" + what,
		State: state, Description: description, TargetURL: "https://rondo.example.org/deployments/7",
	}
}

func TestSendPostsAStatus(t *testing.T) {
	s, c := start(t)
	receipt, err := c.Send(t.Context(), message("deploy", "success", "live"))
	if err != nil || receipt != "1" {
		t.Fatalf("receipt %q, error %v", receipt, err)
	}
	got := s.Statuses()[0]
	got.Created = time.Time{}
	want := githubtest.Status{
		ID: 1, Repo: "acme/shop", Commit: sha, Context: "rondo/shop/production/deploy", State: "success",
		Description: "live", TargetURL: "https://rondo.example.org/deployments/7",
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestShownComparesTheNewestOfTheContext(t *testing.T) {
	_, c := start(t)
	send := func(what, state, description string) {
		t.Helper()
		if _, err := c.Send(t.Context(), message(what, state, description)); err != nil {
			t.Fatal(err)
		}
	}
	shown := func(what, state, description string, want bool) {
		t.Helper()
		_, got, err := c.Shown(t.Context(), message(what, state, description))
		if err != nil || got != want {
			t.Errorf("%s %s %s: shown %v, error %v; want %v", what, state, description, got, err, want)
		}
	}
	shown("deploy", "success", "live", false)
	send("deploy", "success", "live")
	for i := range 120 { // more than a page
		send("score", "success", fmt.Sprint(i))
	}
	shown("deploy", "success", "live", true)
	shown("deploy", "failure", "live", false)
	shown("deploy", "success", "live: 1 created", false)
	send("deploy", "failure", "taken")
	shown("deploy", "success", "live", false)
}

func TestErrorsSayWhatToDo(t *testing.T) {
	reset := time.Now().Add(time.Hour).Truncate(time.Second)
	within := func(from, to time.Duration) func(time.Time) bool {
		return func(until time.Time) bool {
			return until.After(time.Now().Add(from)) && until.Before(time.Now().Add(to))
		}
	}
	for name, tc := range map[string]struct {
		fault githubtest.Fault
		until func(time.Time) bool // of a WaitError
		kind  string
	}{
		"rate limit":                      {githubtest.RateLimit(reset), reset.Equal, "wait"},
		"secondary rate limit":            {githubtest.SecondaryLimit(90 * time.Second), within(80*time.Second, 91*time.Second), "wait"},
		"secondary rate limit, no time":   {githubtest.Fault{Status: 403, Body: `{"message":"x","documentation_url":"https://docs.github.com/x#about-secondary-rate-limits"}`}, within(50*time.Second, 61*time.Second), "wait"},
		"429 without a time":              {githubtest.Fault{Status: 429, Body: `{}`}, within(50*time.Second, 61*time.Second), "wait"},
		"429 with seconds":                {githubtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"30"}}, Body: `{}`}, within(25*time.Second, 31*time.Second), "wait"},
		"429 with a reset":                {githubtest.Fault{Status: 429, Header: http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {fmt.Sprint(reset.Unix())}}, Body: `{}`}, reset.Equal, "wait"},
		"503 with seconds":                {githubtest.Fault{Status: 503, Header: http.Header{"Retry-After": {"30"}}, Body: `{}`}, within(25*time.Second, 31*time.Second), "wait"},
		"401":                             {githubtest.Fault{Status: 401, Body: `{"message":"Bad credentials"}`}, nil, "auth"},
		"403 without the permission":      {githubtest.Fault{Status: 403, Body: `{"message":"Resource not accessible by integration"}`}, nil, "auth"},
		"404":                             {githubtest.Fault{Status: 404, Body: `{"message":"Not Found"}`}, nil, "refused"},
		"422":                             {githubtest.Fault{Status: 422, Body: `{"message":"No commit found for SHA: x"}`}, nil, "refused"},
		"500":                             {githubtest.Fault{Status: 500, Body: `<html>`}, nil, "transient"},
		"502 from a proxy, with a secret": {githubtest.Fault{Status: 502, Body: `{"message":"\u001b[31m` + strings.Repeat("x", 300) + `"}`}, nil, "transient"},
		"lost receipt":                    {githubtest.Fault{Drop: true}, nil, "transient"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := start(t)
			s.Inject(tc.fault)
			_, err := c.Send(t.Context(), message("deploy", "success", "live"))
			if err == nil {
				t.Fatal("no error")
			}
			var wait *notify.WaitError
			var refused *notify.RefusedError
			kind := "transient"
			switch {
			case errors.As(err, &wait):
				kind = "wait"
				if !tc.until(wait.Until) {
					t.Errorf("waits until %s, which is in %s", wait.Until, time.Until(wait.Until))
				}
			case errors.As(err, &refused):
				kind = "refused"
			case errors.Is(err, sources.ErrAuth):
				kind = "auth"
			}
			if kind != tc.kind {
				t.Errorf("%v is taken as %s, want %s", err, kind, tc.kind)
			}
			if text := err.Error(); len(text) > 250 || strings.Contains(text, "://") || strings.Contains(text, "\x1b") {
				t.Errorf("the text is long, odd or has an address: %q", text)
			}
		})
	}
}

func TestACallThatHangsEndsWithItsContext(t *testing.T) {
	s, c := start(t)
	s.Inject(githubtest.Fault{Hang: true})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("not sent in time"))
	defer cancel()
	_, err := c.Send(ctx, message("deploy", "success", "live"))
	if err == nil || !strings.Contains(err.Error(), "not sent in time") {
		t.Errorf("got %v", err)
	}
}

func TestRepositoriesElsewhereAreRefused(t *testing.T) {
	_, c := start(t)
	m := message("deploy", "success", "live")
	m.Repo.URL = "https://gitea.example.org/acme/shop"
	_, err := c.Send(t.Context(), m)
	var refused *notify.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

// broken lends clients that cannot be had.
type broken struct{ err error }

func (broken) Serves(sources.Repo) bool { return true }
func (b broken) Client(context.Context, sources.Repo) (*gh.Client, error) {
	return nil, b.err
}

func TestMissingCredentialsAreTheOperators(t *testing.T) {
	c := github.New(broken{fmt.Errorf("the App is not installed: %w", sources.ErrAuth)}, nil)
	if _, err := c.Send(t.Context(), message("deploy", "success", "live")); !errors.Is(err, sources.ErrAuth) {
		t.Errorf("got %v", err)
	}
}
