package git_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/gittest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newStore is a Store with a folder of its own.
func newStore(t testing.TB, change ...func(*git.Options)) *git.Store {
	t.Helper()
	o := git.Options{Dir: t.TempDir()}
	for _, c := range change {
		c(&o)
	}
	s, err := git.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func in(dir string) func(*git.Options) { return func(o *git.Options) { o.Dir = dir } }

func repoOf(t testing.TB, r *gittest.Repo) sources.Repo {
	t.Helper()
	repo, err := sources.ParseRepo(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func open(t testing.TB, s *git.Store, r *gittest.Repo, ref, hash string) sources.Snapshot {
	t.Helper()
	snap, err := s.Open(t.Context(), repoOf(t, r), sources.Revision{Ref: ref, Hash: hash})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { snap.Close() })
	return snap
}

func wantFile(t testing.TB, fsys fs.FS, name, want string) {
	t.Helper()
	got, err := fs.ReadFile(fsys, name)
	if err != nil || string(got) != want {
		t.Errorf("%s is %.80q, %v; want %.80q", name, got, err, want)
	}
}

// mirrors are the folders below a Store's Dir, one for each mirror.
func mirrors(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "tmp" {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names
}

func TestOpenGivesTheFilesOfARevision(t *testing.T) {
	repo := gittest.New(t).Repo("acme/shop")
	first := repo.Commit(map[string]string{"manifest.yml": "a: 1\n", "config/app.env": "A=1\n", "config/deep/x": "x"})
	second := repo.Commit(map[string]string{"manifest.yml": "a: 2\n", "config/deep/x": gittest.Delete})
	s := newStore(t)

	rev, err := s.Resolve(t.Context(), repoOf(t, repo), "main")
	if want := (sources.Revision{Ref: "main", Hash: second}); err != nil || rev != want {
		t.Fatalf("main is %v, %v; want %v", rev, err, want)
	}
	snap := open(t, s, repo, "main", second)
	wantFile(t, snap, "manifest.yml", "a: 2\n")
	wantFile(t, snap, "config/app.env", "A=1\n")
	if snap.Revision() != rev {
		t.Errorf("Revision() = %v, want %v", snap.Revision(), rev)
	}
	if _, err := snap.Open("config/deep/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a deleted file opens with %v", err)
	}
	// The history is there too: an older commit needs no server.
	old := open(t, s, repo, "main", first)
	wantFile(t, old, "config/deep/x", "x")
	if err := fstest.TestFS(old, "manifest.yml", "config/app.env", "config/deep/x"); err != nil {
		t.Error(err)
	}
	for name, path := range map[string]string{"a file": "manifest.yml", "a folder": "config", "the root": "."} {
		got, err := snap.Hash(path)
		want := repo.Git("rev-parse", strings.TrimSuffix(second+":"+path, "."))
		if err != nil || got != want {
			t.Errorf("hash of %s is %s, %v; want %s", name, got, err, want)
		}
	}
	if _, err := snap.Hash("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("hash of nothing: %v", err)
	}
}

func TestMessageIsThatOfTheCommit(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	const text = "remove the old shop\n\nRondo-Prune: allow\n"
	hash := repo.Commit(map[string]string{"f": "1"}, gittest.Message(text))
	got, err := newStore(t).Message(t.Context(), repoOf(t, repo), sources.Revision{Ref: "main", Hash: hash})
	if err != nil || got != text {
		t.Errorf("message %q, %v; want %q", got, err, text)
	}
}

func TestClosedSnapshotReadsNoMore(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	hash := repo.Commit(map[string]string{"f": "1"})
	snap := open(t, newStore(t), repo, "main", hash)
	f, err := snap.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(snap.Close(), snap.Close()); err != nil {
		t.Error(err)
	}
	if b := make([]byte, 2); true {
		if n, err := f.Read(b); n != 1 || err != nil {
			t.Errorf("a file that was open reads %d, %v", n, err)
		}
	}
	for _, name := range []string{".", "f"} {
		if _, err := snap.Open(name); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s of a closed snapshot: %v", name, err)
		}
	}
}

func TestResolveAnswers(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("shop")
	main := repo.Commit(map[string]string{"f": "1"})
	longer := repo.Commit(map[string]string{"f": "2"}, gittest.On("main-2"))
	repo.SetRef("refs/pull/42/head", longer)
	repo.Tag("v1", main)
	repo.SetRef("refs/tags/light", longer)
	headless := srv.Repo("headless")
	headless.Commit(map[string]string{"f": "1"}, gittest.On("trunk")) // HEAD names main, which does not exist
	srv.Repo("empty")
	gone := srv.Repo("gone")
	gone.Remove()

	for name, tc := range map[string]struct {
		repo, ref, want string
		err             error
	}{
		"a branch":                      {repo: "shop", ref: "main", want: main},
		"a branch whose name is longer": {repo: "shop", ref: "main-2", want: longer},
		"the head of a pull request":    {repo: "shop", ref: "pull/42/head", want: longer},
		"an annotated tag is a commit":  {repo: "shop", ref: "tags/v1", want: main},
		"a light tag":                   {repo: "shop", ref: "tags/light", want: longer},
		"a missing branch":              {repo: "shop", ref: "mai", err: sources.ErrNoRef},
		"a branch of a dangling HEAD":   {repo: "headless", ref: "main", err: sources.ErrNoRef},
		"an empty repository":           {repo: "empty", ref: "main", err: sources.ErrEmpty},
		"no repository":                 {repo: "gone", ref: "main", err: sources.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			for _, version := range []string{"2", "0"} {
				srv.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
					if version == "0" { // as through a proxy that drops what it does not know
						r.Header.Del("Git-Protocol")
					}
					return false
				})
				s := newStore(t)
				repo := sources.Repo{URL: srv.URL() + "/" + tc.repo}
				for range 2 { // the second time, what the first learned is used
					got, err := s.Resolve(t.Context(), repo, tc.ref)
					if got.Hash != tc.want || !errors.Is(err, tc.err) || (err != nil && !strings.Contains(err.Error(), repo.URL)) {
						t.Errorf("protocol %s: %s is %v, %v; want %s, %v", version, tc.ref, got, err, tc.want, tc.err)
					}
				}
			}
		})
	}
}

func TestResolveRefusesNamesThatGitRefuses(t *testing.T) {
	s := newStore(t)
	for _, ref := range []string{"", "-x", "a..b", "a b", "../../x", "x\n0000", "a.lock"} {
		if _, err := s.Resolve(t.Context(), sources.Repo{URL: "http://127.0.0.1:1/r"}, ref); err == nil || strings.Contains(err.Error(), "dial") {
			t.Errorf("ref %q: %v", ref, err)
		}
	}
}

func TestServersThatKnowOnlyVersion0(t *testing.T) {
	srv := gittest.New(t)
	srv.Intercept(func(_ http.ResponseWriter, r *http.Request) bool { r.Header.Del("Git-Protocol"); return false })
	repo := srv.Repo("r")
	first := repo.Commit(map[string]string{"f": "1", "g": strings.Repeat("long\n", 1000)})
	s := newStore(t)
	wantFile(t, open(t, s, repo, "main", first), "f", "1")
	second := repo.Commit(map[string]string{"f": "2"})
	third := repo.Commit(map[string]string{"f": "3"})
	before := srv.Traffic()
	wantFile(t, open(t, s, repo, "main", second), "f", "2") // not the tip any more
	if cost := srv.Traffic().Sub(before); cost.Sent > 3000 {
		t.Errorf("an incremental fetch took %d bytes", cost.Sent)
	}
	wantFile(t, open(t, s, repo, "main", third), "f", "3")
}

func TestFetchBringsOnlyWhatIsNew(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	big := map[string]string{}
	for i := range 200 {
		big[fmt.Sprintf("d%d/f", i)] = strings.Repeat(fmt.Sprintf("%d line\n", i*7919), 50)
	}
	base := repo.Commit(big)
	dir := t.TempDir()
	s := newStore(t, in(dir))
	open(t, s, repo, "main", base)

	for name, hash := range map[string]string{
		"the next commit":    repo.Commit(map[string]string{"d1/f": "new"}),
		"a forced push":      repo.Commit(map[string]string{"d2/f": "forced"}, gittest.From(base)),
		"another branch":     repo.Commit(map[string]string{"d3/f": "other"}, gittest.On("other"), gittest.From(base)),
		"a pull request":     repo.Commit(map[string]string{"d4/f": "pr"}, gittest.On("refs/pull/1/head"), gittest.From(base)),
		"a name below a ref": repo.Commit(map[string]string{"d5/f": "x"}, gittest.On("other2/deep"), gittest.From(base)),
	} {
		before := srv.Traffic()
		ref := map[string]string{"another branch": "other", "a pull request": "pull/1/head", "a name below a ref": "main/deep"}[name]
		if ref == "" {
			ref = "main"
		}
		open(t, s, repo, ref, hash)
		if cost := srv.Traffic().Sub(before); cost.Requests != 1 || cost.Sent > 8<<10 {
			t.Errorf("%s cost %+v, want one request and a few kilobytes", name, cost)
		}
	}
	// git itself finds nothing wrong with what is on disk.
	m := mirrors(t, dir)
	if len(m) != 1 {
		t.Fatalf("one repository has the mirrors %v", m)
	}
	fsck(t, m[0])
}

func TestSecondRevisionThatIsThereNeedsNoServer(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	hash := repo.Commit(map[string]string{"f": "1"})
	dir := t.TempDir()
	s := newStore(t, in(dir))
	open(t, s, repo, "main", hash).Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = newStore(t, in(dir)) // as after a restart
	before := srv.Traffic()
	wantFile(t, open(t, s, repo, "main", hash), "f", "1")
	if cost := srv.Traffic().Sub(before); cost.Requests != 0 {
		t.Errorf("reading what is there cost %+v", cost)
	}
}

func TestCommitThatIsGoneIsSaid(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	repo.Commit(map[string]string{"f": "1"})
	s := newStore(t)
	gone := sources.Revision{Ref: "main", Hash: strings.Repeat("ab", 20)}
	before := srv.Traffic()
	_, err := s.Open(t.Context(), repoOf(t, repo), gone)
	if err == nil || !strings.Contains(err.Error(), "no longer part of the ref") {
		t.Errorf("a commit that nobody has opens with %v", err)
	}
	if cost := srv.Traffic().Sub(before); cost.Requests > 3 {
		t.Errorf("finding out took %d requests", cost.Requests)
	}
	repo.Delete("refs/heads/main")
	if _, err := s.Open(t.Context(), repoOf(t, repo), gone); !errors.Is(err, sources.ErrEmpty) {
		t.Errorf("a commit of a deleted ref opens with %v", err)
	}
}

func TestPruneRemovesWhatNobodyNames(t *testing.T) {
	srv := gittest.New(t)
	a, b := srv.Repo("a"), srv.Repo("b")
	hashA, hashB := a.Commit(map[string]string{"f": "a"}), b.Commit(map[string]string{"f": "b"})
	dir := t.TempDir()
	s := newStore(t, in(dir))
	open(t, s, a, "main", hashA)
	reading := open(t, s, b, "main", hashB)
	if err := s.Prune([]sources.Repo{repoOf(t, a)}); err != nil {
		t.Fatal(err)
	}
	if m := mirrors(t, dir); len(m) != 1 {
		t.Errorf("mirrors after prune: %v", m)
	}
	wantFile(t, reading, "f", "b") // who reads goes on
	wantFile(t, open(t, s, b, "main", hashB), "f", "b")
	if m := mirrors(t, dir); len(m) != 2 {
		t.Errorf("mirrors after the repository came back: %v", m)
	}
}

func TestTokenIsSentAndItsLackTold(t *testing.T) {
	srv := gittest.New(t)
	srv.RequireAuth("x-access-token", "s3cret-canary")
	repo := srv.Repo("r")
	hash := repo.Commit(map[string]string{"f": "1"})
	token := ""
	s := newStore(t, func(o *git.Options) {
		o.Credentials = func(_ context.Context, r sources.Repo) (string, string, error) {
			if r.URL != repo.URL() {
				return "", "", fmt.Errorf("asked for %s", r)
			}
			return "x-access-token", token, nil
		}
	})
	for _, token = range []string{"", "wrong-canary"} {
		_, err := s.Resolve(t.Context(), repoOf(t, repo), "main")
		_, err2 := s.Open(t.Context(), repoOf(t, repo), sources.Revision{Ref: "main", Hash: hash})
		for _, err := range []error{err, err2} {
			if !errors.Is(err, sources.ErrAuth) || strings.Contains(err.Error(), "canary") {
				t.Errorf("with token %q: %v", token, err)
			}
		}
	}
	token = "s3cret-canary"
	if rev, err := s.Resolve(t.Context(), repoOf(t, repo), "main"); err != nil || rev.Hash != hash {
		t.Errorf("with the right token: %v, %v", rev, err)
	}
	wantFile(t, open(t, s, repo, "main", hash), "f", "1")
}

func TestFilesKeepTheirKind(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	hash := repo.CommitTree([]gittest.Entry{
		{Mode: gittest.File, Name: "a.b", Content: "1"}, // git sorts folders as "a/"; fs.FS by name alone
		{Mode: gittest.Folder, Name: "a", Entries: []gittest.Entry{{Mode: gittest.Executable, Name: "run", Content: "#!"}}},
		{Mode: gittest.Symlink, Name: "link", Content: "a"},
		{Mode: gittest.Submodule, Name: "mod", Hash: strings.Repeat("1", 40)},
	})
	snap := open(t, newStore(t), repo, "main", hash)
	var got []string
	err := fs.WalkDir(snap, ".", func(name string, d fs.DirEntry, err error) error {
		got = append(got, fmt.Sprintf("%s %s", d.Type(), name))
		return err
	})
	want := []string{"d--------- .", "d--------- a", "---------- a/run", "---------- a.b", "L--------- link", "?--------- mod"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("walk: %q, %v; want %q", got, err, want)
	}
	if info, err := fs.Stat(snap, "a/run"); err != nil || info.Mode() != 0o555 || info.Size() != 2 {
		t.Errorf("stat of an executable: %v, %v", info, err)
	}
}
