package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// PreviewEnvironment is the environment in the contexts of every status on the
// head of a pull request or a merge group. It is one constant word, so that
// branch protection can require a context by its name (design 2).
const PreviewEnvironment = "preview"

// Check reads the files at a ref that is not followed, the head of a pull
// request or of a merge group, and tells its commit what a deployment would
// make of them: manifest and score, from rendering alone. Nothing is written to
// the cluster and nothing runs, so a fork's files are safe to check.
//
// A ref that is gone is no error. Check keeps no state: told twice, the ledger
// drops the second.
func (r *Reconciler) Check(ctx context.Context, app Application, ref string) error {
	p := &pass{Reconciler: r, Request: Request{App: app, Trigger: TriggerCheck}}
	if err := p.take(ctx, r.remotes.of(app.Repo)); err != nil {
		return err
	}
	defer p.leave()
	revision, err := r.Source.Resolve(ctx, app.Repo, ref)
	if errors.Is(err, sources.ErrNoRef) {
		return nil
	}
	if err != nil {
		return err
	}
	state, err := r.Journal.State(ctx, app.Name)
	if err != nil {
		return err
	}
	p.state.Once = state.Once
	p.result = Result{App: app, Trigger: TriggerCheck, Revision: revision, Started: r.Now().UTC()}
	artifact, err := p.render(ctx)
	if err != nil && render.AsProblems(err) == nil {
		return fmt.Errorf("check %s: %w", revision, err)
	}
	p.result.Condition = Invalid
	if err == nil {
		graded := score.Compute(score.Input{Bundle: artifact.Bundle})
		p.result.Condition, p.result.Score = Live, &graded
	}
	p.result.Ended = r.Now().UTC()
	p.result.App.Environment = PreviewEnvironment
	r.Metrics.pass(p.result)
	return r.Journal.Tell(ctx, r.Messages(p.result))
}

// checkTries is how often a check is tried before it is given up until the next
// push or the next start.
const checkTries = 5

// Check asks for a check of a ref that is not followed. Checks of the same ref
// are merged. done, when set, is called once the ref was told; it is not called
// when the daemon stops first.
func (q *Queue) Check(app Application, ref string, done func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := checkKey{app.Name, ref}
	waiting, running := q.checks[key]
	if done != nil {
		waiting = append(waiting, done)
	}
	q.checks[key] = waiting
	if running {
		q.again[key] = app
		return
	}
	if q.ctx == nil {
		q.again[key] = app // Run begins it
		return
	}
	q.work.Go(func() { q.check(q.ctx, key, app) })
}

type checkKey struct{ app, ref string }

// check tries until it is answered, then looks whether it was asked for again.
func (q *Queue) check(ctx context.Context, key checkKey, app Application) {
	for {
		q.mu.Lock()
		done := q.checks[key]
		q.checks[key] = nil
		delete(q.again, key)
		q.mu.Unlock()
		if q.try(ctx, key, app) {
			for _, tell := range done {
				tell()
			}
		}
		q.mu.Lock()
		next, again := q.again[key]
		if !again || ctx.Err() != nil {
			delete(q.checks, key)
			q.mu.Unlock()
			return
		}
		app = next
		q.mu.Unlock()
	}
}

func (q *Queue) try(ctx context.Context, key checkKey, app Application) bool {
	for attempt := 1; ; attempt++ {
		err := q.reconciler.Check(ctx, app, key.ref)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		q.log.Warn("check failed", "app", key.app, "revision", key.ref, "err", err)
		if attempt == checkTries {
			return false
		}
		timer := time.NewTimer(RetryDelay(attempt))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}
