package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/sources"
)

// take gives back the place that the pass has and waits for one among others.
func (p *pass) take(ctx context.Context, places chan struct{}) error {
	p.leave()
	select {
	case places <- struct{}{}:
		p.place = places
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pass) leave() {
	if p.place != nil {
		<-p.place
		p.place = nil
	}
}

// remotes are the places of passes that ask a git server. Each host has its
// own, so that one that hangs holds up its own applications only (threats T18).
type remotes struct {
	size  int
	mu    sync.Mutex
	hosts map[string]chan struct{}
}

func (r *remotes) of(repo sources.Repo) chan struct{} {
	host := repo.URL
	if u, err := url.Parse(repo.URL); err == nil {
		host = u.Host
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hosts[host] == nil {
		if r.hosts == nil {
			r.hosts = map[string]chan struct{}{}
		}
		r.hosts[host] = make(chan struct{}, r.size)
	}
	return r.hosts[host]
}

// timed runs one step and notes how long it took.
func (p *pass) timed(name string, step func() error) error {
	p.Log.Debug("stage begins", "app", p.App.Name, "stage", name)
	start := p.Now()
	err := step()
	took := p.Now().Sub(start)
	p.result.Stages = append(p.result.Stages, Stage{Name: name, Took: took})
	p.Metrics.stage(name, took)
	return err
}

// begin opens the pass in the ledger and says "pending" on the commit. Later
// calls do nothing.
func (p *pass) begin(ctx context.Context) error {
	if p.begun {
		return nil
	}
	number, err := p.Journal.Begin(ctx, p.result)
	if err != nil {
		return fmt.Errorf("open the pass: %w", err)
	}
	p.result.Pass, p.begun = number, true
	return p.record(ctx)
}

// record stores the pass as it is now, with what it tells the world.
func (p *pass) record(ctx context.Context) error {
	p.state.App, p.state.Application, p.state.Pass = p.App.Name, p.App, p.result.Pass
	return p.Journal.Record(ctx, p.result, p.state, p.Messages(p.result))
}

// write carries the plan out.
func (p *pass) write(ctx context.Context, todo plan.Plan) error {
	var outcome plan.Outcome
	err := p.timed("apply", func() (err error) {
		outcome, err = p.Cluster.Apply(ctx, todo)
		return err
	})
	p.result.Outcome = merged(p.result.Outcome, outcome)
	p.Metrics.writes(outcome)
	return err
}

// merged adds up what several rounds of one pass did.
func merged(a *plan.Outcome, b plan.Outcome) *plan.Outcome {
	if a == nil {
		return &b
	}
	b.Done = append(append([]plan.Done(nil), a.Done...), b.Done...)
	b.Writes += a.Writes
	b.Took += a.Took
	return &b
}

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

// restore applies an artifact again after one that was applied in part.
func (p *pass) restore(ctx context.Context, target plan.Target, a Artifact) error {
	live, err := p.Cluster.Live(ctx, target, a.Bundle, false)
	if err != nil || live.Inventory.Paused {
		return err
	}
	back := plan.Compute(a.Bundle, live, plan.Options{
		// What the other revision created is no loss to delete.
		Target: target, Key: p.Key, AllowPrune: true,
		Revision: a.Revision.String(), Pass: p.result.Pass, TakeOver: p.TakeOver,
	})
	outcome, err := p.Cluster.Apply(ctx, back)
	p.result.Outcome = merged(p.result.Outcome, outcome)
	return err
}

// stopFights takes the objects out of a plan that were put back too often, and
// says so in the result.
func (p *pass) stopFights(todo *plan.Plan) {
	text := p.fights.Stop(p.App.Name, todo)
	if text != "" {
		p.result.Failure = &Failure{Kind: KindFought, Text: text}
	}
}

// end gives the pass its condition and closes its row. Nothing may keep it
// from that, so it does not end with ctx.
func (p *pass) end(ctx context.Context, err error) {
	r := &p.result
	r.Ended = p.Now().UTC()
	switch {
	case err != nil:
		r.Condition, r.Failure = conclude(ctx, err, p.Attempt)
		if r.Condition == Superseded {
			r.Newer = newer(ctx)
		}
	case p.Trigger == TriggerRemove:
		r.Condition = Removed
	case p.state.Paused != nil:
		r.Condition, r.Paused = Paused, p.state.Paused
	case r.Failure != nil:
		r.Condition = Fought
	case p.Trigger == TriggerDrift:
		r.Condition = Healed
	default:
		r.Condition = Live
	}
	if r.Revision.IsZero() && r.Failure != nil && (!p.state.Seen.IsZero() || p.state.Sentence == r.Failure.Text) {
		// The remote gave no answer. That is no news about what is deployed, and
		// no commit can be told; the status page shows it until it has passed.
		p.trouble.set(p.App.Name, r.Failure.Text)
		p.log()
		return
	}
	p.settle()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if beginErr := p.begin(closing); beginErr != nil {
		p.unrecorded(beginErr)
		return
	}
	if recordErr := p.record(closing); recordErr != nil {
		p.unrecorded(recordErr)
	}
	if r.Condition == Removed {
		if deleteErr := p.Journal.Delete(closing, p.App.Name); deleteErr != nil {
			p.Log.Error("removed application stays in the ledger", "app", p.App.Name, "err", deleteErr)
		}
	}
	p.Metrics.pass(*r)
	p.log()
}

// stays says of a pass that is not ended what was given up.
func (p *pass) stays(cause error) {
	if !p.begun {
		return
	}
	stage := ""
	if n := len(p.result.Stages); n > 0 {
		stage = p.result.Stages[n-1].Name
	}
	p.Log.Warn("pass stays open", "app", p.App.Name, "revision", p.result.Revision.String(), "stage", stage, "err", cause)
}

func (p *pass) unrecorded(err error) {
	log := p.Log.Error
	if errors.Is(err, ErrFenced) {
		log = p.Log.Warn // its successor carries on
	}
	log("pass is not in the ledger", "app", p.App.Name, "revision", p.result.Revision.String(), "err", err)
}

// settle moves the application's state to what the loop holds now.
func (p *pass) settle() {
	r, s := &p.result, &p.state
	if p.Trigger == TriggerDrift {
		switch r.Condition {
		case Fought:
			s.Condition, s.Sentence, s.Changed = Fought, r.Failure.Text, r.Ended
		case Healed:
			// A heal changes nothing of what the application is, but ends a fight.
			if s.Condition == Fought {
				s.Condition, s.Sentence, s.Changed = Live, r.sentence(), r.Ended
			}
		}
		return
	}
	switch r.Condition {
	case Live:
		s.Live, s.Seen = r.Revision, r.Revision
	case Unhealthy, Invalid, Held, Paused:
		s.Seen = r.Revision
	}
	s.Condition, s.Sentence, s.Changed = r.Condition, r.sentence(), r.Ended
	if r.Score != nil {
		s.Score = string(r.Score.Overall)
	}
}

// sentence is the state of the application in one sentence.
func (r Result) sentence() string {
	switch {
	case r.Failure != nil:
		return r.Failure.Text
	case r.Condition == Superseded:
		return "superseded by " + r.Newer.String()
	case r.Health != nil && r.Health.Sentence != "":
		return r.Health.Sentence
	default:
		return string(r.Condition)
	}
}

// log says one line about a pass that changed something.
func (p *pass) log() {
	r := &p.result
	args := []any{"app", p.App.Name, "revision", r.Revision.String(), "trigger", r.Trigger,
		"condition", r.Condition, "took", r.Ended.Sub(r.Started)}
	if r.Failure != nil {
		args = append(args, "err", r.Failure.Text)
	}
	switch r.Condition {
	case Errored:
		p.Log.Error("pass failed", args...)
	case Retrying:
		p.Log.Warn("pass will be retried", args...)
	default:
		p.Log.Info("pass ended", args...)
	}
}

// supersededBy is the cause of a pass that was ended by a newer revision.
type supersededBy struct{ revision sources.Revision }

func (e *supersededBy) Error() string        { return ErrSuperseded.Error() + " " + e.revision.String() }
func (e *supersededBy) Is(target error) bool { return target == ErrSuperseded }

func newer(ctx context.Context) sources.Revision {
	var by *supersededBy
	if errors.As(context.Cause(ctx), &by) {
		return by.revision
	}
	return sources.Revision{}
}

// interrupted keeps the passes that an earlier process left open, until the
// first pass of the application knows what became of their revision.
type interrupted struct {
	mu   sync.Mutex
	open map[string][]Result
}

// Interrupted hands over the passes that the ledger has open at start.
func (r *Reconciler) Interrupted(open []Result) {
	r.interrupted.mu.Lock()
	defer r.interrupted.mu.Unlock()
	r.interrupted.open = map[string][]Result{}
	for _, result := range open {
		r.interrupted.open[result.App.Name] = append(r.interrupted.open[result.App.Name], result)
	}
}

// closeInterrupted ends the rows of passes that died with their process. Where
// the ref has moved on, their commit is told; else this pass carries on.
func (p *pass) closeInterrupted(ctx context.Context, rev sources.Revision) {
	p.interrupted.mu.Lock()
	open := p.interrupted.open[p.App.Name]
	delete(p.interrupted.open, p.App.Name)
	p.interrupted.mu.Unlock()
	for _, old := range open {
		old.Ended = p.Now().UTC()
		var messages []Message
		if old.Revision == rev || old.Trigger == TriggerDrift {
			old.Condition = Retrying
			old.Failure = &Failure{Kind: KindTransient, Text: "the daemon stopped; the next pass carries on"}
		} else {
			old.Condition, old.Newer = Superseded, rev
			messages = p.Messages(old)
		}
		if old.Deployment() {
			// What died half-way is not settled, whatever the state says.
			p.state.Condition = old.Condition
		}
		state := p.state
		if err := p.Journal.Record(ctx, old, state, messages); err != nil {
			p.Log.Warn("interrupted pass stays open", "app", p.App.Name, "revision", old.Revision.String(), "err", err)
		}
	}
}

// trouble remembers, per application, why the remote could not be asked.
type trouble struct {
	mu    sync.Mutex
	texts map[string]string
}

func (t *trouble) set(app, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.texts == nil {
		t.texts = map[string]string{}
	}
	t.texts[app] = text
}

func (t *trouble) clear(app string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.texts, app)
}

// Trouble says why the newest look at the application's remote gave no answer;
// empty when it did.
func (r *Reconciler) Trouble(app string) string {
	r.trouble.mu.Lock()
	defer r.trouble.mu.Unlock()
	return r.trouble.texts[app]
}
