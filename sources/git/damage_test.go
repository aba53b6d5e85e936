package git_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/gittest"
)

// one is the only file that matches pattern below a mirror.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s matches %v, %v", pattern, names, err)
	}
	return names[0]
}

func TestDamagedMirrorIsClonedAfresh(t *testing.T) {
	edit := func(pattern string, f func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, m string) {
			name := one(t, m, pattern)
			b, err := os.ReadFile(name)
			if err == nil {
				err = os.Remove(name)
			}
			if b = f(b); err == nil && b != nil {
				err = os.WriteFile(name, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	half := func(b []byte) []byte { return b[:len(b)/2] }
	gone := func([]byte) []byte { return nil }
	empty := func([]byte) []byte { return []byte{} }
	flip := func(b []byte) []byte {
		for i := 12; i < len(b)-20; i++ {
			b[i] ^= 0xff
		}
		return b
	}
	for name, damage := range map[string]func(*testing.T, string){
		"the pack is cut":            edit("objects/pack/*.pack", half),
		"the pack is empty":          edit("objects/pack/*.pack", empty),
		"the pack is gone":           edit("objects/pack/*.pack", gone),
		"the pack is full of errors": edit("objects/pack/*.pack", flip),
		"the index is cut":           edit("objects/pack/*.idx", half),
		"the index is empty":         edit("objects/pack/*.idx", empty),
		"the index is gone":          edit("objects/pack/*.idx", gone),
		"the index is from another":  edit("objects/pack/*.idx", func(b []byte) []byte { b[len(b)-25]++; return b }),
		"the index leads nowhere": edit("objects/pack/*.idx", func(b []byte) []byte {
			for i := 8 + 1024; i < len(b)-40; i++ {
				b[i] = 0x7e
			}
			return b
		}),
		"the list of refs is gone":    edit("packed-refs", gone),
		"the list of refs is rubbish": edit("packed-refs", func([]byte) []byte { return []byte("x\x00y\nzz zz\n") }),
		"all packs are gone": func(t *testing.T, m string) {
			if err := os.RemoveAll(filepath.Join(m, "objects")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			repo := gittest.New(t).Repo("r")
			first := repo.Commit(map[string]string{"f": "1", "g": strings.Repeat("content\n", 100)})
			dir := t.TempDir()
			s := newStore(t, in(dir))
			open(t, s, repo, "main", first).Close()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damage(t, mirrors(t, dir)[0])
			second := repo.Commit(map[string]string{"f": "2"})

			s = newStore(t, in(dir))
			for _, hash := range []string{first, second} {
				var got []byte
				var err error
				for range 2 { // damage inside a pack shows when it is read; the next Open repairs it
					var snap sources.Snapshot
					snap, err = s.Open(t.Context(), repoOf(t, repo), sources.Revision{Ref: "main", Hash: hash})
					if err != nil {
						continue
					}
					got, err = fs.ReadFile(snap, "f")
					snap.Close()
				}
				if want := map[string]string{first: "1", second: "2"}[hash]; err != nil || string(got) != want {
					t.Errorf("f at %s is %q, %v; want %q", hash, got, err, want)
				}
			}
			m := mirrors(t, dir)
			if len(m) != 1 {
				t.Fatalf("mirrors %v, want one", m)
			}
			fsck(t, m[0])
		})
	}
}

func TestWhatAKilledProcessLeftIsRemoved(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "tmp", "killed", "x", "objects", "pack")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "incoming"), []byte("PACK"), 0o600); err != nil {
		t.Fatal(err)
	}
	first := newStore(t, in(dir))
	own, err := filepath.Glob(filepath.Join(dir, "tmp", "*"))
	if err != nil || len(own) != 1 || filepath.Base(own[0]) == "killed" {
		t.Errorf("in flight after a start: %v, %v", own, err)
	}
	newStore(t, in(dir)) // a second process, during a rolling update, leaves the first alone
	if _, err := os.Stat(own[0]); err != nil {
		t.Error(err)
	}
	repo := gittest.New(t).Repo("r")
	wantFile(t, open(t, first, repo, "main", repo.Commit(map[string]string{"f": "1"})), "f", "1")
}

func TestOfTwoMirrorsTheYoungerStays(t *testing.T) {
	repo := gittest.New(t).Repo("r")
	hash := repo.Commit(map[string]string{"f": "1"})
	dir := t.TempDir()
	s := newStore(t, in(dir))
	open(t, s, repo, "main", hash).Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// What a crash between the swap and the removal of the old mirror leaves.
	old := filepath.Join(dir, "OLD")
	if err := os.CopyFS(old, os.DirFS(mirrors(t, dir)[0])); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(old, "packed-refs"))
	if err != nil {
		t.Fatal(err)
	}
	long := info.ModTime().AddDate(-1, 0, 0)
	if err := os.Chtimes(filepath.Join(old, "packed-refs"), long, long); err != nil {
		t.Fatal(err)
	}
	s = newStore(t, in(dir))
	if m := mirrors(t, dir); len(m) != 1 || m[0] == old {
		t.Errorf("mirrors after a start: %v", m)
	}
	wantFile(t, open(t, s, repo, "main", hash), "f", "1")
}

func TestConcurrentOpensShareOneFetch(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	main := repo.Commit(map[string]string{"f": "main"})
	other := repo.Commit(map[string]string{"f": "other"}, gittest.On("other"), gittest.From(main))
	dir := t.TempDir()
	s := newStore(t, in(dir))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			rev, want := sources.Revision{Ref: "main", Hash: main}, "main"
			if i%2 == 1 {
				rev, want = sources.Revision{Ref: "other", Hash: other}, "other"
			}
			snap, err := s.Open(t.Context(), repoOf(t, repo), rev)
			if err != nil {
				t.Error(err)
				return
			}
			defer snap.Close()
			for range 10 {
				wantFile(t, snap, "f", want)
			}
		})
	}
	wg.Wait()
	if n := srv.Traffic().Requests; n > 2 {
		t.Errorf("20 opens of two refs took %d requests, want 2", n)
	}
	if m := mirrors(t, dir); len(m) != 1 {
		t.Errorf("two refs of one repository have the mirrors %v", m)
	}
}

func TestCancelledOpenLeavesNothing(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	hash := repo.Commit(map[string]string{"f": "1"})
	superseded := errors.New("superseded")
	ctx, cancel := context.WithCancelCause(t.Context())
	srv.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !bytes.Contains(body, []byte("command=fetch")) {
			return false
		}
		cancel(superseded)
		<-r.Context().Done()
		return true
	})
	dir := t.TempDir()
	s := newStore(t, in(dir))
	_, err := s.Open(ctx, repoOf(t, repo), sources.Revision{Ref: "main", Hash: hash})
	if !errors.Is(err, superseded) {
		t.Errorf("a cancelled open: %v, want its cause", err)
	}
	if m := mirrors(t, dir); len(m) != 0 {
		t.Errorf("a cancelled open left %v", m)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "tmp", "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("a cancelled open left %v, %v in flight", left, err)
	}
	srv.Intercept(nil)
	wantFile(t, open(t, s, repo, "main", hash), "f", "1")
}

func TestStoreNeedsAFolder(t *testing.T) {
	if _, err := git.New(git.Options{}); err == nil || !strings.Contains(err.Error(), "Options.Dir") {
		t.Errorf("without a folder: %v", err)
	}
}
