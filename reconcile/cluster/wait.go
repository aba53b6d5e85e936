package cluster

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// look is how often the pods of a workload are read that makes no progress.
const look = 3 * time.Second

// Wait returns once every object of b is healthy, one has failed, one has
// drifted since the newest Live (plan.ErrDrift), or ctx ends (its cause). It
// wakes up when the watch says something, and reads pods only where a workload
// does not move. With a failure or at the end of ctx the first object that is
// not well has its last warning event.
func (c *Cluster) Wait(ctx context.Context, t plan.Target, b render.Bundle) (health.Report, error) {
	return c.wait(ctx, t, b, true)
}

func (c *Cluster) wait(ctx context.Context, t plan.Target, b render.Bundle, endsAtDrift bool) (health.Report, error) {
	api, err := c.api.For(t)
	if err != nil {
		return health.Report{}, err
	}
	w := &waiting{Cluster: c, api: api, t: t, b: b, stuck: map[render.ID]string{}, pods: map[render.ID][]health.Pod{}, read: map[render.ID]health.Item{}}
	w.look(ctx) // for kinds that are not watched
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		report, changed, drifted := w.report()
		switch {
		case drifted && endsAtDrift:
			return report, plan.ErrDrift
		case report.Worst == health.Current:
			return report, nil
		case report.Worst == health.Failed:
			return w.explain(context.WithoutCancel(ctx), report), nil
		}
		select {
		case <-changed:
		case <-tick.C:
			w.look(ctx)
		case <-ctx.Done():
			return w.explain(context.WithoutCancel(ctx), report), context.Cause(ctx)
		}
	}
}

// waiting is the work sheet of one Wait.
type waiting struct {
	*Cluster
	api client
	t   plan.Target
	b   render.Bundle

	stuck map[render.ID]string       // message of a workload at the last look
	pods  map[render.ID][]health.Pod // of workloads that did not move
	read  map[render.ID]health.Item  // of kinds that are not watched
}

// report is the health now, and a channel that closes when something changes.
func (w *waiting) report() (report health.Report, changed <-chan struct{}, drifted bool) {
	w.mu.Lock()
	a := w.app(w.t)
	items := make([]health.Item, 0, len(w.b.Objects))
	for i := range w.b.Objects {
		items = append(items, w.itemOf(a, &w.b.Objects[i]))
	}
	changed, drifted = a.changed, a.busy == 0 && a.drifts != a.planned
	w.mu.Unlock()
	for i, item := range items {
		if read, ok := w.read[item.ID]; ok {
			items[i] = read
		}
		if pods := w.pods[item.ID]; pods != nil && w.stuck[item.ID] == item.Message {
			items[i] = health.Merge(item, pods)
		}
	}
	return health.Summarize(items), changed, drifted
}

// itemOf is the health of one object of a. The caller holds mu.
func (c *Cluster) itemOf(a *app, object *render.Object) health.Item {
	item := health.Item{ID: object.ID, Status: health.InProgress}
	o := c.owned(a, object.ID)
	if o == nil || o.recorded.Version == "" {
		item.Message = "not applied yet"
		return item
	}
	fresh := o.now.seen() && !newer(o.recorded.Version, o.now.mark.Version)
	switch {
	case fresh && o.now.gone:
		if o.finishes {
			item.Status, item.Message = health.Current, "finished and cleaned up"
			return item
		}
		return health.Missing(object.ID)
	case !hasHealth(groupKind(object.ID)):
		item.Status, item.Message = health.Current, "applied"
	case !fresh:
		item.Message = "not seen by its controller yet"
	default:
		item.Status, item.Message = o.now.status, o.now.message
	}
	return item
}

func groupKind(id render.ID) schema.GroupKind {
	return schema.GroupKind{Group: id.Group, Kind: id.Kind}
}

// finishes reports whether an object is a Job that is deleted when it has ended.
func finishes(o *render.Object) bool {
	spec, _ := o.Body["spec"].(map[string]any)
	_, ok := spec["ttlSecondsAfterFinished"]
	return (ok || o.Command) && o.ID.Group == "batch" && o.ID.Kind == "Job"
}

// look reads what the watches do not tell: objects of kinds that rondo may not
// watch, and the pods of workloads that did not move since the last look.
func (w *waiting) look(ctx context.Context) {
	for i := range w.b.Objects {
		o := &w.b.Objects[i]
		if !hasHealth(groupKind(o.ID)) || ctx.Err() != nil {
			continue
		}
		w.mu.Lock()
		watcher := w.watchers[groupKind(o.ID)]
		item := w.itemOf(w.app(w.t), o)
		w.mu.Unlock()
		if watcher.unwatched() {
			item = w.get(ctx, o, item)
			w.read[o.ID] = item
		}
		moved := w.stuck[o.ID] != item.Message
		w.stuck[o.ID] = item.Message
		delete(w.pods, o.ID)
		if moved || item.Status != health.InProgress {
			continue
		}
		pods, err := w.podsOf(ctx, w.api, o)
		if err != nil {
			w.log.Debug("pods are not known", "app", w.t.App, "object", o.ID.String(), "err", err)
			continue
		}
		w.pods[o.ID] = health.Pods(pods, w.since(o.ID), w.o.Now())
	}
}

// get judges one object that is not watched.
func (w *waiting) get(ctx context.Context, o *render.Object, item health.Item) health.Item {
	r, err := w.resource(w.t, o.ID, o.Version)
	if err != nil {
		item.Message = err.Error()
		return item
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := w.api.objects(r, o.ID.Namespace).Get(ctx, o.ID.Name, metav1.GetOptions{})
	if err != nil {
		item.Message = clean(o.ID, err)
		return item
	}
	return health.Of(u.Object)
}

// since is when this process last wrote the object; zero: it did not.
func (c *Cluster) since(id render.ID) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.objects[id]; o != nil {
		return o.written
	}
	return time.Time{}
}

// Health is the health of what an application has applied, as the watches have
// it; for an application without any it is empty.
func (c *Cluster) Health(name string) health.Report {
	c.mu.Lock()
	var items []health.Item
	if a := c.apps[name]; a != nil {
		for _, o := range a.objects {
			if o.orphan || o.command {
				continue // not part of what runs
			}
			items = append(items, c.itemOf(a, &render.Object{ID: o.id, Version: o.version}))
		}
	}
	c.mu.Unlock()
	return health.Summarize(items)
}

// podsOf lists the pods of a workload by the application's identity.
func (c *Cluster) podsOf(ctx context.Context, api client, o *render.Object) ([]map[string]any, error) {
	selector := podSelector(o)
	if selector == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	list, err := api.dynamic.Resource(podResource).Namespace(o.ID.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", o.ID, err)
	}
	pods := make([]map[string]any, len(list.Items))
	for i := range list.Items {
		pods[i] = list.Items[i].Object
	}
	return pods, nil
}

var podResource = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// podSelector selects the pods of a workload; empty for what has none.
func podSelector(o *render.Object) string {
	switch groupKind(o.ID) {
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		return "batch.kubernetes.io/job-name=" + o.ID.Name
	case schema.GroupKind{Group: "apps", Kind: "Deployment"},
		schema.GroupKind{Group: "apps", Kind: "StatefulSet"},
		schema.GroupKind{Group: "apps", Kind: "DaemonSet"}:
		spec, _ := o.Body["spec"].(map[string]any)
		selector, _ := spec["selector"].(map[string]any)
		labels, _ := selector["matchLabels"].(map[string]any)
		set := make(map[string]string, len(labels))
		for k, v := range labels {
			set[k] = fmt.Sprint(v)
		}
		if len(set) == 0 {
			return ""
		}
		return metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: set})
	}
	return ""
}
