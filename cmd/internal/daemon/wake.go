package daemon

import (
	"context"
	"fmt"
	"slices"
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

// configured reports whether rondo.yaml has the application, valid or not.
func (d *Daemon) configured(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.config.Invalid[name] != nil ||
		slices.ContainsFunc(d.config.Apps, func(app reconcile.Application) bool { return app.Name == name })
}

// followers are the applications that live on this repository and ref. An
// empty ref matches any.
func (d *Daemon) followers(repo sources.Repo, ref string) []reconcile.Application {
	var out []reconcile.Application
	for _, app := range d.apps() {
		if app.Repo.SameAs(repo) && (ref == "" || app.Ref == ref) {
			out = append(out, app)
		}
	}
	return out
}

// known gives a repository as rondo.yaml spells it; forges do not tell cases apart.
func (d *Daemon) known(repo sources.Repo) (sources.Repo, bool) {
	for _, app := range d.apps() {
		if strings.EqualFold(app.Repo.URL, repo.URL) || app.Repo.SameAs(repo) {
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
		return // the active daemon adopts it
	}
	d.signal(signal)
}

// signal asks for a look at each application that the signal concerns. A
// delivery that is being looked at is left alone.
func (d *Daemon) signal(signal sources.Signal) {
	if signal.Delivery != "" {
		d.mu.Lock()
		known := d.inHand[signal.Delivery]
		d.inHand[signal.Delivery] = true
		d.mu.Unlock()
		if known {
			return
		}
	}
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
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.inHand, signal.Delivery)
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

// adoptEvery is how often the active daemon asks the ledger for deliveries that
// one which stands by has taken.
const adoptEvery = 2 * time.Second

// adopt looks at those deliveries.
func (d *Daemon) adopt(ctx context.Context) error {
	tick := time.NewTicker(adoptEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		deliveries, err := d.ledger.Unhandled(ctx)
		if err != nil && ctx.Err() == nil {
			d.log.Warn("deliveries are not seen", "err", err)
		}
		for _, delivery := range deliveries {
			d.poller.Seen(delivery.Repo)
			d.signal(delivery.Signal())
		}
	}
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
	if err := d.ledger.Lead(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	d.inHand = map[string]bool{} // what an earlier term had is taken up below
	d.mu.Unlock()
	open, err := d.ledger.OpenPasses(ctx)
	if err != nil {
		return err
	}
	d.reconciler.Interrupted(open)
	known, err := d.ledger.States(ctx)
	if err != nil {
		return err
	}
	d.reconciler.Sharing(known)
	if err := d.follow(ctx); err != nil {
		return err
	}
	for _, pass := range open {
		if !d.configured(pass.App.Name) {
			if err := d.reconciler.Abandon(ctx, pass); err != nil {
				return err
			}
			if pass.Trigger == reconcile.TriggerRemove { // a person has confirmed it
				d.queue.Wake(reconcile.Request{App: pass.App, Trigger: reconcile.TriggerRemove}, nil)
			}
		}
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
	for _, state := range known {
		if state.Check != nil {
			d.queue.Examine(state.App, state.Check.At)
		}
	}
	return nil
}

// follow makes every part follow the applications of the configuration in
// force. What is gone from it is orphaned: kept as it is, and shown.
func (d *Daemon) follow(ctx context.Context) error {
	d.following.Lock()
	defer d.following.Unlock()
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
	var gone []string
	for _, state := range states {
		switch {
		case state.Orphaned == !configured[state.App]:
		case state.Orphaned:
			if err := d.ledger.SetOrphaned(ctx, state.App, false); err != nil {
				return err
			}
		default:
			gone = append(gone, state.App)
		}
	}
	d.cluster.Follow(targets)
	if err := d.poller.SetRepos(watches); err != nil {
		return err
	}
	for _, name := range d.queue.SetApplications(c.Apps) {
		d.queue.WakeByName(name, reconcile.Request{Trigger: reconcile.TriggerRestart}, nil)
	}
	for _, name := range gone { // after the queue knows, so that no pass of it begins any more
		if err := d.orphan(ctx, name); err != nil {
			return err
		}
	}
	if err := d.git.Prune(repos); err != nil {
		d.log.Warn("mirrors of removed repositories stay", "err", err)
	}
	return nil
}

// orphan notes that an application is gone from the configuration. What it has
// in the cluster is kept as it is.
func (d *Daemon) orphan(ctx context.Context, name string) error {
	if err := d.ledger.SetOrphaned(ctx, name, true); err != nil {
		return err
	}
	d.log.Warn("application is gone from the configuration; it is kept as it is, without being followed", "app", name)
	if d.queue.Running(name) {
		return nil // d.left comes when it has ended
	}
	newest, err := d.ledger.Passes(ctx, name, 1)
	if err != nil || len(newest) == 0 {
		return err
	}
	return d.reconciler.Abandon(ctx, newest[0])
}

// left is what the queue calls when the last pass of an application that is
// gone has ended.
func (d *Daemon) left(name string) {
	d.following.Lock()
	defer d.following.Unlock()
	if d.configured(name) {
		return // it has returned, or its entry is refused
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.orphan(ctx, name); err != nil {
		d.log.Warn("application is gone from the configuration, but not noted as such", "app", name, "err", err)
	}
}

// stopOrphans asks for a pass of each application with data that left git so
// long ago that its pods are to stop.
func (d *Daemon) stopOrphans(ctx context.Context) {
	states, err := d.ledger.States(ctx)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("orphaned data is not looked at", "err", err)
	}
	for _, state := range states {
		if state.Stop(d.now()) {
			d.queue.WakeByName(state.App, reconcile.Request{Trigger: reconcile.TriggerDrift}, nil)
		}
	}
}

// retain removes what the ledger need not keep, and stops what was orphaned long
// ago, once an hour.
func (d *Daemon) retain(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if _, err := d.ledger.Retain(ctx, ledger.Policy{}); err != nil && ctx.Err() == nil {
			d.log.Warn("old rows stay", "err", err)
		}
		d.stopOrphans(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
