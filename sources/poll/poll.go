package poll

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/robfig/cron/v3"

	"rondo.dev/rondo/sources"
)

// Options say whom to ask and whom to tell. Resolve and Emit are required.
type Options struct {
	// Resolve asks the remote what a ref is now, as git.Store does.
	Resolve func(ctx context.Context, repo sources.Repo, ref string) (sources.Revision, error)
	// Emit takes a Signal; it must not block for long, as nothing is looked at meanwhile.
	Emit func(ctx context.Context, s sources.Signal)

	Min time.Duration // between looks after a change; default 30 s
	Max time.Duration // between looks when all is quiet; default 15 min

	Now        func() time.Time      // nil: time.Now
	Rand       func() float64        // in [0, 1); nil: math/rand/v2
	Logger     *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics are kept to itself
}

// Watch is one ref to look at.
type Watch struct {
	Repo     sources.Repo
	Ref      string // short
	Schedule string // as ParseSchedule takes it; empty: as often as useful
}

const (
	workers = 4               // questions at the same time
	spread  = 5 * time.Second // over which first looks are spread
	growth  = 1.5             // of the interval, for each look that finds nothing
	jitter  = 0.2             // of the interval, either way
)

// Poller looks at repositories. Its methods may be called from several goroutines.
type Poller struct {
	o       Options
	log     *slog.Logger
	metrics *metrics
	wake    chan struct{}

	mu    sync.Mutex
	repos map[sources.Repo]*repo
	items map[target]*item
	due   queue
}

// target is what is asked for once.
type target struct {
	repo sources.Repo
	ref  string
}

// repo is what the refs of one repository share.
type repo struct {
	refs     int
	failures int       // in a row
	until    time.Time // no look before; after a failure
	hook     time.Time // newest webhook; zero: none, or one was missed since
}

// item is one ref.
type item struct {
	target
	repo      *repo
	adaptive  bool
	schedules []cron.Schedule
	next      time.Time
	index     int // in the queue; -1: being asked for, or not watched any more
	gone      bool
	interval  time.Duration
	looked    time.Time // last answer; zero: never
	hash      string    // last answer; empty: the ref does not exist
}

// New makes a Poller that watches nothing yet.
func New(o Options) (*Poller, error) {
	if o.Resolve == nil || o.Emit == nil {
		return nil, errors.New("poll: Options.Resolve and Options.Emit are required")
	}
	if o.Min == 0 {
		o.Min = 30 * time.Second
	}
	if o.Max == 0 {
		o.Max = 15 * time.Minute
	}
	if o.Min < 0 || o.Max < o.Min {
		return nil, fmt.Errorf("poll: Options.Min %s and Options.Max %s are no range", o.Min, o.Max)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("poll: %w", err)
	}
	return &Poller{
		o: o, log: o.Logger, metrics: m, wake: make(chan struct{}, 1), repos: map[sources.Repo]*repo{}, items: map[target]*item{},
	}, nil
}

// SetRepos replaces what is watched. What was watched before goes on as it was. The error names the watches whose
// schedule is wrong; they are left out, all others are in force.
func (p *Poller) SetRepos(watches []Watch) error {
	schedules, err := parseAll(watches)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now()
	wanted := map[target]*item{} // only adaptive and schedules are filled in
	for _, w := range watches {
		s := schedules[w]
		if w.Schedule != "" && s == nil {
			continue
		}
		t := target{w.Repo, w.Ref}
		it := wanted[t]
		if it == nil {
			it = &item{}
			wanted[t] = it
		}
		if s == nil {
			it.adaptive = true
		} else {
			it.schedules = append(it.schedules, s)
		}
	}
	for t, it := range p.items {
		if wanted[t] == nil {
			p.drop(it)
		}
	}
	for t, w := range wanted {
		it := p.items[t]
		if it == nil {
			it = p.add(t)
			it.next = now.Add(time.Duration(p.o.Rand() * float64(spread)))
			it.adaptive, it.schedules = w.adaptive, w.schedules
			heap.Push(&p.due, it)
			continue
		}
		it.adaptive, it.schedules = w.adaptive, w.schedules
		if it.index >= 0 && !it.looked.IsZero() && it.repo.failures == 0 {
			it.next = p.after(it, it.looked)
			heap.Fix(&p.due, it.index)
		}
	}
	p.metrics.watched.Set(float64(len(p.items)))
	p.stir()
	return err
}

func (p *Poller) add(t target) *item {
	r := p.repos[t.repo]
	if r == nil {
		r = &repo{}
		p.repos[t.repo] = r
	}
	r.refs++
	it := &item{target: t, repo: r, index: -1, interval: p.o.Min}
	p.items[t] = it
	return it
}

func (p *Poller) drop(it *item) {
	it.gone = true
	delete(p.items, it.target)
	if it.index >= 0 {
		heap.Remove(&p.due, it.index)
	}
	if it.repo.refs--; it.repo.refs == 0 {
		delete(p.repos, it.target.repo)
	}
}

// Seen says that a webhook of repo arrived: those work, so looks can be rare.
func (p *Poller) Seen(repo sources.Repo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.repos[repo]; r != nil {
		r.hook = p.o.Now()
	}
}

// stir makes Run look at the queue again.
func (p *Poller) stir() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// after is when to look again at what was looked at then.
func (p *Poller) after(it *item, then time.Time) time.Time {
	var next time.Time
	if it.adaptive {
		next = then.Add(p.spread(it.interval))
	}
	for _, s := range it.schedules {
		if at := s.Next(then.UTC()); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

func (p *Poller) spread(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (1 - jitter + 2*jitter*p.o.Rand()))
}
