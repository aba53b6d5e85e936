package reconcile

import (
	"context"
	"fmt"
	"slices"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

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

// restarts tells of services that a deployment left as they were, as they asked
// for, and how they get the new version.
func (p *pass) restarts(b render.Bundle, report health.Report) {
	for _, item := range report.Items {
		object, ok := b.Find(item.ID)
		if !ok || !item.PendingRestart() {
			continue
		}
		fix := "kubectl rollout resume deployment/" + item.ID.Name
		if item.ID.Kind != "Deployment" {
			fix = "kubectl delete pods -l tier=" + item.ID.Name
		}
		p.result.Problems = append(slices.Clip(p.result.Problems), render.Problem{Pos: object.Origin, Code: "I-PENDING-RESTART",
			What: item.ID.Name + " runs an older version until somebody restarts it", Fix: fix + " -n " + item.ID.Namespace})
	}
	render.SortProblems(p.result.Problems)
}

// warn adds to what rendering found what only the cluster can say: that no node
// suits the Pods of a service. Nobody's deployment fails for want of the answer.
func (p *pass) warn(ctx context.Context, b render.Bundle) {
	if !b.ChoosesNodes() {
		return
	}
	nodes, known, err := p.Cluster.Nodes(ctx)
	if err != nil {
		p.Log.Warn("placement is not checked", "app", p.App.Name, "err", err)
	}
	if err != nil || !known {
		return
	}
	p.result.Problems = slices.Concat(p.result.Problems, b.Unplaced(nodes))
	render.SortProblems(p.result.Problems)
}

// planning gives what every plan of b in this pass has in common.
func (p *pass) planning(ctx context.Context, target plan.Target, b render.Bundle) (plan.Options, error) {
	withdrawn, err := p.withdrawn(ctx, p.App, b)
	return plan.Options{Target: target, Key: p.Key, Pass: p.result.Pass, TakeOver: p.TakeOver, Withdrawn: withdrawn, Now: p.Now()}, err
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
	b.Notes = append(append([]string(nil), a.Notes...), b.Notes...)
	b.Writes += a.Writes
	b.Took += a.Took
	return &b
}

// stopFights takes the objects out of a plan that were put back too often, and
// says so in the result.
func (p *pass) stopFights(todo *plan.Plan) {
	text := p.fights.Stop(p.App.Name, todo)
	if text != "" {
		p.result.Failure = &Failure{Kind: KindFought, Text: text}
	}
}
