package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// Options are what a [Reconciler] works with. All but Slots, Now and Log must be set.
type Options struct {
	Source   Source
	Cluster  Cluster
	Journal  Journal
	Builder  render.Builder
	Messages func(Result) []Message // what a Result tells the world; pure
	Key      []byte                 // of the digests; secret
	Version  string                 // rondo's own, part of the input digest
	Facts    render.Facts           // the operator's part: classes of storage, images
	Prober   Prober                 // asks public addresses; nil: nobody does
	TakeOver []string               // field managers whose fields are taken over; nil: plan.DefaultTakeOver
	Slots    int                    // passes that work at the same time; default 16
	Metrics  *Metrics
	Now      func() time.Time
	Log      *slog.Logger
}

// Reconciler carries out passes. It keeps nothing between them but the record
// of fights and of what an earlier process left open.
type Reconciler struct {
	Options
	slots       chan struct{} // passes that render, read and write
	remotes     remotes       // passes that wait for a git server, which may hang
	fights      *plan.Fights
	sharing     sharing
	trouble     trouble
	interrupted interrupted
}

// New checks o and fills in its defaults.
func New(o Options) (*Reconciler, error) {
	if o.Source == nil || o.Cluster == nil || o.Journal == nil || o.Builder == nil || o.Messages == nil || len(o.Key) == 0 {
		return nil, errors.New("reconcile: Source, Cluster, Journal, Builder, Messages and Key must be set")
	}
	if o.Slots == 0 {
		o.Slots = 16
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	return &Reconciler{Options: o, slots: make(chan struct{}, o.Slots), remotes: remotes{size: o.Slots}, fights: plan.NewFights()}, nil
}

// errNothing ends a pass that found nothing to do; it leaves no trace.
var errNothing = errors.New("nothing to do")

// pass is the work sheet of one pass.
type pass struct {
	*Reconciler
	Request
	state    State
	result   Result
	artifact Artifact // what a deployment brings; zero before it is rendered
	begun    bool     // has a row in the ledger
	stored   bool
	shared   *render.Shared // what others may read from now on, when news is set
	news     bool
	place    chan struct{} // where it has a place now; nil: nowhere
}

// Pass runs one pass to its end. The Result says all that happened; its
// Condition is [Running] when ctx ended before the pass could, in which case a
// restart takes it up again. ok is false when there was nothing to do.
func (r *Reconciler) Pass(ctx context.Context, req Request) (result Result, ok bool) {
	req.Attempt = max(req.Attempt, 1)
	p := &pass{Reconciler: r, Request: req}
	p.result = Result{App: req.App, Trigger: req.Trigger, Started: r.Now().UTC(), Attempt: req.Attempt}

	places := r.remotes.of(req.App.Repo)
	if req.Trigger == TriggerDrift || req.Trigger == TriggerHealth || req.Trigger == TriggerRemove {
		places = r.slots
	}
	if p.take(ctx, places) != nil {
		return p.result, false
	}
	defer p.leave()

	err := p.run(ctx)
	if errors.Is(err, errNothing) {
		return p.result, false
	}
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), ErrSuperseded) || errors.Is(err, ErrFenced) {
		p.stays(cmp.Or(context.Cause(ctx), err))
		return p.result, p.begun // the row stays open
	}
	if p.refused(ctx, err) || p.undone(ctx, err) {
		if backErr := p.putBack(context.WithoutCancel(ctx)); backErr != nil {
			err = errors.Join(err, backErr)
		}
	}
	if p.state.Suspended && p.state.Paused == nil && p.Trigger != TriggerRemove {
		if resumeErr := p.resume(context.WithoutCancel(ctx)); resumeErr != nil {
			err = resumeErr // the whole is tried again
		}
	}
	p.end(ctx, err)
	return p.result, true
}

// run is the pass: it reads from top to bottom as it happens.
func (p *pass) run(ctx context.Context) (err error) {
	if p.state, err = p.Journal.State(ctx, p.App.Name); err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	p.result.Previous, p.result.Was = p.state.Live, p.state.Condition
	target := p.App.Target()

	var artifact Artifact
	allowPrune := p.AllowPrune
	switch p.Trigger {
	case TriggerRemove:
		_, applied, err := p.Journal.LoadArtifact(ctx, p.App.Name)
		if err != nil {
			return fmt.Errorf("load artifact: %w", err)
		}
		if !applied {
			return nil // nothing was ever written
		}
		allowPrune = true
	case TriggerHealth:
		return p.examine(ctx)
	case TriggerDrift:
		if artifact, err = p.hold(ctx); err != nil {
			return err
		}
	default:
		if err = p.deploys(ctx); err != nil {
			return err
		}
		if artifact, err = p.render(ctx); err != nil {
			return err
		}
		p.warn(ctx, artifact.Bundle)
		if p.artifact = artifact; p.state.Paused != nil {
			return nil
		}
		trailer, err := p.Source.Message(ctx, p.App.Repo, p.result.Revision)
		if err != nil {
			return fmt.Errorf("read commit message: %w", err)
		}
		allowPrune = allowPrune || plan.PruneAllowed(trailer)
		if err := p.timed("bootstrap", func() error { return p.Cluster.Bootstrap(ctx, target) }); err != nil {
			return fmt.Errorf("prepare namespace %s: %w", target.Namespace, err)
		}
	}

	var wait context.Context // bounded from the end of the first apply: Commands have deadlines of their own
	for {
		if err := p.apply(ctx, target, artifact, allowPrune); err != nil {
			return err
		}
		switch p.Trigger {
		case TriggerRemove:
			return p.Cluster.Remove(ctx, target)
		case TriggerDrift:
			return nil
		}
		if p.state.Paused != nil {
			return nil // by annotation: nothing was written that could become healthy
		}
		if wait == nil {
			bounded, cancel := context.WithTimeoutCause(ctx, p.App.healthDeadline(), plan.ErrUnhealthy)
			defer cancel()
			wait = bounded
		}
		err := p.wait(wait, target, artifact.Bundle.Running())
		if errors.Is(err, plan.ErrDrift) {
			continue
		}
		p.grade(context.WithoutCancel(ctx), target, artifact.Bundle)
		return err
	}
}

// deploys decides whether there is something to deploy, and opens the pass.
func (p *pass) deploys(ctx context.Context) error {
	var rev sources.Revision
	err := p.timed("resolve", func() (err error) {
		rev, err = p.Source.Resolve(ctx, p.App.Repo, p.App.Ref)
		return err
	})
	if err != nil {
		return err
	}
	p.trouble.clear(p.App.Name)
	if p.Resolved != nil {
		p.Resolved(rev)
	}
	p.closeInterrupted(ctx, rev)
	switch p.Trigger {
	case TriggerPush, TriggerRestart, TriggerRetry, TriggerShared:
		outdated, err := p.outdated(ctx)
		if err != nil {
			return err
		}
		if p.state.settled(rev, p.App) && !outdated {
			return errNothing
		}
	}
	p.result.Revision = rev
	return p.begin(ctx)
}

// apply plans and carries out. Cluster.Apply finishes the writing it has begun
// whatever happens to ctx; then the cause of ctx decides.
func (p *pass) apply(ctx context.Context, target plan.Target, artifact Artifact, allowPrune bool) error {
	var live plan.Live
	err := p.timed("read", func() (err error) {
		live, err = p.Cluster.Live(ctx, target, artifact.Bundle, false)
		return err
	})
	if err != nil {
		return fmt.Errorf("read the cluster: %w", err)
	}
	if live.Inventory.Paused && p.Trigger != TriggerRemove {
		p.state.Paused = &Pause{By: "annotation " + render.AnnotationReconcile}
		if p.Trigger == TriggerDrift {
			return errNothing
		}
		return nil
	}
	deployment := p.Trigger != TriggerDrift && p.Trigger != TriggerRemove
	o, err := p.planning(ctx, target, artifact.Bundle)
	if err != nil {
		return err
	}
	o.Revision, o.Deployment, o.Removal = artifact.Revision.String(), deployment, p.Trigger == TriggerRemove
	o.AllowPrune, o.WaveDeadline = allowPrune, p.App.healthDeadline()
	computed := plan.Compute(artifact.Bundle, live, o)
	p.result.Plan = &computed
	switch {
	case len(computed.Refused) > 0:
		return refusal(computed.Refused)
	case computed.Held != "":
		return &heldError{why: computed.Held}
	}
	if deployment {
		p.fights.Forget(p.App.Name)
	} else if p.Trigger == TriggerDrift {
		p.stopFights(&computed)
		if !computed.Writes() && p.result.Failure == nil {
			return errNothing // the drift has gone by itself
		}
	}
	if err := p.begin(ctx); err != nil {
		return err
	}
	if deployment && !p.result.SameInput && !p.stored {
		if err := p.store(ctx, artifact); err != nil {
			return err
		}
		p.stored = true
	}
	if deployment && p.state.remember(artifact.Bundle.Once) {
		if err := p.record(ctx); err != nil {
			return err
		}
	}
	if computed.Suspends() && !p.state.Suspended {
		p.state.Suspended = true
		if err := p.record(ctx); err != nil {
			return err
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if computed.Writes() || p.Trigger == TriggerRemove || deployment && live.Inventory.Revision == "" {
		if computed.Waits() {
			p.leave() // a Job may take an hour
		}
		err := p.write(ctx, computed)
		if errors.Is(err, plan.ErrUnhealthy) && !plan.Early(err) {
			p.state.Applied, p.state.InputDigest = artifact.Revision, artifact.InputDigest
		}
		if err != nil {
			return err
		}
		if p.Trigger == TriggerDrift {
			p.fights.Note(p.App.Name, &computed, p.Now())
		}
	}
	if deployment {
		p.state.Applied, p.state.InputDigest = artifact.Revision, artifact.InputDigest
	}
	return context.Cause(ctx)
}

// wait holds the pass until the application is healthy or its deadline passes.
// It gives its place to others meanwhile.
func (p *pass) wait(ctx context.Context, target plan.Target, b render.Bundle) error {
	p.leave()
	var report health.Report
	err := p.timed("wait", func() (err error) {
		report, err = p.Cluster.Wait(ctx, target, b)
		return err
	})
	p.result.Health = &report
	p.restarts(b, report)
	switch {
	case errors.Is(err, plan.ErrDrift):
		return err
	case errors.Is(context.Cause(ctx), plan.ErrUnhealthy):
		return fmt.Errorf("%w in %s: %s", plan.ErrUnhealthy, p.App.healthDeadline(), report.Sentence)
	case err != nil:
		return fmt.Errorf("wait for health: %w", err)
	case report.Worst == health.Failed:
		return fmt.Errorf("%w: %s", plan.ErrUnhealthy, report.Sentence)
	}
	return nil
}

// grade scores what was rendered and seen. A fault here is no reason to call a
// deployment failed: the score is left out and the fault logged.
func (p *pass) grade(ctx context.Context, target plan.Target, b render.Bundle) {
	in := score.Input{Bundle: b}
	observed, err := p.Cluster.Observe(ctx, target, b)
	if err != nil {
		p.Log.Warn("score without the cluster", "app", p.App.Name, "err", err)
	} else {
		in.Observed = &observed
	}
	scored := score.Compute(in)
	p.result.Score = &scored
}
