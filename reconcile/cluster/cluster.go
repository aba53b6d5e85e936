package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// parallel is how many requests one Live or Apply has in flight; 16 are what it
// takes to keep an API server of two cores busy (measured).
const parallel = 16

// requestTimeout bounds each request but watches.
const requestTimeout = 30 * time.Second

// Options are what a Cluster needs. Config, Key and Holder must be set.
type Options struct {
	Config *rest.Config // rondo's own identity
	// SingleTenant: targets without a service account are written as rondo itself.
	SingleTenant bool
	Key          []byte // of the inventory's HMAC and of all digests; secret
	Holder       string // names this process in inventories and the Lease; unique
	// ReadOnly is for plans that are only shown: inventories are believed without
	// their HMAC, for want of the key, and Apply refuses.
	ReadOnly bool
	// TakeOver lists patterns of field managers whose fields are taken over; a
	// trailing "*" stands for any ending. Nil means plan.DefaultTakeOver.
	TakeOver    []string
	Sweep       time.Duration // full comparison of every object; default 6 h
	SecretCheck time.Duration // of kinds that are not watched; default 10 min
	ClusterRole string        // bound to the account of a target; default "rondo-application"
	Now         func() time.Time
	Logger      *slog.Logger
	Registerer  prometheus.Registerer // nil: metrics are kept and not shown
	// OnDrift is called once for each drift of a followed application; it must
	// return at once. OnPause tells that the annotation rondo.dev/reconcile on
	// the inventory began or ceased to say "paused".
	OnDrift func(app string, drifts []plan.Drift)
	OnPause func(app string, paused bool)
}

// Cluster is one Kubernetes cluster. Its methods may be called at the same
// time; passes of one application must not overlap.
type Cluster struct {
	o       Options
	log     *slog.Logger
	metrics *metrics
	api     *clients
	kinds   *kinds
	facts   factsCache

	partSize int // bytes of inventory in one ConfigMap

	mu       sync.Mutex // guards all below, and everything they point to
	apps     map[string]*app
	objects  map[render.ID]*object
	watchers map[watchKey]*watcher
	group    *errgroup.Group // of Run; nil while it does not run
	runCtx   context.Context // of the watchers, for those that begin later
	ready    map[string]bool // targets that Bootstrap made sure of
	tried    map[string]bool // kinds whose apply was tried
	suspects workqueue.TypedDelayingInterface[render.ID]

	unknown chan struct{} // wakes meet
}

// New connects to the cluster: it asks for the version and makes no other call.
func New(ctx context.Context, o Options) (*Cluster, error) {
	if o.Config == nil || len(o.Key) == 0 || o.Holder == "" {
		return nil, errors.New("cluster: Config, Key and Holder must be set")
	}
	if o.TakeOver == nil {
		o.TakeOver = plan.DefaultTakeOver()
	}
	if o.Sweep == 0 {
		o.Sweep = 6 * time.Hour
	}
	if o.SecretCheck == 0 {
		o.SecretCheck = 10 * time.Minute
	}
	if o.ClusterRole == "" {
		o.ClusterRole = "rondo-application"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnDrift == nil {
		o.OnDrift = func(string, []plan.Drift) {}
	}
	if o.OnPause == nil {
		o.OnPause = func(string, bool) {}
	}
	c := &Cluster{
		o: o, log: o.Logger, partSize: 900 << 10,
		apps: map[string]*app{}, objects: map[render.ID]*object{}, watchers: map[watchKey]*watcher{},
		ready: map[string]bool{}, tried: map[string]bool{}, unknown: make(chan struct{}, 1),
	}
	c.metrics = newMetrics(o.Registerer, c)
	var err error
	if c.api, err = newClients(ctx, o, c.metrics); err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	c.kinds = &kinds{api: c.api}
	return c, nil
}

// Run watches until ctx ends, and owns every goroutine of the Cluster; it
// returns when the last has ended. Wait and drift need it; Live and Apply work
// without it, but then read every object.
func (c *Cluster) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	c.mu.Lock()
	if c.group != nil {
		c.mu.Unlock()
		return errors.New("cluster: Run is called twice")
	}
	c.group, c.runCtx = g, ctx
	c.suspects = workqueue.NewTypedDelayingQueue[render.ID]()
	suspects := c.suspects
	for _, a := range c.apps {
		a.known = false // another daemon may have led meanwhile
	}
	c.mu.Unlock()

	c.watch(configMaps) // pause annotations are on inventories
	g.Go(func() error { return c.meet(ctx) })
	g.Go(func() error { return c.checkUnwatched(ctx) })
	g.Go(func() error { return c.sweep(ctx) })
	for range 4 {
		g.Go(func() error { return c.clearSuspects(ctx, suspects) })
	}
	g.Go(func() error {
		<-ctx.Done()
		suspects.ShutDown()
		return nil
	})
	err := g.Wait()

	c.mu.Lock()
	c.group, c.runCtx, c.suspects = nil, nil, nil
	clear(c.watchers)
	c.mu.Unlock()
	return err
}
