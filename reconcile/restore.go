package reconcile

import (
	"context"
	"errors"
	"fmt"

	"rondo.dev/rondo/reconcile/plan"
)

// store keeps what is about to be applied. The artifact that was applied last
// as a whole stays until this one was.
func (p *pass) store(ctx context.Context, a Artifact) error {
	newest, ok, err := p.Journal.LoadArtifact(ctx, p.App.Name)
	if err != nil {
		return fmt.Errorf("load artifact: %w", err)
	}
	partly := ok && newest.InputDigest != p.state.InputDigest
	if err := p.Journal.Artifact(ctx, p.App.Name, a, partly); err != nil {
		return fmt.Errorf("store artifact: %w", err)
	}
	return nil
}

// refused reports whether err leaves the cluster to what was applied before.
func (p *pass) refused(ctx context.Context, err error) bool {
	if err == nil || !p.result.Deployment() || p.state.Paused != nil {
		return false
	}
	condition, _ := conclude(ctx, err, p.Attempt)
	return condition == Invalid || condition == Held
}

// undone reports whether err ends a deployment that changed nothing of what runs.
func (p *pass) undone(ctx context.Context, err error) bool {
	return plan.Early(err) && !errors.Is(context.Cause(ctx), ErrSuperseded)
}

// putBack applies what was applied last as a whole, where this pass, or one
// before it that a crash or a newer revision cut short, has written of
// something else (design 3.5).
func (p *pass) putBack(ctx context.Context) error {
	newest, ok, err := p.Journal.LoadArtifact(ctx, p.App.Name)
	if err != nil || !ok || newest.InputDigest == p.state.InputDigest {
		return err
	}
	whole, ok, err := p.Journal.LoadApplied(ctx, p.App.Name, p.state.InputDigest)
	if err != nil || !ok {
		return err
	}
	// Stored after it was applied: a crash in between must not hide that the
	// cluster is neither.
	err = p.restore(ctx, p.App.Target(), whole)
	if err = errors.Join(err, p.Journal.Artifact(ctx, p.App.Name, whole, true)); err != nil {
		return fmt.Errorf("put back %s: %w", whole.Revision, err)
	}
	return nil
}

// resume puts back the CronJobs that this deployment, or one that was cut short,
// has suspended, as what was stored last has them.
func (p *pass) resume(ctx context.Context) error {
	a, ok, err := p.Journal.LoadArtifact(ctx, p.App.Name)
	if err != nil || !ok {
		return err
	}
	target := p.App.Target()
	live, err := p.Cluster.Live(ctx, target, a.Bundle, false)
	if err != nil || live.Inventory.Paused {
		return err
	}
	o, err := p.planning(ctx, target, a.Bundle)
	if err != nil {
		return err
	}
	back := plan.Resume(a.Bundle, live, o)
	switch {
	case len(back.Refused) > 0:
		return refusal(back.Refused)
	case back.Writes():
		outcome, err := p.Cluster.Apply(ctx, back)
		p.result.Outcome = merged(p.result.Outcome, outcome)
		if err != nil {
			return fmt.Errorf("let suspended jobs run again: %w", err)
		}
	}
	p.state.Suspended = false
	return nil
}

// restore applies an artifact again after one that was applied in part.
func (p *pass) restore(ctx context.Context, target plan.Target, a Artifact) error {
	live, err := p.Cluster.Live(ctx, target, a.Bundle, false)
	if err != nil || live.Inventory.Paused {
		return err
	}
	o, err := p.planning(ctx, target, a.Bundle)
	if err != nil {
		return err
	}
	// What the other revision created is no loss to delete.
	o.Revision, o.AllowPrune, o.KeepCommands = a.Revision.String(), true, true
	outcome, err := p.Cluster.Apply(ctx, plan.Compute(a.Bundle, live, o))
	p.result.Outcome = merged(p.result.Outcome, outcome)
	return err
}
