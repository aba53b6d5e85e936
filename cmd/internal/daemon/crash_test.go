package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile/kubetest"
)

// draw is a source of random numbers for several goroutines.
type draw struct {
	mu sync.Mutex
	r  *rand.Rand
}

// newDraw seeds it by RONDO_SEED, or anew, and tells.
func newDraw(t *testing.T) *draw {
	t.Helper()
	seed := rand.Uint64()
	if s := os.Getenv("RONDO_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("RONDO_SEED=%d", seed)
	return &draw{r: rand.New(rand.NewPCG(seed, 0))}
}

func (d *draw) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.r.IntN(n)
}

func (d *draw) upTo(t time.Duration) time.Duration { return time.Duration(d.n(int(t))) }

// kind is what is to become of a revision.
type kind int

const (
	good kind = iota
	unready
	invalid
)

// stormy is the n-th manifest of a storm: every one changes several objects,
// some have a second service, and the Secret returns to earlier values.
func stormy(n int, k kind, worker bool) map[string]string {
	image := fmt.Sprintf("web:1.0.%d", n)
	if k == unready {
		image = fmt.Sprintf("web:never-ready-%d", n)
	}
	text := fmt.Sprintf(`environment_variables:
  GREETING: hello %d
services:
  web:
    image: registry.example.org/shop/%s
    ports: ["8000:80"]
    traffic_matches: [shop.example.org]
    env_vars: {MODE: "%d", PASSWORD: swordfish-%d}
    secret_env: [PASSWORD]
    constraints: {min_count: 2, max_count: 2}
`, n, image, n%3, n%2)
	if worker {
		text += fmt.Sprintf(`  worker:
    image: registry.example.org/shop/worker:1.0.%d
    env_vars: {QUEUE: "%d", PASSWORD: swordfish-%d}
    secret_env: [PASSWORD]
`, n/2, n%2, n%2)
	}
	if k == invalid {
		text += "    no_such_option: true\n"
	}
	return manifest(text)
}

// slow makes fetches and writes last, so that each can be hit. Half of the
// writes have not arrived when they are cut off, half have.
func (w *apart) slow(d *draw) {
	w.Git.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err == nil && bytes.Contains(body, []byte("command=fetch")) {
			pause(r.Context(), d.upTo(150*time.Millisecond))
		}
		return false
	})
	hold := func(r *http.Request) func(context.Context) {
		if !changes(r) {
			return nil
		}
		takes, late := d.upTo(60*time.Millisecond), d.n(2) == 0
		if late {
			pause(r.Context(), takes)
			return nil
		}
		return func(ctx context.Context) { pause(ctx, takes) }
	}
	w.api.hold.Store(&hold)
}

func (w *apart) calm() {
	w.Git.Intercept(nil)
	w.api.hold.Store(nil)
}

func TestADaemonKilledAgainAndAgainEndsInTheSameState(t *testing.T) {
	kills := 6
	if os.Getenv("RONDO_SOAK") != "" {
		kills = 30
	}
	w := newApart(t, settings{app: map[string]any{"health_deadline": "1m"}})
	d := newDraw(t)
	pushed := map[string]kind{}
	var order []string
	worker := false
	acknowledged := 0
	push := func(s *served, n int, k kind) string {
		if d.n(3) == 0 {
			worker = !worker
		}
		commit, err := w.pushTo(s, stormy(n, k, worker))
		if err == nil {
			acknowledged++
		}
		pushed[commit], order = k, append(order, commit)
		return commit
	}

	s := w.serve(w.Config)
	s.leads()
	s.goesLive(push(s, 0, good))
	w.slow(d)
	hits := map[string]int{}
	var takeovers []time.Duration
	for i := range kills {
		aim := [...]string{"fetch", "apply", "wait", ""}[i%4]
		k := [...]kind{good, good, unready, invalid}[d.n(4)]
		if aim == "apply" || aim == "wait" {
			k = [...]kind{good, unready}[d.n(2)]
		}
		seen := len(s.diary.all())
		push(s, i+1, k)
		if aim == "" {
			pause(t.Context(), d.upTo(400*time.Millisecond))
		} else if s.reaches(seen, aim) {
			pause(t.Context(), d.upTo(100*time.Millisecond))
		}
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		hits[s.diary.stage()]++
		s = w.serve(w.Config)
		takeovers = append(takeovers, s.leads())
		pause(t.Context(), d.upTo(time.Duration(d.n(3))*400*time.Millisecond+1))
	}
	w.calm()
	last := push(s, kills+1, good)
	s.goesLive(last)
	w.nothingPending()
	w.everythingHandled()
	slices.Sort(takeovers)
	t.Logf("%d kills: %v; from a restart to being active: at most %s, p50 %s", kills, hits, takeovers[kills-1], takeovers[kills/2])
	for _, stage := range []string{"fetch", "apply", "wait"} {
		if hits[stage] == 0 {
			t.Errorf("no kill hit %s", stage)
		}
	}
	// Without its predecessor's name a daemon waits 20 s for the Lease.
	if slowest := takeovers[kills-1]; slowest > 10*time.Second {
		t.Errorf("the Lease was taken over after %s", slowest)
	}
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	w.judge(order, pushed)
	w.examine(order, acknowledged)

	storm := w.snapshot()
	w.forget()
	s = w.serve(w.Config)
	s.goesLive(last)
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	calm := w.snapshot()
	for _, id := range slices.Sorted(maps.Keys(storm)) {
		if calm[id] != storm[id] {
			t.Errorf("%s after the kills:\n%s\nundisturbed:\n%s", id, storm[id], calm[id])
		}
		delete(calm, id)
	}
	for id := range calm {
		t.Errorf("%s is missing after the kills", id)
	}
}

func TestAfterACrashInTheMiddleOfAnApply(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		next func(w *apart, first string) string // moves the ref
		told string                              // to the commit that crashed
	}{
		"a ref that went back is what the cluster follows": {func(w *apart, first string) string {
			w.repo.SetRef("refs/heads/main", first)
			return first
		}, "success: superseded by"},
		"files that are no good bring back what was whole": {func(w *apart, _ string) string {
			return w.commit(stormy(2, invalid, true))
		}, "success: superseded by"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newApart(t, settings{})
			s := w.serve(w.Config)
			first, err := w.pushTo(s, stormy(0, good, false))
			if err != nil {
				t.Fatal(err)
			}
			s.goesLive(first)
			w.status(first, "deploy", "success")
			whole := w.snapshot()
			// Every object is written, the inventory not yet.
			reached, _ := w.api.blocks(2, w.writesInventory)
			second, err := w.pushTo(s, stormy(1, good, true))
			if err != nil {
				t.Fatal(err)
			}
			w.await(reached, "the end of an apply")
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			w.calm()
			tc.next(w, first)
			w.serve(w.Config)
			w.holds(whole)
			w.nothingPending()
			if got, _ := w.StatusOf(second, "deploy"); !strings.HasPrefix(got.State+": "+got.Description, tc.told) {
				t.Errorf("the commit that crashed was told %+v", got)
			}
		})
	}
}

func TestARemovalThatIsKilledIsCarriedOn(t *testing.T) {
	w := newApart(t, settings{})
	s := w.serve(w.Config)
	commit, err := w.pushTo(s, stormy(0, good, true))
	if err != nil {
		t.Fatal(err)
	}
	s.goesLive(commit)
	if err := w.Configure(); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, func() error {
		detail, err := s.api().App(t.Context(), w.app)
		if err == nil && !detail.Orphaned {
			err = fmt.Errorf("%s is not orphaned", w.app)
		}
		return err
	})
	reached, _ := w.api.blocks(3, func(r *http.Request) bool { return r.Method == http.MethodDelete })
	if _, err := s.api().Do(t.Context(), w.app, "remove", client.Action{Confirm: w.app}); err != nil {
		t.Fatal(err)
	}
	w.await(reached, "the third deletion")
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	w.calm()
	s = w.serve(w.Config)
	kubetest.Eventually(t, func() error {
		left := 0
		w.list(func(string, unstructured.Unstructured) { left++ })
		apps, err := s.api().Apps(t.Context())
		if err == nil && (left > 0 || len(apps) > 0) {
			err = fmt.Errorf("%d objects are left; the daemon knows %+v", left, apps)
		}
		return err
	})
	if err := s.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}
