package git_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/gittest"
)

// packs is how many the only mirror below dir has.
func packs(t *testing.T, dir string) int {
	t.Helper()
	// During a swap there may be two, or the one that was listed may be gone.
	names, err := filepath.Glob(filepath.Join(dir, "*", "objects", "pack", "*.idx"))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// until waits for what happens in the background.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); !done(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not in 20 s: %s", what)
		}
	}
}

// clones lets f answer each request for a whole repository that is not the first.
func clones(srv *gittest.Server, f func(w http.ResponseWriter, r *http.Request) bool) {
	var n atomic.Int32
	srv.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		clone := bytes.Contains(body, []byte("command=fetch")) && !bytes.Contains(body, []byte("have "))
		return clone && n.Add(1) > 1 && f(w, r)
	})
}

// push commits and opens, as a push and its pass do.
func push(t *testing.T, s *git.Store, repo *gittest.Repo, n int) sources.Snapshot {
	t.Helper()
	hash := repo.Commit(map[string]string{"f": fmt.Sprint(n), fmt.Sprintf("g%d", n): "x"})
	snap := open(t, s, repo, "main", hash)
	wantFile(t, snap, "f", fmt.Sprint(n))
	return snap
}

func TestManyPacksAreReplacedByOne(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	dir := t.TempDir()
	s := newStore(t, in(dir))
	reading := push(t, s, repo, 0)
	for i := 1; i < 40; i++ {
		before := packs(t, dir)
		push(t, s, repo, i).Close()
		if before == 30 {
			until(t, "31 packs become one", func() bool { return packs(t, dir) == 1 && len(mirrors(t, dir)) == 1 })
		} else if got := packs(t, dir); got != before+1 {
			t.Fatalf("push %d: %d packs became %d", i, before, got)
		}
	}
	fsck(t, mirrors(t, dir)[0])
	wantFile(t, reading, "f", "0") // whose folder is long gone
}

func TestNobodyWaitsForARenewal(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	asked, answer := make(chan struct{}), make(chan struct{})
	clones(srv, func(_ http.ResponseWriter, r *http.Request) bool {
		close(asked)
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		return false
	})
	dir := t.TempDir()
	s := newStore(t, in(dir))
	for i := range 31 {
		push(t, s, repo, i).Close()
	}
	<-asked
	for i := 31; i < 35; i++ { // the clone has not got a byte yet
		push(t, s, repo, i).Close()
	}
	if n := packs(t, dir); n != 35 {
		t.Errorf("%d packs while the clone hangs, want 35", n)
	}
	close(answer)
	until(t, "35 packs become one", func() bool { return packs(t, dir) == 1 && len(mirrors(t, dir)) == 1 })
	// What came meanwhile is no part of the clone.
	wantFile(t, open(t, s, repo, "main", repo.Ref("refs/heads/main")), "f", "34")
	fsck(t, mirrors(t, dir)[0])
}

func TestCloseEndsARenewal(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	asked := make(chan struct{})
	clones(srv, func(_ http.ResponseWriter, r *http.Request) bool {
		close(asked)
		<-r.Context().Done()
		return true
	})
	dir := t.TempDir()
	s, err := git.New(git.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 31 {
		push(t, s, repo, i).Close()
	}
	<-asked
	if err := s.Close(); err != nil { // TestMain looks for the goroutine
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "tmp", "*")); err != nil || len(left) > 0 {
		t.Errorf("left in flight: %q, %v", left, err)
	}
	if n := packs(t, dir); n != 31 {
		t.Errorf("%d packs, want the 31 there were", n)
	}
}

func TestARenewalThatFailsIsTriedAgainLater(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	var failures atomic.Int32
	clones(srv, func(w http.ResponseWriter, _ *http.Request) bool {
		if failures.Add(1) > 1 {
			return false
		}
		http.Error(w, "too large", http.StatusBadGateway)
		return true
	})
	dir := t.TempDir()
	s := newStore(t, in(dir))
	for i := range 62 {
		push(t, s, repo, i).Close()
		if i == 30 {
			until(t, "the first renewal fails", func() bool { return failures.Load() == 1 })
		} else if i < 61 && failures.Load() > 1 {
			t.Fatalf("tried again after push %d", i)
		}
	}
	until(t, "62 packs become one", func() bool { return packs(t, dir) == 1 && len(mirrors(t, dir)) == 1 })
}

func TestARemovedMirrorDoesNotComeBackByARenewal(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	asked, answer := make(chan struct{}), make(chan struct{})
	clones(srv, func(_ http.ResponseWriter, r *http.Request) bool {
		close(asked)
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		return false
	})
	dir := t.TempDir()
	s := newStore(t, in(dir))
	for i := range 31 {
		push(t, s, repo, i).Close()
	}
	<-asked
	if err := s.Prune(nil); err != nil {
		t.Fatal(err)
	}
	close(answer)
	until(t, "the clone is thrown away", func() bool {
		left, err := filepath.Glob(filepath.Join(dir, "tmp", "*", "*"))
		return err == nil && len(left) == 0
	})
	if m := mirrors(t, dir); len(m) != 0 {
		t.Errorf("mirrors after prune: %v", m)
	}
}
