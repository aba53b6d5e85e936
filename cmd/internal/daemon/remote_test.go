package daemon_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/sources/gittest"
)

// TestARemoteThatFailsIsToldAndComesBack lets the git server fail in every way
// while another application of the same daemon goes on.
func TestARemoteThatFailsIsToldAndComesBack(t *testing.T) {
	w := newWorld(t, settings{})
	other := w.neighbour()
	first := w.push(manifest(ten))
	w.settles(first, reconcile.Live)
	other.settles(other.push(manifest(ten)), reconcile.Live)

	answer := func(code int, body string) func(http.ResponseWriter, *http.Request) {
		return func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, body, code) }
	}
	for i, tc := range []struct {
		name  string
		serve func(http.ResponseWriter, *http.Request)
		want  string
	}{
		{"asks for a password", answer(http.StatusUnauthorized, "who?"), "access refused (401); rondo's token must be allowed to read it"},
		{"forbids", answer(http.StatusForbidden, "no"), "access refused (403); rondo's token must be allowed to read it"},
		{"does not know the repository", answer(http.StatusNotFound, "nothing"), "repository not found (404); check the address in rondo.yaml, and that rondo's token may read it"},
		{"is broken", answer(http.StatusInternalServerError, "oops"), "the server answered 500 Internal Server Error"},
		{"is somebody else", answer(http.StatusOK, "<html>welcome</html>"), "the answer is no answer of a git server"},
		{"breaks off", func(rw http.ResponseWriter, _ *http.Request) {
			if conn, _, err := rw.(http.Hijacker).Hijack(); err == nil {
				conn.Close()
			}
		}, "the server closed the connection"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, other := w.in(t), other.in(t)
			w.Git.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/acme/"+w.app+"/") {
					return false
				}
				tc.serve(rw, r)
				return true
			})
			commit := w.push(manifest(strings.Replace(ten, "hello", fmt.Sprint("hello ", i), 1)))
			if got, want := w.troubled(), "resolve main of "+w.repo.URL()+": "+tc.want; got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			// Nobody else notices.
			other.settles(other.push(manifest(strings.Replace(ten, "hello", fmt.Sprint("other ", i), 1))), reconcile.Live)
			w.Git.Intercept(nil)
			w.settles(commit, reconcile.Live)
			if trouble := w.state().Trouble; trouble != "" {
				t.Errorf("the trouble stays: %s", trouble)
			}
		})
	}
}

// neighbour is a second application of the same daemon.
func (w *world) neighbour() *world {
	w.t.Helper()
	other := *w
	other.app, other.ns = w.app+"-next", kubetest.Namespace(w.t, w.cp)
	other.repo = w.Git.Repo("acme/" + other.app)
	w.reload(w.entry(nil), other.entry(nil))
	return &other
}

// troubled waits until the status page says why the remote gave no answer.
func (w *world) troubled() string {
	w.t.Helper()
	var trouble string
	kubetest.Eventually(w.t, func() error {
		state := w.state()
		if trouble = state.Trouble; trouble == "" {
			return fmt.Errorf("no trouble; %s %s", state.Condition, state.Sentence)
		}
		return nil
	})
	return trouble
}

func TestHistoryThatMovesOtherThanForwardIsFollowed(t *testing.T) {
	w := newWorld(t, settings{})
	// Empty, then without the ref, then with it.
	says := func(text string) {
		t.Helper()
		kubetest.Eventually(t, func() error {
			if state := w.state(); !strings.Contains(state.Sentence+state.Trouble, text) {
				return fmt.Errorf("%s: %q %q", state.Condition, state.Sentence, state.Trouble)
			}
			return nil
		})
	}
	says("empty")
	elsewhere := w.commit(manifest(ten), gittest.On("trunk"))
	if _, err := w.Hook(t.Context(), w.URL(), w.repo, "main", "", elsewhere); err != nil {
		t.Fatal(err)
	}
	says("ref does not exist")
	first := w.push(manifest(ten))
	w.settles(first, reconcile.Live)
	second := w.push(manifest(strings.Replace(ten, "hello", "hi", 1)))
	w.settles(second, reconcile.Live)

	tell := func() {
		t.Helper()
		if _, err := w.Hook(t.Context(), w.URL(), w.repo, "main", second, w.repo.Ref("refs/heads/main")); err != nil {
			t.Fatal(err)
		}
	}
	greets := func(want string) {
		t.Helper()
		if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != want {
			t.Errorf("GREETING is %q, want %q", got, want)
		}
	}
	w.repo.SetRef("refs/heads/main", first) // a force-push backwards
	tell()
	w.settles(first, reconcile.Live)
	greets("hello")

	w.repo.Delete("refs/heads/main")
	tell()
	says("ref does not exist")
	greets("hello")
	if state := w.state(); state.Condition != reconcile.Live {
		t.Errorf("what runs is %s", state.Condition)
	}
	third := w.push(manifest(strings.Replace(ten, "hello", "again", 1)), gittest.Orphan()) // and a rewritten history
	w.settles(third, reconcile.Live)
	greets("again")

	w.repo.Remove()
	if _, err := w.Hook(t.Context(), w.URL(), w.repo, "main", second, third); err != nil {
		t.Fatal(err)
	}
	says("repository not found")
	greets("again")
	w.repo = w.Git.Repo(w.repo.Name())
	fourth := w.push(manifest(strings.Replace(ten, "hello", "and again", 1)))
	w.settles(fourth, reconcile.Live)
	greets("and again")
}
