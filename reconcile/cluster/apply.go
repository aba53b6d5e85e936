package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// Apply carries out p: it claims the inventory, applies stage by stage, deletes
// what is pruned, and writes the inventory. What fails does not keep the others
// of its stage from being tried, but the stages after it. The Outcome holds what
// was done, also on error; a plan that changes nothing costs no request.
//
// Writing goes on when ctx ends. Only the waits of a deployment end with ctx, and
// with them the apply: between two waves, and for data that it created.
func (c *Cluster) Apply(ctx context.Context, p plan.Plan) (out plan.Outcome, err error) {
	out.Inventory = p.Inventory
	if c.o.ReadOnly || p.Held != "" || len(p.Refused) > 0 {
		return out, fmt.Errorf("apply %s: the plan must not be carried out", p.Target.App)
	}
	forgets := slices.ContainsFunc(p.Changes, func(change plan.Change) bool { return change.Forget || change.Remember })
	first := p.Inventory.Version == "" && p.Deployment
	if !p.Writes() && !forgets && !first && p.Inventory.Broken == "" {
		return out, nil
	}
	api, err := c.api.For(p.Target)
	if err != nil {
		return out, err
	}
	if err := c.inside(p); err != nil {
		return out, err
	}
	start := c.o.Now()
	c.hold(p.Target)
	defer c.release(p.Target)

	claimed, err := c.claim(ctx, api, p)
	if err != nil {
		return out, err
	}
	w := &writing{Cluster: c, api: api, p: p, ends: map[render.ID]bool{}, ready: map[render.ID]bool{}}
	if err = w.suspends(ctx); err == nil {
		err = w.awaits(ctx)
	}
	if err == nil {
		err = w.objects(ctx)
	}
	if err == nil {
		err = w.prunes(ctx)
	}
	after, finishErr := c.finish(ctx, api, p.Target, claimed, w.inventory(claimed, err))
	out = plan.Outcome{Done: w.done, Writes: w.writes, Took: c.o.Now().Sub(start), Notes: w.notes, Inventory: after.Inventory}
	c.metrics.wrote(out.Done)
	c.metrics.applied(out.Took)
	return out, errors.Join(err, finishErr)
}

// inside refuses a plan with an object outside the application's namespace,
// before the inventory announces it. Kinds that are not known yet, since the
// plan brings their definition, are looked at when it is their turn.
func (c *Cluster) inside(p plan.Plan) error {
	for _, change := range p.Changes {
		version := change.Version
		if change.Object != nil {
			version = change.Object.Version
		}
		if !writes(change) {
			continue
		}
		if _, err := c.resource(p.Target, change.ID, version); err != nil && !meta.IsNoMatchError(err) {
			return err
		}
	}
	return nil
}

// hold keeps drift of the application from being judged while it is written.
func (c *Cluster) hold(t plan.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.app(t)
	a.busy++
	a.applies++
}

func (c *Cluster) release(t plan.Target) {
	c.mu.Lock()
	a := c.app(t)
	a.busy--
	drifts := c.assessAll(a)
	a.wake()
	c.mu.Unlock()
	c.look() // it may be met now
	c.tell(t.App, drifts)
}

// writing is the work sheet of one Apply.
type writing struct {
	*Cluster
	api client
	p   plan.Plan

	mu     sync.Mutex
	done   []plan.Done
	writes int
	ends   map[render.ID]bool // Commands that have ended: whether they succeeded
	ready  map[render.ID]bool // data that was waited for, and came
	late   []error            // of what the others need not wait for
	notes  []string
}

func (w *writing) note(change plan.Change, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := plan.Done{Action: change.Action, ID: change.ID}
	if err != nil {
		d.Error = err.Error()
	}
	w.done = append(w.done, d)
}

func (w *writing) wrote() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes++
}

// objects applies group by group: a group is a wave of a stage.
func (w *writing) objects(ctx context.Context) error {
	var changes []plan.Change
	for _, change := range w.p.Changes {
		if change.Object != nil && !change.Suspend {
			changes = append(changes, change)
		}
	}
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && sameGroup(changes[0], changes[n]) {
			n++
		}
		group, rest := changes[:n], changes[n:]
		if err := w.group(ctx, group); err != nil {
			return err
		}
		if err := w.data(ctx, group); err != nil {
			return err
		}
		if err := w.commands(ctx, group); err != nil {
			return err
		}
		later := func(change plan.Change) bool { return change.Object.Stage == group[0].Object.Stage && writes(change) }
		if w.p.Deployment && slices.ContainsFunc(rest, later) {
			if err := w.wave(ctx, group); err != nil {
				return err
			}
		}
		changes = rest
	}
	return errors.Join(w.late...)
}

func sameGroup(a, b plan.Change) bool {
	return a.Object.Stage == b.Object.Stage && a.Object.Wave == b.Object.Wave
}

func (w *writing) group(ctx context.Context, group []plan.Change) error {
	var g errgroup.Group
	g.SetLimit(parallel)
	errs := make([]error, len(group))
	for i, change := range group {
		if !writes(change) {
			continue
		}
		g.Go(func() error {
			err := w.put(ctx, change)
			w.note(change, err)
			if err != nil && w.keeps(change) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.late = append(w.late, err)
			} else {
				errs[i] = err
			}
			return nil
		})
	}
	_ = g.Wait() // every error is in errs
	return errors.Join(errs...)
}

// data waits until the data of a group that is new is ready: services and
// commands that use it come later (spec 3.3).
func (w *writing) data(ctx context.Context, group []plan.Change) error {
	var fresh []plan.Change
	for _, change := range group {
		if change.Fresh {
			fresh = append(fresh, change)
		}
	}
	if len(fresh) == 0 || !w.p.Deployment {
		return nil
	}
	report, err := w.available(ctx, fresh)
	if err != nil && !errors.Is(err, plan.ErrUnhealthy) {
		return fmt.Errorf("wait for %s: %w", fresh[0].ID.Name, err)
	}
	failed := &plan.DataError{}
	for _, item := range report.Items {
		switch {
		case item.Status == health.Current:
			w.ready[item.ID] = true
		case item.Status == report.Worst && failed.Why == "":
			failed.ID, failed.Why = item.ID, item.Why()
		}
	}
	if report.Worst == health.Current {
		return nil
	}
	if err != nil {
		failed.After = w.p.WaveDeadline
	}
	return failed
}

// available waits until objects are, one has failed, or the deadline of waves
// has passed, which is a plan.ErrUnhealthy.
func (w *writing) available(ctx context.Context, changes []plan.Change) (health.Report, error) {
	var b render.Bundle
	for _, change := range changes {
		b.Objects = append(b.Objects, *change.Object)
	}
	if w.p.WaveDeadline > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, w.p.WaveDeadline, plan.ErrUnhealthy)
		defer cancel()
	}
	return w.wait(ctx, w.p.Target, b.Running(), false)
}

// wave waits until everything of a wave is available.
func (w *writing) wave(ctx context.Context, group []plan.Change) error {
	report, err := w.available(ctx, group)
	switch {
	case errors.Is(err, plan.ErrUnhealthy), err == nil && report.Worst != health.Current:
		return fmt.Errorf("%w: %s", plan.ErrUnhealthy, report.Sentence)
	case err != nil:
		return fmt.Errorf("wait for wave %d: %w", group[0].Object.Wave, err)
	}
	return nil
}

// put applies one object, and records what it looks like now.
func (w *writing) put(ctx context.Context, change plan.Change) error {
	t, o := w.p.Target, *change.Object
	r, err := w.resource(t, o.ID, o.Version)
	if err != nil {
		return err
	}
	if change.Return {
		if err := w.takeBack(ctx, r, o.ID); err != nil {
			return err
		}
	}
	watched := w.watch(r)
	if err := w.reserve(ctx, r, change, watched.unwatched()); err != nil {
		return err
	}
	if o.Copy != nil {
		mark, err := w.copies(ctx, r, o)
		if err != nil {
			return err
		}
		w.keep(o, mark)
		return nil
	}
	if o.Generate != nil {
		u, err := w.generate(ctx, r, change)
		if err != nil {
			return err
		}
		w.keep(o, markOf(u))
		return nil
	}
	if change.Action == plan.Recreate {
		if err := w.remove(ctx, r, change, true); err != nil {
			return err
		}
	}
	if change.TakeOver {
		if err := w.takeOver(ctx, r, o.ID); err != nil {
			return err
		}
	}
	if change.Release && change.Replicas != nil {
		if _, err := w.seed(ctx, r, change); err != nil {
			return err
		}
	}
	u, err := w.patch(ctx, r, o.ID, o.Body, plan.Manager)
	if err != nil {
		return problem(t, o.ID, change.Origin, err)
	}
	if !change.Release && change.Replicas != nil {
		if u, err = w.seed(ctx, r, change); err != nil {
			return err
		}
	}
	w.keep(o, fullMark(u, w.o.Key))
	return nil
}

// keep records what an object looks like after it was written.
func (w *writing) keep(o render.Object, mark plan.Mark) {
	w.Cluster.mu.Lock()
	defer w.Cluster.mu.Unlock()
	now := w.record(w.app(w.p.Target), o.ID, o.Version, mark)
	now.wants(&o)
	now.written = w.o.Now()
}

// patch is one forced server-side apply.
func (w *writing) patch(ctx context.Context, r resource, id render.ID, body map[string]any, manager string) (*unstructured.Unstructured, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	w.wrote()
	return w.api.objects(r, id.Namespace).Apply(ctx, id.Name, &unstructured.Unstructured{Object: body},
		metav1.ApplyOptions{FieldManager: manager, Force: true})
}

// seed applies the count alone, as the manager that it belongs to.
func (w *writing) seed(ctx context.Context, r resource, change plan.Change) (*unstructured.Unstructured, error) {
	body := map[string]any{
		"apiVersion": change.Object.APIVersion(), "kind": change.ID.Kind,
		"metadata": map[string]any{"name": change.ID.Name, "namespace": change.ID.Namespace},
		"spec":     map[string]any{"replicas": *change.Replicas},
	}
	u, err := w.patch(ctx, r, change.ID, body, plan.SeedManager)
	return u, wrap("seed", change.ID, err)
}
