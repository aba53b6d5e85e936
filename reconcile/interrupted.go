package reconcile

import (
	"context"
	"sync"

	"rondo.dev/rondo/sources"
)

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
