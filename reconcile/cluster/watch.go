package cluster

import (
	"context"
	"fmt"
	"sync"
	"unique"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// watchKey names a watch. Kinds are watched in the version they were first used in.
type watchKey = schema.GroupKind

// watcher is the store that a reflector feeds with the objects of one kind: it
// turns each into a sight and keeps nothing else.
type watcher struct {
	c        *Cluster
	resource resource
	health   bool // watched as a whole, for its status

	once   sync.Once
	synced chan struct{} // closed when the first list is in, or the watch was refused
	listed string        // version of the newest list; guarded by the Cluster's mu
	mu     sync.Mutex
	denied bool
}

// watch begins to watch a kind, once, by rondo's own identity. It does nothing
// while Run does not run, and for Secrets.
func (c *Cluster) watch(r resource) *watcher {
	if r.gvr == (schema.GroupVersionResource{Version: "v1", Resource: "secrets"}) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.group == nil || c.runCtx.Err() != nil {
		return nil
	}
	key := r.gvk.GroupKind()
	if w := c.watchers[key]; w != nil {
		return w
	}
	w := &watcher{c: c, resource: r, health: hasHealth(key), synced: make(chan struct{})}
	c.watchers[key] = w
	ctx := c.runCtx
	c.group.Go(func() error {
		w.run(ctx)
		return nil
	})
	return w
}

func (w *watcher) run(ctx context.Context) {
	selected := func(o metav1.ListOptions) metav1.ListOptions {
		o.LabelSelector = render.LabelApp
		return o
	}
	lw := &cache.ListWatch{}
	var expected runtime.Object
	if w.health {
		objects := w.c.api.own.dynamic.Resource(w.resource.gvr)
		lw.ListWithContextFunc = func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := objects.List(ctx, selected(o))
			return list, w.note(ctx, err)
		}
		lw.WatchFuncWithContext = func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			events, err := objects.Watch(ctx, selected(o))
			return events, w.note(ctx, err)
		}
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(w.resource.gvk)
		expected = u
	} else {
		objects := w.c.api.own.metadata.Resource(w.resource.gvr)
		lw.ListWithContextFunc = func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := objects.List(ctx, selected(o))
			return list, w.note(ctx, err)
		}
		lw.WatchFuncWithContext = func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			events, err := objects.Watch(ctx, selected(o))
			return events, w.note(ctx, err)
		}
		expected = &metav1.PartialObjectMetadata{}
	}
	r := cache.NewReflectorWithOptions(lw, expected, w, cache.ReflectorOptions{Name: "rondo", TypeDescription: w.resource.gvk.Kind})
	// What klog would say of errors is said by note.
	r.RunWithContext(klog.NewContext(ctx, logr.Discard()))
}

// unwatched reports whether nothing will be seen of the kind.
func (w *watcher) unwatched() bool {
	if w == nil {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.denied
}

func (w *watcher) ready() { w.once.Do(func() { close(w.synced) }) }

// seenObject is one listed or watched object on its way into the store. The
// reflector holds a list of them during its first list.
type seenObject struct {
	id    render.ID
	sight sight
	pause bool // an inventory, annotated as paused
	inv   bool // an inventory
}

// GetObjectMeta lets the reflector's temporary store name the object.
func (s *seenObject) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: s.id.Namespace, Name: s.id.Name}
}

// Transformer makes the reflector keep sights instead of objects while it lists.
func (w *watcher) Transformer() cache.TransformFunc {
	return func(v any) (any, error) { return w.look(v) }
}

// look makes a sight of an object.
func (w *watcher) look(v any) (*seenObject, error) {
	if s, ok := v.(*seenObject); ok {
		return s, nil
	}
	m, err := meta.Accessor(v)
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", w.resource.gvk.Kind, err)
	}
	id := render.ID{Group: w.resource.gvk.Group, Kind: w.resource.gvk.Kind, Namespace: m.GetNamespace(), Name: m.GetName()}
	s := &seenObject{id: id, sight: w.c.sightOf(m)}
	if u, ok := v.(*unstructured.Unstructured); ok {
		item := health.Of(u.Object)
		s.sight.status, s.sight.message = item.Status, unique.Make(item.Message).Value()
		if n, found, err := unstructured.NestedInt64(u.Object, "spec", "replicas"); found && err == nil {
			s.sight.replicas = n
		}
	}
	if m.GetLabels()[labelInventory] != "" {
		s.inv, s.pause = true, m.GetAnnotations()[render.AnnotationReconcile] == "paused"
	}
	return s, nil
}

// sightOf is what metadata says of an object.
func (c *Cluster) sightOf(m metav1.Object) sight {
	return sight{
		mark: markOf(m), app: unique.Make(m.GetLabels()[render.LabelApp]).Value(),
		foreign: c.o.foreignHash(m.GetManagedFields()), replicas: -1,
	}
}

// Add, Update, Delete, Replace and Resync make a watcher a reflector's store.

func (w *watcher) Add(v any) error { return w.Update(v) }

func (w *watcher) Update(v any) error {
	s, err := w.look(v)
	if err != nil {
		return err
	}
	w.take(s)
	return nil
}

func (w *watcher) Delete(v any) error {
	if tombstone, ok := v.(cache.DeletedFinalStateUnknown); ok {
		v = tombstone.Obj
	}
	s, err := w.look(v)
	if err != nil {
		return err
	}
	s.sight.gone, s.sight.status, s.sight.message = true, health.NotFound, "deleted"
	s.pause = false
	w.take(s)
	return nil
}

func (w *watcher) Replace(list []any, version string) error {
	there := make(map[render.ID]bool, len(list))
	for _, v := range list {
		s, err := w.look(v)
		if err != nil {
			return err
		}
		there[s.id] = true
		w.take(s)
	}
	w.missed(there, version)
	w.mu.Lock()
	w.denied = false
	w.mu.Unlock()
	w.ready()
	return nil
}

func (w *watcher) Resync() error { return nil }

// take hands a sight on.
func (w *watcher) take(s *seenObject) {
	c := w.c
	if s.inv {
		c.seePause(s.sight.app, s.pause)
		return
	}
	c.mu.Lock()
	app, drifts := c.see(s.id, s.sight)
	c.mu.Unlock()
	c.tell(app, drifts)
}

// missed notes as gone what a new list at version does not have, and what was
// not written after it.
func (w *watcher) missed(there map[render.ID]bool, version string) {
	c := w.c
	told := map[string][]plan.Drift{}
	c.mu.Lock()
	w.listed = version
	for id, o := range c.objects {
		if there[id] || id.Kind != w.resource.gvk.Kind || id.Group != w.resource.gvk.Group || o.now.gone {
			continue
		}
		last := o.recorded
		if o.now.seen() && newer(o.now.mark.Version, last.Version) {
			last = o.now.mark
		}
		if last.Version == "" || newer(last.Version, version) {
			continue
		}
		gone := sight{mark: last, app: o.now.app, replicas: -1, gone: true, status: health.NotFound, message: "deleted"}
		gone.mark.Version = version
		if app, drifts := c.see(id, gone); drifts != nil {
			told[app] = append(told[app], drifts...)
		}
	}
	c.mu.Unlock()
	for app, drifts := range told {
		c.tell(app, drifts)
	}
}

// lost reports whether an object that was never seen should have been: it was
// written before the newest list of its kind. The caller holds mu.
func (c *Cluster) lost(o *object) bool {
	w := c.watchers[groupKind(o.id)]
	return w != nil && !o.now.seen() && o.recorded.Version != "" && w.listed != "" && !newer(o.recorded.Version, w.listed)
}

// note looks at the error of a list or watch on its way to the reflector, which
// tries again.
func (w *watcher) note(ctx context.Context, err error) error {
	switch {
	case err == nil || ctx.Err() != nil || apierrors.IsResourceExpired(err) || apierrors.IsGone(err):
	case apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err):
		w.mu.Lock()
		first := !w.denied
		w.denied = true
		w.mu.Unlock()
		if first {
			w.c.log.Warn("kind is not watched; its objects are read from time to time", "object", w.resource.gvk.Kind, "err", err)
		}
		w.ready()
	default:
		w.c.log.Warn("watch will be retried", "object", w.resource.gvk.Kind, "err", err)
	}
	return err
}

// seePause tells when the annotation on an inventory begins or ceases.
func (c *Cluster) seePause(name string, paused bool) {
	c.mu.Lock()
	a := c.apps[name]
	news := a != nil && a.followed && a.paused != paused
	if a != nil {
		a.paused = paused
	}
	c.mu.Unlock()
	if news {
		c.o.OnPause(name, paused)
	}
}

// synced waits until the first list of each watched kind is in, so that a
// restarted daemon knows of drift that happened while it was away.
func (c *Cluster) synced(ctx context.Context, watchers []*watcher) error {
	for _, w := range watchers {
		select {
		case <-w.synced:
		case <-ctx.Done():
			return fmt.Errorf("wait for the first list of %s: %w", w.resource.gvk.Kind, context.Cause(ctx))
		}
	}
	return nil
}
