package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// Live reads the inventory, and the objects that are new, changed, gone from b
// or drifted; the others are known without a request. With dryRun, and while
// Run does not run, every object is read. An apply is tried on the API server
// for everything with dryRun, else for kinds that this process never applied.
func (c *Cluster) Live(ctx context.Context, t plan.Target, b render.Bundle, dryRun bool) (plan.Live, error) {
	api, err := c.api.For(t)
	if err != nil {
		return plan.Live{}, err
	}
	inv, err := c.readInventory(ctx, api, t)
	if err != nil {
		if apierrors.IsForbidden(err) {
			c.unready(t)
		}
		return plan.Live{}, err
	}
	blind, err := c.watchKinds(ctx, inv.Inventory, b)
	if err != nil {
		return plan.Live{}, err
	}
	reads, drifts := c.wanted(t, inv, b, dryRun || blind)

	l := live{Cluster: c, api: api, t: t, out: plan.Live{
		Inventory: inv.Inventory, Objects: make(map[render.ID]plan.LiveObject, len(reads)), Drifts: drifts}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, r := range reads {
		g.Go(func() error { return l.read(ctx, r, dryRun) })
	}
	g.Go(func() error { return l.accounts(ctx, b, reads) })
	if err := g.Wait(); err != nil {
		return plan.Live{}, err
	}
	return l.out, nil
}

// read is one object to read.
type read struct {
	id      render.ID
	version string
	object  *render.Object // what is wanted; nil: gone from the bundle
	changed bool           // its digest is not that of the inventory
	asks    bool           // read only because something moved
	glimpse bool           // its metadata is enough
	kept    bool           // never deleted, so that it need not be seen
}

// watchKinds begins to watch all kinds in use and waits for their first lists.
// Blind says that nothing is watched.
func (c *Cluster) watchKinds(ctx context.Context, inv plan.Inventory, b render.Bundle) (blind bool, err error) {
	c.mu.Lock()
	running := c.group != nil
	c.mu.Unlock()
	if !running {
		return true, nil
	}
	seen := map[schema.GroupKind]bool{}
	var watchers []*watcher
	add := func(id render.ID, version string) {
		if seen[groupKind(id)] {
			return
		}
		seen[groupKind(id)] = true
		// A kind that the cluster does not know is found out when it is read.
		if r, err := c.kinds.find(id, version, c.o.Now()); err == nil {
			if w := c.watch(r); w != nil {
				watchers = append(watchers, w)
			}
		}
	}
	for _, e := range inv.Entries {
		add(e.ID, e.Version)
	}
	for _, o := range b.Objects {
		add(o.ID, o.Version)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, requestTimeout, fmt.Errorf("not within %s", requestTimeout))
	defer cancel()
	return false, c.synced(ctx, watchers)
}

// wanted takes in the inventory, and says what must be read and what drifted.
func (c *Cluster) wanted(t plan.Target, inv stored, b render.Bundle, all bool) (reads []read, drifts map[render.ID]plan.Drift) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.app(t)
	c.learn(a, inv, b)
	drifts = map[render.ID]plan.Drift{}
	entries := make(map[render.ID]plan.Entry, len(inv.Entries))
	for _, e := range inv.Entries {
		entries[e.ID] = e
	}
	for i := range b.Objects {
		applied := plan.Applied(b.Objects[i], t.Ignore)
		e, known := entries[applied.ID]
		delete(entries, applied.ID)
		r := read{id: applied.ID, version: applied.Version, object: &applied}
		r.changed = !known || e.Digest == "" || e.Digest != applied.Digest(c.o.Key)
		r.glimpse = applied.Generate != nil || applied.Copy != nil
		if o := c.owned(a, applied.ID); o != nil {
			switch v := c.verdict(o); {
			case o.drift != nil, v == changed, v == missing:
				c.drift(a, o)
				drifts[applied.ID] = plan.Drift{ID: applied.ID, Missing: o.now.gone, Seen: o.drift.since}
			case v == suspect:
				r.asks = true
			}
		}
		_, drifted := drifts[applied.ID]
		if all || r.changed || drifted || r.asks || applied.Copy != nil {
			r.asks = r.asks && !all && !r.changed
			reads = append(reads, r)
		}
	}
	for id, e := range entries {
		reads = append(reads, read{id: id, version: e.Version, glimpse: !e.Command, kept: e.Group != "" || e.Keep})
	}
	a.planned = a.drifts
	return reads, drifts
}

// learn takes over the marks of the inventory, unless memory has newer ones.
// The caller holds mu.
func (c *Cluster) learn(a *app, inv stored, b render.Bundle) {
	a.known, a.parts, a.paused = true, inv.parts, inv.Paused
	there := make(map[render.ID]bool, len(inv.Entries))
	for _, e := range inv.Entries {
		there[e.ID] = true
		o := c.owned(a, e.ID)
		if o == nil || o.recorded.UID != e.Mark.UID || newer(e.Mark.Version, o.recorded.Version) {
			o = c.record(a, e.ID, e.Version, e.Mark)
		}
		o.made, o.command, o.orphan = len(e.Keys) > 0, e.Command, e.Orphaned != 0
		o.copy = e.Copy
	}
	for _, o := range slices.Clone(a.objects) {
		if !there[o.id] {
			c.forget(a, o.id)
		}
	}
	for i := range b.Objects {
		if o := c.owned(a, b.Objects[i].ID); o != nil {
			o.wants(&b.Objects[i])
		}
	}
}

// live is the work sheet of one Live.
type live struct {
	*Cluster
	api client
	t   plan.Target

	mu  sync.Mutex
	out plan.Live
}

func (l *live) put(id render.ID, o plan.LiveObject) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Objects[id] = o
}

func (l *live) read(ctx context.Context, r read, dryRun bool) error {
	resource, err := l.resource(l.t, r.id, r.version)
	if err != nil {
		if r.object == nil || !refusal(err) {
			return err
		}
		l.put(r.id, plan.LiveObject{Refused: err.Error()})
		return nil
	}
	if r.glimpse {
		return l.glimpse(ctx, resource, r)
	}
	objects := l.api.objects(resource, r.id.Namespace)
	request, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := objects.Get(request, r.id.Name, metav1.GetOptions{})
	var found plan.LiveObject
	switch {
	case err == nil:
		if r.asks && l.settle(r.id, u) {
			return nil
		}
		found = plan.LiveObject{Exists: true, Body: u.Object}
	case apierrors.IsNotFound(err):
	case apierrors.IsForbidden(err) && r.object != nil:
		l.put(r.id, plan.LiveObject{Refused: clean(r.id, err), Forbidden: true})
		return nil
	default:
		return wrap("read", r.id, err)
	}
	if r.object != nil && (dryRun || r.changed && !l.wasTried(resource)) {
		if err := l.try(ctx, resource, *r.object, &found); err != nil {
			return err
		}
	}
	l.put(r.id, found)
	return nil
}

// glimpse reads the metadata of an object whose content is nobody's business: a
// generated or copied Secret, or one that left the bundle. An account that may not even do
// that is no obstacle where nothing is deleted.
func (l *live) glimpse(ctx context.Context, r resource, what read) error {
	id := what.id
	var found plan.LiveObject
	if what.object != nil && what.object.Copy != nil {
		found.Source = l.source(ctx, l.t, what.object.Copy)
	}
	request, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := l.api.meta(r, id.Namespace).Get(request, id.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
	case apierrors.IsForbidden(err) && (what.kept || what.object != nil):
		found.Unseen = true
	case err != nil:
		return wrap("read", id, err)
	default:
		found.Exists = true
		if found.Body, err = runtime.DefaultUnstructuredConverter.ToUnstructured(m); err != nil {
			return wrap("read", id, err)
		}
	}
	l.put(id, found)
	return nil
}

// try asks the API server what it would make of the object.
func (l *live) try(ctx context.Context, r resource, o render.Object, found *plan.LiveObject) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := l.api.objects(r, o.ID.Namespace).Apply(ctx, o.ID.Name, &unstructured.Unstructured{Object: o.Body},
		metav1.ApplyOptions{FieldManager: plan.Manager, Force: true, DryRun: []string{metav1.DryRunAll}})
	switch {
	case err == nil:
		found.DryRun = u.Object
		l.noteTried(r)
	case refused(err), apierrors.IsForbidden(err), apierrors.IsMethodNotSupported(err):
		found.Refused, found.Forbidden = clean(o.ID, err), apierrors.IsForbidden(err)
	case apierrors.IsNotFound(err):
		// The namespace does not exist yet, so there is nothing to ask.
	default:
		return wrap("try", o.ID, err)
	}
	return nil
}

// settle notes that u is what was applied, however its version moved, and
// reports whether it is.
func (c *Cluster) settle(id render.ID, u *unstructured.Unstructured) bool {
	mark, now := fullMark(u, c.o.Key), c.sightOf(u)
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.objects[id]
	if o == nil || o.owner == nil || o.recorded.Values == "" {
		return false
	}
	was := o.recorded
	if mark.UID != was.UID || mark.Fields != was.Fields || mark.Values != was.Values || now.foreign != "" {
		return false
	}
	if n, ok, err := unstructured.NestedInt64(u.Object, "spec", "replicas"); ok && err == nil && o.seeded != nil && o.seeded.Clamp(n) != n {
		return false
	}
	o.recorded.Generation, o.recorded.Version = mark.Generation, mark.Version
	o.drift = nil
	return true
}

func (c *Cluster) wasTried(r resource) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tried[r.gvk.String()]
}

func (c *Cluster) noteTried(r resource) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tried[r.gvk.String()] = true
}

// outside is the error of an object that is not in its application's namespace.
type outside struct {
	id        render.ID
	namespace string
}

func (e *outside) Error() string {
	return fmt.Sprintf("%s is outside the application's namespace %s", e.id, e.namespace)
}

// resource finds how id is addressed, and refuses what is outside the
// application's namespace (threats T22).
func (c *Cluster) resource(t plan.Target, id render.ID, version string) (resource, error) {
	r, err := c.kinds.find(id, version, c.o.Now())
	if err != nil {
		return r, err
	}
	if r.namespaced && id.Namespace != t.Namespace {
		return r, &outside{id, t.Namespace}
	}
	return r, nil
}

// refusal reports whether err says that the object cannot be, rather than that
// nothing could be learned.
func refusal(err error) bool {
	var out *outside
	return meta.IsNoMatchError(err) || errors.As(err, &out)
}
