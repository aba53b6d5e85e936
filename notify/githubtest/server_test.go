package githubtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rondo.dev/rondo/notify/githubtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sha = "0123456789abcdef0123456789abcdef01234567"

// start is a validating server whose problems are for the test to look at.
func start(t *testing.T, o githubtest.Options) *githubtest.Server {
	t.Helper()
	o.Validate, o.Out = true, t.Output()
	s, err := githubtest.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func call(t *testing.T, s *githubtest.Server, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer t")
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestCallsThatGitHubWouldNotUnderstandAreProblems(t *testing.T) {
	status := "repos/acme/shop/statuses/" + sha
	for name, tc := range map[string]struct{ method, path, body, want string }{
		"a state that does not exist":  {"POST", status, `{"state":"done"}`, "value is not one of the allowed values"},
		"no state":                     {"POST", status, `{}`, `property "state" is missing`},
		"a field that does not exist":  {"POST", status, `{"state":"success","targetUrl":"x"}`, `has the field "targetUrl"`},
		"a wrong type":                 {"POST", status, `{"state":"success","description":1}`, "value must be a string"},
		"a description that is long":   {"POST", status, `{"state":"success","description":"` + strings.Repeat("ä", 141) + `"}`, "a description of 141 characters"},
		"a link that is no web page":   {"POST", status, `{"state":"success","target_url":"javascript:alert(1)"}`, "it must use http(s)"},
		"a path that is not answered":  {"GET", "repos/acme/shop/pulls", "", "is not a call that is answered here"},
		"a method that is not allowed": {"DELETE", status, "", "is not a call that is answered here"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, githubtest.Options{})
			code, _ := call(t, s, tc.method, tc.path, tc.body)
			problems := s.Problems()
			if code != 422 || len(problems) != 1 || !strings.Contains(problems[0].Error(), tc.want) {
				t.Errorf("answered %d with the problems %v, want 422 and %q", code, problems, tc.want)
			}
			if len(s.Statuses()) != 0 {
				t.Errorf("it was carried out all the same: %v", s.Statuses())
			}
		})
	}
}

func TestDescriptionsAreCountedInCharacters(t *testing.T) {
	s := githubtest.New(t, githubtest.Options{})
	body := `{"state":"success","description":"` + strings.Repeat("ä", 140) + `"}`
	if code, text := call(t, s, "POST", "repos/acme/shop/statuses/"+sha, body); code != 201 {
		t.Errorf("answered %d %s", code, text)
	}
}

func TestACommitTakesAThousandStatusesOfAContext(t *testing.T) {
	s := githubtest.New(t, githubtest.Options{})
	path := "repos/acme/shop/statuses/" + sha
	for i := range 1000 {
		if code, text := call(t, s, "POST", path, `{"state":"success","context":"a"}`); code != 201 {
			t.Fatalf("status %d: %d %s", i+1, code, text)
		}
	}
	if code, text := call(t, s, "POST", path, `{"state":"success","context":"A"}`); code != 422 || !strings.Contains(text, "maximum number of statuses") {
		t.Errorf("the next: %d %s", code, text)
	}
	if code, text := call(t, s, "POST", path, `{"state":"success","context":"b"}`); code != 201 {
		t.Errorf("another context: %d %s", code, text)
	}
}

func TestStatusesAreListedNewestFirst(t *testing.T) {
	s := githubtest.New(t, githubtest.Options{})
	for i := range 3 {
		call(t, s, "POST", "repos/acme/shop/statuses/"+sha, fmt.Sprintf(`{"state":"success","description":"d%d"}`, i))
	}
	_, first := call(t, s, "GET", "repos/acme/shop/commits/"+sha+"/statuses?per_page=2", "")
	_, second := call(t, s, "GET", "repos/acme/shop/commits/"+sha+"/statuses?per_page=2&page=2", "")
	if !strings.Contains(first, "d2") || !strings.Contains(first, "d1") || strings.Contains(first, "d0") || !strings.Contains(second, "d0") {
		t.Errorf("pages\n%s\n%s", first, second)
	}
}

func TestALostReceiptIsACallThatWasCarriedOut(t *testing.T) {
	var told []githubtest.Status
	s := githubtest.New(t, githubtest.Options{OnStatus: func(s githubtest.Status) { told = append(told, s) }})
	s.Inject(githubtest.Fault{Drop: true})
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL()+"repos/acme/shop/statuses/"+sha, strings.NewReader(`{"state":"success"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer t")
	resp, err := s.Client().Do(req)
	if err == nil {
		resp.Body.Close()
		t.Error("an answer came")
	}
	if len(s.Statuses()) != 1 || len(told) != 1 {
		t.Errorf("%d statuses, told of %d", len(s.Statuses()), len(told))
	}
}

func TestWithoutValidationNpmIsNotNeeded(t *testing.T) {
	t.Setenv("RONDO_CACHE", t.TempDir())
	t.Setenv("PATH", "")
	s, err := githubtest.Start(t.Context(), githubtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if code, text := call(t, s, "POST", "repos/acme/shop/statuses/"+sha, `{"state":"success"}`); code != 201 {
		t.Errorf("answered %d %s", code, text)
	}
	if code, _ := call(t, s, "POST", "repos/acme/shop/statuses/"+sha, `{"state":"done"}`); code != 422 {
		t.Errorf("a state that does not exist: %d", code)
	}
}

func TestMissingNpmIsNamedWithItsPackage(t *testing.T) {
	t.Setenv("RONDO_CACHE", t.TempDir())
	t.Setenv("PATH", "")
	_, err := githubtest.Fetch(t.Context(), t.Output())
	if err == nil || !strings.Contains(err.Error(), "install the Debian package npm") {
		t.Errorf("got %v", err)
	}
}

func TestTheCacheIsUsedByOneAtATime(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("RONDO_CACHE", cache)
	t.Setenv("PATH", "")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, fmt.Errorf("the lock was not given back"))
	defer cancel()
	for range 2 { // a failure gives the lock back
		if _, err := githubtest.Fetch(ctx, t.Output()); err == nil || strings.Contains(err.Error(), "lock") {
			t.Errorf("got %v", err)
		}
	}
	left, err := filepath.Glob(filepath.Join(cache, "npm", "[^.]*"))
	if err != nil || len(left) != 0 {
		t.Errorf("a failed fetch leaves %v (%v)", left, err)
	}
	if _, err := os.Stat(filepath.Join(cache, "npm", ".lock")); err != nil {
		t.Error(err)
	}
}
