package daemon_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile/kubetest"
)

// ready is what a daemon's readiness probe answers.
func (s *served) ready() string {
	s.t.Helper()
	res, err := http.Get(s.InternalURL + "/readyz")
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func TestOfTwoDaemonsOneIsActiveAndTheOtherTakesOver(t *testing.T) {
	w := newApart(t, settings{values: map[string]any{"poll": map[string]any{"min": "1s", "max": "2s"}}})
	var order []string
	pushed := map[string]kind{}
	acknowledged := 0
	push := func(s *served, n int, k kind) string {
		t.Helper()
		commit, err := w.pushTo(s, stormy(n, k, n%2 == 0))
		if err != nil {
			t.Fatal(err)
		}
		acknowledged++
		order, pushed[commit] = append(order, commit), k
		return commit
	}
	one := w.serve(w.Config)
	one.leads()
	two := w.serve(w.Config)
	one.goesLive(push(one, 0, good))
	if a, b := one.ready(), two.ready(); a != "ok, active" || b != "ok, standing by" {
		t.Errorf("one is %q, two is %q", a, b)
	}

	// What the other one takes, the active one handles.
	commit := push(two, 1, good)
	one.goesLive(commit)
	w.handled(acknowledged)
	if detail, err := two.api().App(t.Context(), w.app); err != nil || !strings.HasSuffix(detail.Live, commit) {
		t.Errorf("the one that stands by shows %+v, %v", detail.App, err)
	}
	if _, err := two.api().Do(t.Context(), w.app, "sync", client.Action{}); err == nil || !strings.Contains(err.Error(), "standing by") {
		t.Errorf("a sync of the one that stands by: %v", err)
	}

	// Killed while it waits, it is followed by the other.
	push(one, 2, unready)
	if !one.reaches(0, "wait") {
		t.Fatal("no wait")
	}
	if err := one.Kill(); err != nil {
		t.Fatal(err)
	}
	died := time.Now()
	two.leads()
	t.Logf("taken over %s after a kill", time.Since(died).Round(100*time.Millisecond))
	two.goesLive(push(two, 3, good))

	// Stopped, it gives the Lease back; the other looks every 5 to 11 s.
	three := w.serve(w.Config)
	if err := two.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	stopped := time.Now()
	three.leads()
	t.Logf("taken over %s after a stop", time.Since(stopped).Round(100*time.Millisecond))
	three.goesLive(push(three, 4, good))
	w.nothingPending()
	w.handled(acknowledged)
	if err := three.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	w.judge(order, pushed)
	w.examine(order, acknowledged)
}

// handled waits until so many deliveries are.
func (w *apart) handled(n int) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		handled, waiting := w.deliveries()
		if handled != n || waiting != 0 {
			return fmt.Errorf("%d deliveries handled and %d waiting, want %d", handled, waiting, n)
		}
		return nil
	})
}

func TestAStoppedLeaderThatGoesOnIsNoLeaderAnyMore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		n    int // of the write that it is stopped at
		what func(w *apart) func(*http.Request) bool
	}{
		"stopped before the claim": {1, func(w *apart) func(*http.Request) bool { return w.writesInventory }},
		"stopped between the claim and the end of its writes": {1, func(w *apart) func(*http.Request) bool {
			return func(r *http.Request) bool { return changes(r) && strings.HasSuffix(r.URL.Path, "/deployments/web") }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newApart(t, settings{})
			config, _ := w.second()
			old := w.serve(w.Config)
			first, err := w.pushTo(old, stormy(0, good, false))
			if err != nil {
				t.Fatal(err)
			}
			old.goesLive(first)

			reached, release := w.api.blocks(tc.n, tc.what(w))
			second, err := w.pushTo(old, stormy(1, good, true))
			if err != nil {
				t.Fatal(err)
			}
			w.await(reached, "a write")
			if err := old.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			now := w.serve(config)
			now.leads()
			third, err := w.pushTo(now, stormy(2, good, false))
			if err != nil {
				t.Fatal(err)
			}
			now.goesLive(third)
			w.nothingPending()
			want := w.snapshot()

			seen := len(old.diary.all())
			release()
			if err := old.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if _, ok := old.diary.after(t.Context(), seen, kubetest.Patience, func(e event) bool { return e.Msg == "standing by" }); !ok {
				t.Error("it does not stand down")
			}
			kubetest.Eventually(t, func() error {
				if got := old.ready(); got != "ok, standing by" {
					return fmt.Errorf("the former leader is %q", got)
				}
				return nil
			})
			w.holds(want)
			now.goesLive(third)
			w.nothingPending()

			// It can lead again.
			if err := now.Stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
			if _, ok := old.diary.after(t.Context(), seen, kubetest.Patience, func(e event) bool { return e.Msg == "active" }); !ok {
				t.Fatal("it does not lead again")
			}
			fourth, err := w.pushTo(old, stormy(3, good, true))
			if err != nil {
				t.Fatal(err)
			}
			old.goesLive(fourth)
			w.nothingPending()
			// The look at its start may be what deployed it, before the delivery did.
			w.handled(4)
			if err := old.Stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
			order := []string{first, second, third, fourth}
			w.judge(order, map[string]kind{})
			w.examine(order, 4)
		})
	}
}

func TestADaemonThatIsStoppedWhileItWaitsLeavesTheRestToTheNext(t *testing.T) {
	w := newApart(t, settings{})
	s := w.serve(w.Config)
	order := []string{}
	push := func(s *served, k kind) string {
		t.Helper()
		commit, err := w.pushTo(s, stormy(len(order), k, false))
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, commit)
		return commit
	}
	s.goesLive(push(s, good))
	seen := len(s.diary.all())
	bad := push(s, unready)
	if !s.reaches(seen, "wait") {
		t.Fatal("no wait")
	}
	w.status(bad, "deploy", "pending")
	start := time.Now()
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	left, ok := s.diary.after(t.Context(), seen, 0, func(e event) bool { return e.Msg == "pass stays open" })
	if !ok || left.App != w.app || left.Stage != "wait" || !strings.HasSuffix(left.Revision, bad) {
		t.Errorf("it names %+v", left)
	}
	if status, _ := w.StatusOf(bad, "deploy"); status.State != "pending" {
		t.Errorf("a pass that goes on later was told %+v", status)
	}

	s = w.serve(w.Config)
	if took := s.leads(); took > 15*time.Second {
		t.Errorf("the Lease was not given back: %s", took)
	}
	if !s.reaches(0, "wait") {
		t.Error("the next start does not carry on")
	}
	s.goesLive(push(s, good))
	w.nothingPending()
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	w.judge(order, map[string]kind{bad: unready})
	w.examine(order, len(order))
}

func TestAnAPIServerThatHangsDoesNotKeepTheDaemonFromStopping(t *testing.T) {
	w := newApart(t, settings{})
	s := w.serve(w.Config)
	first, err := w.pushTo(s, stormy(0, good, false))
	if err != nil {
		t.Fatal(err)
	}
	s.goesLive(first)
	reached, release := w.api.blocks(1, func(r *http.Request) bool { return changes(r) && strings.HasSuffix(r.URL.Path, "/deployments/web") })
	defer release()
	second, err := w.pushTo(s, stormy(1, good, false))
	if err != nil {
		t.Fatal(err)
	}
	w.await(reached, "a write")
	start := time.Now()
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(start); took > 28*time.Second { // Kubernetes kills after 30
		t.Errorf("it took %s to stop", took)
	}
	left, ok := s.diary.after(t.Context(), 0, 0, func(e event) bool { return e.Msg == "gave up on a pass that does not end" })
	if !ok || left.App != w.app || !strings.HasSuffix(left.Revision, second) {
		t.Errorf("it names %+v", left)
	}
	release()
	s = w.serve(w.Config)
	s.goesLive(second)
	w.nothingPending()
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	w.judge([]string{first, second}, map[string]kind{})
	w.examine([]string{first, second}, 2)
}
