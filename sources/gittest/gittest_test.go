package gittest_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/gittest"
)

// git runs the system's git as a user of the server would.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestClonesWhatWasCommitted(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("acme/shop")
	first := repo.Commit(map[string]string{"manifest.yml": "a: 1\n", "dir/old": "x"})
	second := repo.Commit(map[string]string{"dir/old": gittest.Delete, "new": "y"}, gittest.Message("tidy\n\nRondo-Prune: allow"))
	repo.Commit(map[string]string{"other": "z"}, gittest.On("feature"), gittest.From(first))

	if parsed, err := sources.ParseRepo(repo.URL() + ".git"); err != nil || parsed.URL != repo.URL() {
		t.Errorf("ParseRepo(%s.git) = %v, %v; want the same address without .git", repo.URL(), parsed, err)
	}
	dir := t.TempDir()
	git(t, dir, "clone", "--quiet", repo.URL(), "w")
	w := filepath.Join(dir, "w")
	if got := git(t, w, "rev-parse", "HEAD"); got != second {
		t.Errorf("HEAD of the clone is %s, want %s", got, second)
	}
	if got := git(t, w, "ls-files"); got != "manifest.yml\nnew" {
		t.Errorf("files of the clone: %q", got)
	}
	if got := git(t, w, "log", "-1", "--format=%B"); got != "tidy\n\nRondo-Prune: allow" {
		t.Errorf("message %q", got)
	}
	if got := git(t, w, "rev-parse", "origin/feature^"); got != first {
		t.Errorf("feature grew from %s, want %s", got, first)
	}
}

func TestTheSameCallsGiveTheSameHashes(t *testing.T) {
	srv := gittest.New(t)
	var got []string
	for _, name := range []string{"a", "b"} {
		repo := srv.Repo(name)
		repo.Commit(map[string]string{"f": "1"})
		got = append(got, repo.Tag("v1", repo.Commit(map[string]string{"f": "2"})))
	}
	if got[0] != got[1] {
		t.Errorf("hashes differ: %v", got)
	}
}

func TestForcePushAndDelete(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	repo.Commit(map[string]string{"f": "1"})
	orphan := repo.Commit(map[string]string{"g": "2"}, gittest.Orphan())
	if got := repo.Git("log", "--format=%H", "main"); got != orphan {
		t.Errorf("history after a forced push is %q, want %q alone", got, orphan)
	}
	if got := repo.Git("ls-tree", "--name-only", "main"); got != "g" {
		t.Errorf("files after a forced push: %q", got)
	}
	repo.SetRef("refs/pull/7/head", orphan)
	repo.Delete("refs/heads/main")
	if repo.Ref("refs/heads/main") != "" || repo.Ref("refs/pull/7/head") != orphan {
		t.Errorf("refs after delete: %q", repo.Git("for-each-ref"))
	}
}

func TestPushIsTakenAndTold(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("shop")
	old := repo.Commit(map[string]string{"f": "1"})
	var pushes []gittest.Push
	repo.OnPush(func(p gittest.Push) { pushes = append(pushes, p) })

	dir := t.TempDir()
	git(t, dir, "clone", "--quiet", repo.URL(), "w")
	w := filepath.Join(dir, "w")
	// Over a megabyte that does not compress, so that git sends it in chunks.
	big := make([]byte, 3<<20)
	for i, x := 0, uint32(1); i < len(big); i++ {
		x = x*1664525 + 1013904223
		big[i] = byte(x >> 24)
	}
	if err := os.WriteFile(filepath.Join(w, "big"), big, 0o644); err != nil {
		t.Fatal(err)
	}
	git(t, w, "add", ".")
	git(t, w, "commit", "--quiet", "-m", "big")
	git(t, w, "push", "--quiet", "origin", "HEAD:main", "HEAD:refs/heads/new")

	tip := git(t, w, "rev-parse", "HEAD")
	want := []gittest.Push{{Ref: "refs/heads/main", Old: old, New: tip}, {Ref: "refs/heads/new", New: tip}}
	if !slices.Equal(pushes, want) {
		t.Errorf("pushes %v, want %v", pushes, want)
	}
}

func TestRawTreesKeepWhatGitWouldRefuse(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	hash := repo.CommitTree([]gittest.Entry{
		{Mode: gittest.Folder, Name: "..", Entries: []gittest.Entry{{Mode: gittest.File, Name: "x", Content: "x"}}},
		{Mode: gittest.File, Name: ".git", Content: "gitdir: /"},
		{Mode: gittest.Symlink, Name: "link", Content: "/etc/passwd"},
		{Mode: gittest.Submodule, Name: "mod", Hash: strings.Repeat("1", 40)},
	})
	got := repo.Git("ls-tree", "--format=%(objectmode) %(path)", hash)
	if want := "040000 ..\n100644 .git\n120000 link\n160000 mod"; got != want {
		t.Errorf("tree is\n%s\nwant\n%s", got, want)
	}
}

func TestAuthInterceptAndTraffic(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	repo.Commit(map[string]string{"f": "1"})
	get := func(token string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, repo.URL()+"/info/refs?service=git-upload-pack", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.SetBasicAuth("x", token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body bytes.Buffer
		if _, err := body.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	before := srv.Traffic()
	if got := get(""); got != http.StatusOK {
		t.Errorf("open server answered %d", got)
	}
	cost := srv.Traffic().Sub(before)
	if cost.Requests != 1 || cost.Received < 100 || cost.Sent < 300 {
		t.Errorf("one request cost %+v", cost)
	}
	srv.RequireAuth("x", "secret")
	if without, wrong, right := get(""), get("wrong"), get("secret"); without != 401 || wrong != 401 || right != 200 {
		t.Errorf("without, with the wrong, with the right token: %d %d %d", without, wrong, right)
	}
	srv.Intercept(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusTeapot); return true })
	if got := get("secret"); got != http.StatusTeapot {
		t.Errorf("intercepted request answered %d", got)
	}
	srv.Intercept(nil)
	if got := get("secret"); got != http.StatusOK {
		t.Errorf("after the interception %d", got)
	}
	repo.Remove()
	if got := get("secret"); got != http.StatusNotFound {
		t.Errorf("removed repository answered %d", got)
	}
}

func TestStartServesTheRepositoriesOfAnEarlierRun(t *testing.T) {
	dir := t.TempDir()
	var hash string
	for range 2 {
		srv, err := gittest.Start(dir)
		if err != nil {
			t.Fatal(err)
		}
		repo, err := srv.Create("a/b")
		if err != nil {
			t.Fatal(err)
		}
		if hash == "" {
			hash = repo.Commit(map[string]string{"f": "1"})
		}
		if got := repo.Ref("refs/heads/main"); got != hash {
			t.Errorf("main is %q, want %q", got, hash)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}
	srv, err := gittest.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if _, err := srv.Create("../out"); err == nil {
		t.Error("a repository outside the folder was created")
	}
}
