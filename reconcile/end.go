package reconcile

import (
	"context"
	"errors"
	"time"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

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
	case p.Trigger == TriggerHealth:
		if r.Condition = Live; r.Failure != nil {
			r.Condition = Unhealthy
		}
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
	if r.Condition == Removed {
		p.shares(render.Bundle{})
		p.state.Reads = nil
	}
	if recordErr := p.record(closing); recordErr != nil {
		p.unrecorded(recordErr)
	} else {
		p.publish()
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
	s.orphans(r.Plan)
	switch p.Trigger {
	case TriggerHealth:
		if r.Condition == Unhealthy {
			s.Condition, s.Sentence, s.Changed = Unhealthy, r.Failure.Text, r.Ended
		}
		return
	case TriggerDrift:
		switch r.Condition {
		case Invalid:
			// What is missing cannot be put back: a Secret that data depends on.
			s.Condition, s.Sentence, s.Changed = Invalid, r.Failure.Text, r.Ended
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
	if p.artifact.InputDigest != "" && p.artifact.InputDigest == s.InputDigest {
		p.shares(p.artifact.Bundle)
	}
	switch r.Condition {
	case Live:
		s.Live, s.Seen = r.Revision, r.Revision
		if s.InputDigest != s.LiveInput {
			s.Before, s.LiveInput = s.LiveInput, s.InputDigest
		}
		s.remember(p.artifact.Bundle.Marks)
		if s.Check = p.checkDue(); s.Check != nil {
			r.CheckAt = s.Check.At
		}
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
