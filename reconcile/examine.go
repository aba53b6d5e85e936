package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/render"
)

// Prober asks an application's public addresses.
type Prober interface {
	// Probe asks all addresses of c at once. An address that does not answer is
	// part of the result; the error is about the probing itself, when ctx ends.
	Probe(ctx context.Context, c render.Check) (health.Check, error)
}

// Due is a check of the public addresses that is still to be made.
type Due struct {
	Revision string    `json:"revision"` // in text, which is live
	At       time.Time `json:"at"`       // after its cooldown
}

// examine asks the addresses of what is live, once for each deployment (spec
// 5.1.1). It is a pass of its own: a cooldown of half an hour may hold up
// neither the next revision nor the healing of drift, and a restart finds in
// the state what is still to be asked.
func (p *pass) examine(ctx context.Context) error {
	due := p.state.Check
	if due == nil || p.Prober == nil || p.state.Paused != nil || p.Now().Before(due.At) || p.state.Applied.String() != due.Revision {
		return errNothing
	}
	artifact, ok, err := p.Journal.LoadArtifact(ctx, p.App.Name)
	if err != nil {
		return fmt.Errorf("load artifact: %w", err)
	}
	if !ok || artifact.Bundle.Check == nil || artifact.InputDigest != p.state.InputDigest {
		return errNothing
	}
	p.result.Revision = p.state.Applied
	if err := p.begin(ctx); err != nil {
		return err
	}
	p.leave()
	var answer health.Check
	err = p.timed("check", func() (err error) {
		answer, err = p.Prober.Probe(ctx, *artifact.Bundle.Check)
		return err
	})
	if err != nil {
		return fmt.Errorf("check the public addresses: %w", err)
	}
	p.result.Check, p.state.Check = &answer, nil
	if answer.Passed || !artifact.Bundle.Check.Rollback {
		return nil
	}
	return p.rollBack(ctx)
}

// rollBack puts back what was live before, and holds it: newer pushes deploy,
// the revision that failed does not come back by itself (design 3.5).
func (p *pass) rollBack(ctx context.Context) error {
	before, ok, err := p.Journal.LoadApplied(ctx, p.App.Name, p.state.Before)
	if err != nil {
		return fmt.Errorf("load artifact: %w", err)
	}
	if p.state.Before == "" || !ok {
		p.result.Failure = &Failure{Kind: KindHealth, Text: p.result.Check.Sentence + "; nothing is kept that it could be rolled back to"}
		return nil
	}
	if err := p.take(ctx, p.slots); err != nil {
		return err
	}
	// Whatever cuts this short, the revision is not settled: it is deployed and
	// checked again, and rolled back then.
	p.state.Condition = Retrying
	if err := p.record(ctx); err != nil {
		return err
	}
	err = p.timed("roll back", func() error { return p.restore(ctx, p.App.Target(), before) })
	if err = errors.Join(err, p.Journal.Artifact(ctx, p.App.Name, before, true)); err != nil {
		return fmt.Errorf("roll back to %s: %w", before.Revision, err)
	}
	p.shares(before.Bundle)
	s := &p.state
	s.Applied, s.Live, s.InputDigest, s.LiveInput, s.Before = before.Revision, before.Revision, before.InputDigest, before.InputDigest, ""
	p.result.Failure = &Failure{Kind: KindHealth, Text: "rolled back to " + before.Revision.Short() + ": " + p.result.Check.Sentence}
	return nil
}

// checkDue is the check that a live deployment asks for; nil: none.
func (p *pass) checkDue() *Due {
	check := p.artifact.Bundle.Check
	if check == nil || p.Prober == nil {
		return nil
	}
	return &Due{Revision: p.result.Revision.String(), At: p.result.Ended.Add(check.Cooldown)}
}
