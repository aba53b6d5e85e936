package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/sources/gittest"
)

// deployer is a program under measurement.
type deployer interface {
	// start lets it loose on its sites, all of which it finds new.
	start(ctx context.Context) error
	// tell announces that s has a newer commit than old, as a webhook does.
	tell(ctx context.Context, s *site, old string) error
	// settle returns when it is done with the heads of these sites.
	settle(ctx context.Context, sites ...*site) error
	pids() []int
	users() []string // its names in the audit log
	stop() error
}

// site is one repository that a deployer makes one application of.
type site struct {
	name  string // of the application, and its namespace
	repo  *gittest.Repo
	files func(version string) map[string]string

	version int // of its head
	head    string
}

// makeSites makes repositories with a first commit each.
func makeSites(git *gittest.Server, n int, prefix string, files func(version string) map[string]string) ([]*site, error) {
	sites := make([]*site, n)
	for i := range sites {
		s := &site{name: fmt.Sprintf("%s-%04d", prefix, i), files: files}
		var err error
		if s.repo, err = git.Create("bench/" + s.name); err != nil {
			return nil, err
		}
		if _, err := s.commit(); err != nil {
			return nil, err
		}
		sites[i] = s
	}
	return sites, nil
}

// commit writes the next version and returns the head before it.
func (s *site) commit() (old string, err error) {
	old = s.head
	s.version++
	s.head, err = s.repo.Write(s.files(s.label()))
	return old, err
}

// label is the version as its objects bear it.
func (s *site) label() string { return strconv.Itoa(s.version) }

// field is what deployers are measured on.
type field struct {
	cp    *kubetest.ControlPlane
	world *daemontest.World
	seen  *applied
}

// lay starts an API server with played nodes, on which rondo has its rights, and
// a git server. Settings are those of rondo.yaml.
func lay(ctx context.Context, dir string, settings map[string]any) (f *field, err error) {
	f = &field{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.clear())
		}
	}()
	if f.cp, err = kubetest.Start(ctx, kubetest.Options{Nodes: 4, AuditLog: true, Out: os.Stderr}); err != nil {
		return f, err
	}
	if err := daemontest.Grant(ctx, f.cp.Config(), "rondo"); err != nil {
		return f, err
	}
	kubeconfig, err := daemontest.Kubeconfig(dir, f.cp.ConfigFor("rondo"))
	if err != nil {
		return f, err
	}
	f.world, err = daemontest.Start(ctx, daemontest.Options{Dir: dir, Kubeconfig: kubeconfig, Settings: settings, Out: os.Stderr})
	if err != nil {
		return f, err
	}
	f.seen, err = watch(ctx, f.cp.Config())
	return f, err
}

// clear ends what lay started.
func (f *field) clear() error {
	var errs []error
	if f.world != nil {
		errs = append(errs, f.world.Close())
	}
	if f.cp != nil {
		errs = append(errs, f.cp.Stop())
	}
	return errors.Join(errs...)
}

// coldStart starts d, and returns how long it took until all objects were applied.
func (f *field) coldStart(ctx context.Context, d deployer, sites []*site) (time.Duration, error) {
	began := time.Now()
	if err := d.start(ctx); err != nil {
		return 0, err
	}
	for _, s := range sites {
		if err := f.seen.all(ctx, s.name, s.label()); err != nil {
			return 0, fmt.Errorf("cold start: %w", err)
		}
	}
	took := time.Since(began)
	return took, d.settle(ctx, sites...)
}

// announce tells d of the head of s, and returns how long it took until the first
// of the changed objects, and until all, were applied.
func (f *field) announce(ctx context.Context, d deployer, s *site, old string) (first, all time.Duration, err error) {
	version, began := s.label(), time.Now()
	if err := d.tell(ctx, s, old); err != nil {
		return 0, 0, err
	}
	if err := f.seen.first(ctx, s.name, version); err != nil {
		return 0, 0, fmt.Errorf("push: %w", err)
	}
	first = time.Since(began)
	if err := f.seen.all(ctx, s.name, version); err != nil {
		return 0, 0, fmt.Errorf("push: %w", err)
	}
	return first, time.Since(began), nil
}

// pushEach pushes to one site after another. The rollout of one must not be
// measured with the next, so it waits for each.
func (f *field) pushEach(ctx context.Context, d deployer, sites []*site) (first, all []time.Duration, err error) {
	for _, s := range sites {
		old, err := s.commit()
		if err != nil {
			return nil, nil, err
		}
		one, every, err := f.announce(ctx, d, s, old)
		if err != nil {
			return nil, nil, err
		}
		first, all = append(first, one), append(all, every)
		if err := d.settle(ctx, s); err != nil {
			return nil, nil, err
		}
	}
	return first, all, nil
}

// quiet is what a deployer costs when nothing happens.
type quiet struct {
	cores     float64
	perSecond float64 // requests to the API server
	requests  requests
	rss, peak int64 // bytes
}

// quiet watches d for a while.
func (f *field) quiet(ctx context.Context, d deployer, lasts time.Duration) (quiet, error) {
	before, err := usageOf(d.pids()...)
	if err != nil {
		return quiet{}, err
	}
	from := time.Now()
	select {
	case <-time.After(lasts):
	case <-ctx.Done():
		return quiet{}, ctx.Err()
	}
	after, err := usageOf(d.pids()...)
	if err != nil {
		return quiet{}, err
	}
	to := time.Now()
	asked, err := countAudit(f.cp.AuditLog, d.users(), from, to)
	if err != nil {
		return quiet{}, err
	}
	seconds := to.Sub(from).Seconds()
	return quiet{
		cores: (after.cpu - before.cpu).Seconds() / seconds, perSecond: float64(asked.all) / seconds,
		requests: asked, rss: after.rss, peak: after.peak,
	}, nil
}
