package github_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gh "github.com/google/go-github/v60/github"

	"rondo.dev/rondo/notify/githubtest"
	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/github"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// repository is on the host that the stand-in's address implies.
var repository = sources.Repo{URL: "http://127.0.0.1:1/acme/shop"}

func withApp(t *testing.T) (*githubtest.Server, *github.Credentials) {
	t.Helper()
	file, public := githubtest.AppKey(t)
	s := githubtest.New(t, githubtest.Options{AppID: 12345, AppKey: public})
	return s, open(t, github.Options{AppID: 12345, PrivateKeyFile: file, BaseURL: s.URL(), Transport: s.Client().Transport})
}

func withToken(t *testing.T, token string) (file string, s *githubtest.Server, c *github.Credentials) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "token")
	write(t, file, token)
	s = githubtest.New(t, githubtest.Options{Token: token})
	return file, s, open(t, github.Options{TokenFile: file, BaseURL: s.URL(), Transport: s.Client().Transport})
}

func open(t *testing.T, o github.Options) *github.Credentials {
	t.Helper()
	c, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// post creates a status through c, the call that rondo makes most.
func post(t *testing.T, c *github.Credentials, repo sources.Repo) error {
	t.Helper()
	client, err := c.Client(t.Context(), repo)
	if err != nil {
		return err
	}
	owner, name, _ := strings.Cut(repo.FullName(), "/")
	_, _, err = client.Repositories.CreateStatus(t.Context(), owner, name, commit,
		&gh.RepoStatus{State: gh.String("success"), Context: gh.String("rondo/shop/production/deploy")})
	return err
}

func TestAnAppActsThroughTheInstallationOfTheOwner(t *testing.T) {
	s, c := withApp(t)
	for range 3 {
		if err := post(t, c, repository); err != nil {
			t.Fatal(err)
		}
	}
	if err := post(t, c, sources.Repo{URL: "http://127.0.0.1:1/Acme/other"}); err != nil {
		t.Fatal(err)
	}
	var lookups, tokens int
	for _, call := range s.Calls() {
		if strings.HasSuffix(call, "/installation") {
			lookups++
		}
		if strings.HasSuffix(call, "/access_tokens") {
			tokens++
		}
	}
	if lookups != 1 || tokens != 1 {
		t.Errorf("%d look-ups and %d tokens for four calls to one owner, want one of each", lookups, tokens)
	}
	user, password, err := c.GitCredentials(t.Context(), repository)
	if err != nil || user != "x-access-token" || password != s.Tokens()[0] {
		t.Errorf("git gets %q and a password of %d bytes, error %v", user, len(password), err)
	}
}

func TestAnOwnerIsLookedUpOnceHoweverManyAsk(t *testing.T) {
	s, c := withApp(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, _, err := c.GitCredentials(t.Context(), repository); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if calls := s.Calls(); len(calls) != 2 {
		t.Errorf("16 askers made %q, want one look-up and one token", calls)
	}
}

func TestARevokedTokenCostsOneCall(t *testing.T) {
	s, c := withApp(t)
	if err := post(t, c, repository); err != nil {
		t.Fatal(err)
	}
	s.RevokeTokens()
	if err := post(t, c, repository); err == nil {
		t.Fatal("the stand-in accepted a revoked token")
	}
	if err := post(t, c, repository); err != nil {
		t.Errorf("the call after the refused one: %v", err)
	}
}

func TestAnAppThatIsNotInstalledIsTheOperatorsToFix(t *testing.T) {
	s, c := withApp(t)
	s.Uninstall("acme")
	err := post(t, c, repository)
	if !errors.Is(err, sources.ErrAuth) || !strings.Contains(err.Error(), "App 12345 is not installed") {
		t.Errorf("got %v", err)
	}
}

func TestAnInstallationThatVanishesIsTheOperatorsToFix(t *testing.T) {
	s, c := withApp(t)
	if _, err := c.Client(t.Context(), repository); err != nil {
		t.Fatal(err)
	}
	s.Uninstall("acme")
	if _, _, err := c.GitCredentials(t.Context(), repository); !errors.Is(err, sources.ErrAuth) {
		t.Errorf("got %v, want one that wraps ErrAuth", err)
	}
}

func TestAnOutageIsNotTheOperatorsToFix(t *testing.T) {
	for name, fault := range map[string]githubtest.Fault{
		"server error": {Status: 502, Body: "<html>"},
		"rate limit":   githubtest.RateLimit(time.Now().Add(time.Hour)),
	} {
		t.Run(name, func(t *testing.T) {
			s, c := withApp(t)
			fault.Match = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/access_tokens") }
			s.Inject(fault)
			_, _, err := c.GitCredentials(t.Context(), repository)
			if err == nil || errors.Is(err, sources.ErrAuth) {
				t.Errorf("got %v, want one that is retried", err)
			}
			if _, _, err := c.GitCredentials(t.Context(), repository); err != nil {
				t.Errorf("after the outage: %v", err)
			}
		})
	}
}

func TestATokenFileIsReadAgain(t *testing.T) {
	file, s, c := withToken(t, "first")
	if err := post(t, c, repository); err != nil {
		t.Fatal(err)
	}
	write(t, file, "second\n")
	if err := post(t, c, repository); err == nil {
		t.Error("the stand-in accepted the second token, so the first was sent")
	}
	if _, password, err := c.GitCredentials(t.Context(), repository); err != nil || password != "second" {
		t.Errorf("git gets a password of %d bytes, error %v", len(password), err)
	}
	if len(s.Statuses()) != 1 {
		t.Errorf("%d statuses, want 1", len(s.Statuses()))
	}
}

func TestAnotherHostGetsNothing(t *testing.T) {
	_, _, c := withToken(t, "secret")
	other := sources.Repo{URL: "https://gitea.example.org/acme/shop"}
	if user, password, err := c.GitCredentials(t.Context(), other); user != "" || password != "" || err != nil {
		t.Errorf("git gets %q and %d bytes, error %v", user, len(password), err)
	}
	if _, err := c.Client(t.Context(), other); !errors.Is(err, sources.ErrAuth) {
		t.Errorf("a client for another host: %v", err)
	}
}

func TestT15_RedirectToAnotherHostCarriesNoToken(t *testing.T) {
	var seen []string
	var mu sync.Mutex
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	redirect := githubtest.Fault{
		Match: func(*http.Request) bool { return true }, Times: 2,
		Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {elsewhere.URL + "/x"}}, Body: "{}",
	}
	t.Run("token", func(t *testing.T) {
		_, s, c := withToken(t, "secret")
		s.Inject(redirect)
		if err := post(t, c, repository); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("app", func(t *testing.T) {
		s, c := withApp(t)
		s.Inject(redirect)
		if err := post(t, c, repository); err == nil {
			t.Error("a look-up that was redirected to another host succeeded")
		}
	})
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 0 {
		t.Errorf("the other host was called with %q", seen)
	}
}

func TestT25_ErrorsHoldNoTokenAndNoKey(t *testing.T) {
	const canary = "ghp_canaryCanaryCanary"
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "key.pem")
	write(t, keyFile, "-----BEGIN RSA PRIVATE KEY-----\n"+canary+"\n-----END RSA PRIVATE KEY-----\n")
	twoTokens := filepath.Join(dir, "two")
	write(t, twoTokens, canary+" "+canary)
	_, s, c := withToken(t, canary)
	s.Inject(githubtest.Fault{Status: 500, Body: `{"message":"` + canary + `"}`})
	s.Inject(githubtest.Fault{Drop: true})
	var errs []error
	for range 2 {
		errs = append(errs, post(t, c, repository))
	}
	for _, o := range []github.Options{
		{AppID: 1, PrivateKeyFile: keyFile},
		{TokenFile: twoTokens},
		{TokenFile: twoTokens, BaseURL: "https://user:" + canary + "@example.org/"},
		{TokenFile: twoTokens, BaseURL: "https://exa mple/" + canary},
	} {
		_, err := github.New(o)
		errs = append(errs, err)
	}
	for i, err := range errs {
		switch {
		case err == nil:
			t.Errorf("case %d gave no error", i)
		case i == 0:
			// The text of GitHub's own answer is for notify/github to leave out.
		case strings.Contains(err.Error(), canary):
			t.Errorf("case %d tells the secret: %v", i, err)
		}
	}
}

func TestWhatCannotWorkIsRefusedAtOnce(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	write(t, token, "t")
	for name, tc := range map[string]struct {
		o    github.Options
		want string
	}{
		"nothing":          {github.Options{}, "neither a GitHub App nor a token file"},
		"both":             {github.Options{AppID: 1, PrivateKeyFile: "x", TokenFile: token}, "exclude each other"},
		"app without key":  {github.Options{AppID: 1}, "both its id and its private key file"},
		"key without app":  {github.Options{PrivateKeyFile: "x"}, "both its id and its private key file"},
		"no token file":    {github.Options{TokenFile: token + "-missing"}, "no such file"},
		"http":             {github.Options{TokenFile: token, BaseURL: "http://ghe.example.org/api/v3"}, "use https"},
		"address of a key": {github.Options{AppID: 1, PrivateKeyFile: token}, "does not hold an RSA key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := github.New(tc.o)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestNamesThatGitHubDoesNotGiveAreRefused(t *testing.T) {
	app, withApp := withApp(t)
	_, token, withToken := withToken(t, "ghp_canaryCanaryCanary")
	for _, path := range []string{"acme", "acme/shop/extra", "%2e%2e/app", "acme/sh%3Fop", "acme/..", "acme/shop%2f.."} {
		repo := sources.Repo{URL: "http://127.0.0.1:1/" + path}
		for name, c := range map[string]*github.Credentials{"an App": withApp, "a token": withToken} {
			if _, err := c.Client(t.Context(), repo); err == nil || !strings.Contains(err.Error(), "owner/name") {
				t.Errorf("%s with %s: %v", repo, name, err)
			}
		}
	}
	if calls := append(app.Calls(), token.Calls()...); len(calls) > 0 {
		t.Errorf("GitHub was asked: %q", calls)
	}
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	s, c := withApp(t)
	s.Inject(githubtest.Fault{
		Match:  func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/access_tokens") },
		Status: 422, Body: `{"message":"The permissions requested are not granted to this installation."}`,
	})
	_, _, err := c.GitCredentials(t.Context(), repository)
	if !errors.Is(err, sources.ErrAuth) || !strings.Contains(err.Error(), "contents: read and statuses: write") {
		t.Errorf("got %v", err)
	}
}

func TestT29_CredentialsAreSharedSafely(t *testing.T) {
	s, c := withApp(t)
	var wg sync.WaitGroup
	for i := range 8 {
		repo := sources.Repo{URL: "http://127.0.0.1/owner" + string(rune('a'+i%3)) + "/shop"}
		wg.Go(func() {
			for range 5 {
				if err := post(t, c, repo); err != nil && !strings.Contains(err.Error(), "401") {
					t.Error(err)
				}
				s.RevokeTokens()
			}
		})
	}
	wg.Wait()
	if err := post(t, c, repository); err != nil {
		t.Errorf("in the end: %v", err)
	}
}
