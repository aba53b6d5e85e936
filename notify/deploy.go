package notify

import (
	"fmt"
	"strings"
	"time"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
)

// deploy says what became of the revision in the cluster; state is empty when
// there is nothing new to say.
func deploy(r reconcile.Result) (state, text string) {
	if r.Trigger == reconcile.TriggerDrift {
		return drift(r)
	}
	if r.Trigger == reconcile.TriggerHealth {
		if r.Condition == reconcile.Unhealthy {
			return failure, why(r)
		}
		return "", "" // what deploy says stands
	}
	switch r.Condition {
	case reconcile.Running:
		// A retry was announced, or an error told; both stand until it ends.
		if !r.Deployment() || r.Attempt > 1 {
			return "", ""
		}
		return pending, "deploying " + r.Revision.Short()
	case reconcile.Retrying:
		return pending, "will be retried: " + why(r)
	case reconcile.Live:
		return success, live(r)
	case reconcile.Unhealthy:
		return failure, unhealthy(r)
	case reconcile.Invalid:
		if text := problems(r.Problems); text != "" {
			return failure, "not deployed: " + text
		}
		return failure, "not deployed: " + why(r)
	case reconcile.Held:
		return failure, "held: " + why(r)
	case reconcile.Fought:
		return failure, why(r)
	case reconcile.Errored:
		return failed, why(r)
	case reconcile.Superseded:
		return success, supersededBy(r)
	case reconcile.Paused:
		if r.Paused != nil && r.Paused.By != "" {
			return pending, "paused by " + r.Paused.By + "; deploys on resume"
		}
		return pending, "paused; deploys on resume"
	case reconcile.Removed:
		return success, "removed from the cluster on request"
	}
	return "", ""
}

// drift speaks only when it changes what the application is.
func drift(r reconcile.Result) (state, text string) {
	switch {
	case r.Condition == reconcile.Fought, r.Condition == reconcile.Invalid:
		return failure, why(r)
	case r.Condition == reconcile.Healed && r.Was == reconcile.Fought:
		return success, "live again: " + did(r)
	}
	return "", ""
}

func live(r reconcile.Result) string {
	text := did(r)
	if text == "" {
		return "live, nothing to change"
	}
	if took := r.Ended.Sub(r.Started); took > 0 {
		text += " in " + seconds(took)
	}
	if r.Outcome != nil && len(r.Outcome.Notes) > 0 {
		text += "; " + r.Outcome.Notes[0]
	}
	return "live: " + text
}

// did counts what was written, and how much needed no write; empty when
// nothing was written.
func did(r reconcile.Result) string {
	written := make(map[plan.Action]int)
	touched := make(map[string]bool)
	if r.Outcome != nil {
		for _, done := range r.Outcome.Done {
			if done.Error != "" || done.Action == plan.Unchanged || done.Action == plan.Skip {
				continue
			}
			written[done.Action]++
			touched[done.ID.Group+" "+done.ID.String()] = true
		}
	}
	var parts []string
	for _, part := range []struct {
		action plan.Action
		word   string
	}{
		{plan.Create, "created"}, {plan.Configure, "configured"}, {plan.Recreate, "recreated"},
		{plan.Heal, "put back"}, {plan.Prune, "pruned"}, {plan.Orphan, "orphaned"},
	} {
		if n := written[part.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, part.word))
		}
	}
	if len(parts) == 0 || r.Plan == nil {
		return strings.Join(parts, ", ")
	}
	unchanged := 0
	for _, change := range r.Plan.Changes {
		if change.Action == plan.Unchanged && !touched[change.ID.Group+" "+change.ID.String()] {
			unchanged++
		}
	}
	if unchanged > 0 {
		parts = append(parts, fmt.Sprintf("%d unchanged", unchanged))
	}
	return strings.Join(parts, ", ")
}

// unhealthy is the report's own sentence, which names the object and the event;
// the pass's reason says the same with less room for it.
func unhealthy(r reconcile.Result) string {
	if r.Health == nil || r.Health.Worst == health.Current || r.Health.Sentence == "" {
		return why(r)
	}
	return r.Health.Sentence
}

// why is the reason the pass itself gives.
func why(r reconcile.Result) string {
	if r.Failure == nil || r.Failure.Text == "" {
		return "no reason was recorded"
	}
	return r.Failure.Text
}

func supersededBy(r reconcile.Result) string {
	if r.Newer.IsZero() {
		return "superseded by a newer revision, which carries on"
	}
	return "superseded by " + r.Newer.Short() + ", which carries on"
}

// seconds prints with one digit below a minute: "3.2 s", "2 min 5 s".
func seconds(d time.Duration) string {
	if d < 59950*time.Millisecond {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}
