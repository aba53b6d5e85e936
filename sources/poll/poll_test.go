package poll_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/gittest"
	"rondo.dev/rondo/sources/poll"
)

// remote answers for all repositories, and remembers when it was asked.
type remote struct {
	mu     sync.Mutex
	hash   map[string]string // by address
	err    map[string]error
	asked  map[string][]time.Time
	now    int // questions at this moment, and the most there were
	most   int
	answer time.Duration // how long one takes
}

func newRemote() *remote {
	return &remote{hash: map[string]string{}, err: map[string]error{}, asked: map[string][]time.Time{}, answer: time.Millisecond}
}

func (r *remote) Resolve(ctx context.Context, repo sources.Repo, ref string) (sources.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked[repo.URL] = append(r.asked[repo.URL], time.Now())
	r.now++
	r.most = max(r.most, r.now)
	answer := r.answer
	r.mu.Unlock()
	select {
	case <-time.After(answer):
	case <-ctx.Done():
	}
	r.mu.Lock()
	r.now--
	return sources.Revision{Ref: ref, Hash: r.hash[repo.URL]}, errors.Join(ctx.Err(), r.err[repo.URL])
}

func (r *remote) set(repo, hash string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hash[repo], r.err[repo] = hash, err
}

// times are those of the questions since the last call.
func (r *remote) times(repo string) []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer delete(r.asked, repo)
	return r.asked[repo]
}

// told collects Signals.
type told struct {
	mu      sync.Mutex
	signals []sources.Signal
}

func (l *told) emit(_ context.Context, s sources.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signals = append(l.signals, s)
}

func (l *told) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, s := range l.signals {
		all = append(all, s.Repo.URL+" "+s.Ref)
	}
	l.signals = nil
	return all
}

// within runs a Poller in a bubble of fake time.
func within(t *testing.T, f func(t *testing.T, p *poll.Poller, r *remote, l *told)) {
	synctest.Test(t, func(t *testing.T) {
		r, l := newRemote(), &told{}
		p, err := poll.New(poll.Options{Resolve: r.Resolve, Emit: l.emit})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- p.Run(ctx) }()
		f(t, p, r, l)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// pass lets fake time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func watch(urls ...string) (all []poll.Watch) {
	for _, u := range urls {
		all = append(all, poll.Watch{Repo: sources.Repo{URL: u}, Ref: "main"})
	}
	return all
}

func set(t *testing.T, p *poll.Poller, w []poll.Watch) {
	t.Helper()
	if err := p.SetRepos(w); err != nil {
		t.Fatal(err)
	}
}

func wantTold(t *testing.T, l *told, want ...string) {
	t.Helper()
	if got := l.take(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// gaps are the times between questions.
func gaps(times []time.Time) (all []time.Duration) {
	for i := 1; i < len(times); i++ {
		all = append(all, times[i].Sub(times[i-1]))
	}
	return all
}

func about(got, want time.Duration) bool {
	return float64(got) > 0.79*float64(want) && float64(got) < 1.21*float64(want)
}

func TestOnlyChangesAreTold(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		r.set("a", "1", nil)
		set(t, p, watch("a"))
		pass(6 * time.Second)
		wantTold(t, l, "a main") // the first answer always
		pass(2 * time.Hour)
		wantTold(t, l)
		r.set("a", "2", nil)
		pass(19 * time.Minute)
		wantTold(t, l, "a main")
		r.set("a", "", fmt.Errorf("resolve main of a: %w", sources.ErrNoRef))
		pass(19 * time.Minute)
		wantTold(t, l, "a main") // that it is gone is an answer
		pass(time.Hour)
		wantTold(t, l)
	})
}

func TestQuietRepositoriesAreAskedLessAndLess(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		r.set("a", "1", nil)
		set(t, p, watch("a"))
		pass(6 * time.Hour)
		got := gaps(r.times("a"))
		want := 30 * time.Second
		for i, g := range got {
			if !about(g, want) {
				t.Errorf("gap %d is %s, want %s ± 20 %%", i, g, want)
			}
			want = min(want*3/2, 15*time.Minute)
		}
		r.set("a", "2", nil)
		pass(18 * time.Minute)
		times := r.times("a")
		pass(40 * time.Second)
		wantTold(t, l, "a main", "a main")
		if more := r.times("a"); len(times)+len(more) < 2 {
			t.Errorf("after a change it was asked %d times", len(times)+len(more))
		}
	})
}

func TestWebhooksMakePollsRare(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		r.set("a", "1", nil)
		set(t, p, watch("a"))
		pass(6 * time.Second)
		p.Seen(sources.Repo{URL: "a"})
		p.Seen(sources.Repo{URL: "unknown"})
		pass(time.Minute)
		r.times("a")
		pass(time.Hour)
		if n := len(r.times("a")); n < 3 || n > 5 {
			t.Errorf("with webhooks it was asked %d times an hour", n)
		}
		for range 3 { // pushes that webhooks announce change nothing
			r.set("a", time.Now().String(), nil)
			p.Seen(sources.Repo{URL: "a"})
			pass(time.Hour)
			if n := len(r.times("a")); n < 3 || n > 5 {
				t.Errorf("with webhooks and a push it was asked %d times an hour", n)
			}
		}
		l.take()
		r.set("a", "unannounced", nil) // the webhook got lost
		pass(19 * time.Minute)
		wantTold(t, l, "a main")
		pass(time.Hour)
		if n := len(r.times("a")); n < 8 {
			t.Errorf("after a lost webhook it was asked %d times", n)
		}
	})
}

func TestErrorsBackOffByRepository(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		r.set("bad", "1", errors.New("connection refused"))
		r.set("good", "1", nil)
		w := watch("bad", "good")
		w = append(w, poll.Watch{Repo: sources.Repo{URL: "bad"}, Ref: "other"})
		set(t, p, w)
		pass(6 * time.Second)
		wantTold(t, l, "good main")
		pass(24 * time.Hour)
		times := r.times("bad")
		// Two refs share the back-off: within 24 h at most about 2 × 96 questions, and only two in the first seconds.
		if n := len(times); n < 80 || n > 230 {
			t.Errorf("a bad repository was asked %d times a day", n)
		}
		if early := slices.IndexFunc(times, func(at time.Time) bool { return at.Sub(times[0]) > 40*time.Second }); early > 2 {
			t.Errorf("a bad repository was asked %d times at once", early)
		}
		wantTold(t, l)
		r.set("bad", "1", nil)
		pass(19 * time.Minute)
		got := l.take()
		slices.Sort(got)
		if want := []string{"bad main", "bad other"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestTheSameRefIsAskedOnce(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		r.set("a", "1", nil)
		set(t, p, watch("a", "a", "a"))
		pass(6 * time.Second)
		wantTold(t, l, "a main")
		if n := len(r.times("a")); n != 1 {
			t.Errorf("three applications asked %d times", n)
		}
	})
}

func TestReloadKeepsWhatIsKnown(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		for _, u := range []string{"a", "b", "c"} {
			r.set(u, "1", nil)
		}
		set(t, p, watch("a", "b"))
		pass(time.Hour)
		l.take()
		r.times("a")
		r.times("b")
		set(t, p, watch("a", "c"))
		pass(6 * time.Second)
		wantTold(t, l, "c main")
		pass(time.Hour)
		if n := len(r.times("b")); n != 0 {
			t.Errorf("what is not watched any more was asked %d times", n)
		}
		if n := len(r.times("a")); n < 3 || n > 6 {
			t.Errorf("a reload changed how often the others are asked: %d times an hour", n)
		}
	})
}

func TestDroppedWhileAsked(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		r.set("a", "1", nil)
		r.answer = time.Minute
		set(t, p, watch("a"))
		pass(6 * time.Second)
		set(t, p, nil)
		pass(2 * time.Minute)
		wantTold(t, l)
		set(t, p, watch("a"))
		pass(2 * time.Minute)
		wantTold(t, l, "a main")
	})
}

func TestSchedulesAreKept(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, _ *told) {
		r.set("every", "1", nil)
		r.set("fields", "1", nil)
		set(t, p, []poll.Watch{
			{Repo: sources.Repo{URL: "every"}, Ref: "main", Schedule: "@every 2m"},
			{Repo: sources.Repo{URL: "fields"}, Ref: "main", Schedule: "*/10 * * * *"},
		})
		pass(time.Hour)
		for _, g := range gaps(r.times("every")) {
			if g < 119*time.Second || g > 122*time.Second {
				t.Errorf("@every 2m waited %s", g)
			}
		}
		for _, at := range r.times("fields")[1:] {
			if at.Minute()%10 != 0 || at.Second() > 1 {
				t.Errorf("*/10 looked at %s", at)
			}
		}
	})
}

func TestT19_OneBadScheduleStopsNobodyElse(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		r.set("good", "1", nil)
		w := watch("good")
		for i, s := range []string{"* * * * * *", "@every 1ns", "-1s", "9e99h"} {
			w = append(w, poll.Watch{Repo: sources.Repo{URL: fmt.Sprintf("bad%d", i)}, Ref: "main", Schedule: s})
		}
		err := p.SetRepos(w)
		for _, bad := range w[1:] {
			if err == nil || !strings.Contains(err.Error(), bad.Repo.URL) {
				t.Errorf("the error does not name %s: %v", bad.Repo, err)
			}
		}
		pass(time.Hour)
		wantTold(t, l, "good main")
		if n := len(r.times("bad0")); n > 0 {
			t.Errorf("a repository with a bad schedule was asked %d times", n)
		}
	})
}

func TestTenThousandRepositoriesCostNoGoroutines(t *testing.T) {
	within(t, func(t *testing.T, p *poll.Poller, r *remote, l *told) {
		var urls []string
		for i := range 10_000 {
			u := fmt.Sprintf("https://example.com/r%d", i)
			urls = append(urls, u)
			r.set(u, "1", nil)
		}
		before := runtime.NumGoroutine()
		set(t, p, watch(urls...))
		pass(3 * time.Second)
		if n := runtime.NumGoroutine() - before; n > 8 {
			t.Errorf("%d goroutines more", n)
		}
		pass(time.Minute)
		if n := len(l.take()); n != len(urls) {
			t.Errorf("%d repositories were told of, want all %d", n, len(urls))
		}
		r.mu.Lock()
		most := r.most
		r.mu.Unlock()
		if most != 4 {
			t.Errorf("%d questions at the same time, want 4", most)
		}
		// Never in step: no second of the next half hour has much more than its share.
		pass(30 * time.Minute)
		seconds := map[int64]int{}
		all := 0
		for _, u := range urls {
			for _, at := range r.times(u)[1:] {
				seconds[at.Unix()]++
				all++
			}
		}
		for s, n := range seconds {
			if n > 4*1000 || n > all/20 {
				t.Errorf("%d of %d looks in second %d", n, all, s)
			}
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	r, l := newRemote(), &told{}
	for name, o := range map[string]poll.Options{
		"nobody to ask":     {Emit: l.emit},
		"nobody to tell":    {Resolve: r.Resolve},
		"max below min":     {Resolve: r.Resolve, Emit: l.emit, Min: time.Hour, Max: time.Minute},
		"a negative minute": {Resolve: r.Resolve, Emit: l.emit, Min: -time.Minute},
	} {
		if _, err := poll.New(o); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestPushIsFoundOnARealServer(t *testing.T) {
	srv := gittest.New(t)
	shop := srv.Repo("shop")
	shop.Commit(map[string]string{"f": "1"})
	store, err := git.New(git.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	signals := make(chan sources.Signal, 10)
	registry := prometheus.NewRegistry()
	p, err := poll.New(poll.Options{
		Resolve: store.Resolve, Emit: func(_ context.Context, s sources.Signal) { signals <- s },
		Min: 20 * time.Millisecond, Max: 50 * time.Millisecond, Rand: func() float64 { return 0 }, Registerer: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	repo := sources.Repo{URL: shop.URL()}
	if err := p.SetRepos([]poll.Watch{{Repo: repo, Ref: "main"}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	want := sources.Signal{Repo: repo, Ref: "main"}
	next := func(why string) {
		t.Helper()
		select {
		case got := <-signals:
			if got != want {
				t.Errorf("%s: %+v, want %+v", why, got, want)
			}
		case <-ctx.Done():
			t.Fatalf("%s: no signal", why)
		}
	}
	next("the first look")
	shop.Commit(map[string]string{"f": "2"})
	next("a push")
	srv.Intercept(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true })
	shop.Commit(map[string]string{"f": "3"})
	srv.Intercept(nil)
	next("a push while the server was down")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	if want := []string{"rondo_poll_looks_total", "rondo_poll_refs"}; !slices.Equal(names, want) {
		t.Errorf("metrics %q, want %q", names, want)
	}
}
