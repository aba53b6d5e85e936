package daemon

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/ledger"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/poll"
	"rondo.dev/rondo/sources/webhook"
)

// activity is whether this daemon holds the Lease.
type activity struct{ on atomic.Bool }

func (a *activity) set(on bool) { a.on.Store(on) }
func (a *activity) get() bool   { return a.on.Load() }

// apps are the valid applications of the configuration in force.
func (d *Daemon) apps() []reconcile.Application {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config.Apps
}

// followers are the applications that live on this repository and ref. An
// empty ref matches any.
func (d *Daemon) followers(repo sources.Repo, ref string) []reconcile.Application {
	var out []reconcile.Application
	for _, app := range d.apps() {
		if app.Repo == repo && (ref == "" || app.Ref == ref) {
			out = append(out, app)
		}
	}
	return out
}

// known gives a repository as rondo.yaml spells it; forges do not tell cases apart.
func (d *Daemon) known(repo sources.Repo) (sources.Repo, bool) {
	for _, app := range d.apps() {
		if strings.EqualFold(app.Repo.URL, repo.URL) {
			return app.Repo, true
		}
	}
	return sources.Repo{}, false
}

// deliver commits a delivery before it is answered.
func (d *Daemon) deliver(ctx context.Context, in webhook.Delivery) (fresh bool, err error) {
	return d.ledger.Deliver(ctx, ledger.Delivery(in))
}

// delivered hands a committed delivery to the queue. It is handled when every
// application it concerns has looked.
func (d *Daemon) delivered(_ context.Context, signal sources.Signal) {
	d.poller.Seen(signal.Repo)
	if !d.active.get() {
		return // the active daemon finds it by its poll, or at its next start
	}
	d.signal(signal)
}

func (d *Daemon) signal(signal sources.Signal) {
	check := proposal(signal)
	ref := signal.Ref
	if check {
		ref = "" // it concerns whoever lives on the repository
	}
	apps := d.followers(signal.Repo, ref)
	var left atomic.Int64
	left.Store(int64(len(apps)) + 1)
	done := func() {
		if left.Add(-1) > 0 || signal.Delivery == "" {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := d.ledger.Handled(ctx, signal.Delivery); err != nil {
			d.log.Warn("delivery stays open", "delivery", signal.Delivery, "err", err)
		}
	}
	for _, app := range apps {
		if check {
			d.queue.Check(app, signal.Ref, done)
		} else {
			d.queue.Wake(reconcile.Request{App: app, Trigger: reconcile.TriggerPush}, done)
		}
	}
	done()
}

// proposal reports whether a signal is about a commit that wants to be merged:
// the head of a pull request or of GitHub's merge queue.
func proposal(s sources.Signal) bool {
	return s.PullRequest > 0 || strings.HasPrefix(s.Ref, "gh-readonly-queue/")
}

// polled is what the poller emits.
func (d *Daemon) polled(_ context.Context, signal sources.Signal) { d.signal(signal) }

// drifted is what the cluster calls when objects are not as they were applied.
func (d *Daemon) drifted(app string, _ []plan.Drift) {
	d.queue.WakeByName(app, reconcile.Request{Trigger: reconcile.TriggerDrift}, nil)
}

// annotated is what the cluster calls when the pause annotation came or went.
func (d *Daemon) annotated(app string, paused bool) {
	if !paused {
		d.queue.WakeByName(app, reconcile.Request{Trigger: reconcile.TriggerResume}, nil)
	}
}

// takeUp prepares the active daemon: the applications, what an earlier process
// left open, and one look at each application.
func (d *Daemon) takeUp(ctx context.Context) error {
	open, err := d.ledger.OpenPasses(ctx)
	if err != nil {
		return err
	}
	d.reconciler.Interrupted(open)
	if err := d.follow(ctx); err != nil {
		return err
	}
	deliveries, err := d.ledger.Unhandled(ctx)
	if err != nil {
		return err
	}
	for _, delivery := range deliveries {
		d.signal(delivery.Signal())
	}
	for _, app := range d.apps() {
		d.queue.Wake(reconcile.Request{App: app, Trigger: reconcile.TriggerRestart}, nil)
	}
	return nil
}

// follow makes every part follow the applications of the configuration in
// force. What is gone from it is orphaned: kept as it is, and shown.
func (d *Daemon) follow(ctx context.Context) error {
	d.mu.Lock()
	c := d.config
	d.mu.Unlock()
	configured := map[string]bool{}
	targets := make([]plan.Target, 0, len(c.Apps))
	watches := make([]poll.Watch, 0, len(c.Apps))
	repos := make([]sources.Repo, 0, len(c.Apps))
	for _, app := range c.Apps {
		configured[app.Name] = true
		targets = append(targets, app.Target())
		watches = append(watches, poll.Watch{Repo: app.Repo, Ref: app.Ref, Schedule: c.Schedules[app.Name]})
		repos = append(repos, app.Repo)
	}
	for name, err := range c.Invalid {
		configured[name] = true // refused is not gone
		d.log.Error("application is not followed", "app", name, "err", err)
	}
	states, err := d.ledger.States(ctx)
	if err != nil {
		return fmt.Errorf("read states: %w", err)
	}
	for _, state := range states {
		if state.Orphaned == !configured[state.App] {
			continue
		}
		if err := d.ledger.SetOrphaned(ctx, state.App, !configured[state.App]); err != nil {
			return err
		}
		if !configured[state.App] {
			d.log.Warn("application is gone from the configuration; it is kept as it is, without being followed", "app", state.App)
		}
	}
	d.cluster.Follow(targets)
	if err := d.poller.SetRepos(watches); err != nil {
		return err
	}
	for _, name := range d.queue.SetApplications(c.Apps) {
		d.queue.WakeByName(name, reconcile.Request{Trigger: reconcile.TriggerRestart}, nil)
	}
	if err := d.git.Prune(repos); err != nil {
		d.log.Warn("mirrors of removed repositories stay", "err", err)
	}
	return nil
}

// retain removes what the ledger need not keep, once an hour.
func (d *Daemon) retain(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := d.ledger.Retain(ctx, ledger.Policy{}); err != nil && ctx.Err() == nil {
			d.log.Warn("old rows stay", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
