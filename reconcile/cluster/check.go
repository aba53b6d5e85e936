package cluster

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// suspectEvery bounds how often one object is read because its version moves
// without anything of ours: some controllers write all the time.
const suspectEvery = time.Minute

// followed is one object of a followed application.
type followed struct {
	target   plan.Target
	id       render.ID
	version  string
	recorded plan.Mark
	copy     *render.Copy
}

// followedObjects are those that were applied, of kinds that are watched or not.
func (c *Cluster) followedObjects(watched bool) (out []followed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	blind := map[schema.GroupKind]bool{}
	for key, w := range c.watchers {
		blind[key] = w.unwatched()
	}
	for _, a := range c.apps {
		if !a.followed {
			continue
		}
		for _, o := range a.objects {
			unseen, known := blind[groupKind(o.id)]
			if o.recorded.Version != "" && (known && !unseen) == watched {
				out = append(out, followed{a.target, o.id, o.version, o.recorded, o.copy})
			}
		}
	}
	return out
}

// checkUnwatched reads the metadata of Secrets, and of other kinds that are not
// watched, by the application's identity: each once per period, spread over it.
func (c *Cluster) checkUnwatched(ctx context.Context) error {
	return c.spread(ctx, c.o.SecretCheck, false, c.glance)
}

// sweep reads every watched object in full, as rarely, in case that its drift
// left no trace in its metadata, or an event was lost.
func (c *Cluster) sweep(ctx context.Context) error {
	return c.spread(ctx, c.o.Sweep, true, c.examine)
}

// spread calls check for each object once per period, until ctx ends.
func (c *Cluster) spread(ctx context.Context, period time.Duration, watched bool, check func(context.Context, followed)) error {
	tick := time.NewTimer(0)
	defer tick.Stop()
	var todo []followed
	pause := period / 16 // to look again while there is nothing to check
	for {
		tick.Reset(pause)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if len(todo) == 0 {
			if todo = c.followedObjects(watched); len(todo) > 0 {
				pause = period / time.Duration(len(todo))
			} else {
				pause = period / 16
			}
			continue
		}
		check(ctx, todo[0])
		todo = todo[1:]
	}
}

// reader is what it takes to read one object by its application's identity;
// false where that cannot be told now.
func (c *Cluster) reader(f followed) (api client, r resource, ok bool) {
	api, err := c.api.For(f.target)
	if err != nil {
		return api, r, false
	}
	r, err = c.resource(f.target, f.id, f.version)
	return api, r, err == nil
}

// glance looks at the metadata of one object.
func (c *Cluster) glance(ctx context.Context, f followed) {
	api, r, ok := c.reader(f)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := api.meta(r, f.id.Namespace).Get(ctx, f.id.Name, metav1.GetOptions{})
	if err != nil {
		c.unreadable(f, err)
		return
	}
	s := c.sightOf(m)
	c.mu.Lock()
	app, drifts := c.see(f.id, s)
	c.mu.Unlock()
	c.tell(app, drifts)
	if f.copy == nil {
		return
	}
	if source := c.source(ctx, f.target, f.copy); source != "" && source != f.recorded.Source {
		c.found(f, func(o *object) { o.now.source = source })
	}
}

// examine reads one object in full and compares its values with what was applied.
func (c *Cluster) examine(ctx context.Context, f followed) {
	api, r, ok := c.reader(f)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := api.objects(r, f.id.Namespace).Get(ctx, f.id.Name, metav1.GetOptions{})
	if err != nil {
		c.unreadable(f, err)
		return
	}
	if c.settle(f.id, u) {
		return
	}
	c.found(f, func(o *object) {
		if s := c.sightOf(u); newer(s.mark.Version, o.now.mark.Version) {
			s.status, s.message, s.replicas = o.now.status, o.now.message, o.now.replicas
			o.now = s
		}
	})
}

// unreadable takes in why an object could not be read: gone is drift, anything
// else tells nothing.
func (c *Cluster) unreadable(f followed, err error) {
	if !apierrors.IsNotFound(err) {
		c.log.Debug("object could not be checked", "app", f.target.App, "object", f.id.String(), "err", clean(f.id, err))
		c.mu.Lock()
		if o := c.objects[f.id]; o != nil && o.judge() == suspect && c.suspects != nil {
			c.suspects.AddAfter(f.id, suspectEvery)
		}
		c.mu.Unlock()
		return
	}
	c.found(f, func(o *object) {
		o.now = goneSight(o)
	})
}

// goneSight is what is seen of an object that a read or a list did not find.
func goneSight(o *object) sight {
	return sight{mark: o.recorded, replicas: -1, gone: true, status: health.NotFound, message: "deleted"}
}

// found notes drift that a read showed, unless the object was applied since.
func (c *Cluster) found(f followed, note func(*object)) {
	c.mu.Lock()
	a, o := c.apps[f.target.App], c.objects[f.id]
	if a == nil || o == nil || o.owner != a || o.recorded != f.recorded || a.busy > 0 || !a.followed {
		c.mu.Unlock()
		return
	}
	note(o)
	drifts := c.drift(a, o)
	if drifts != nil {
		a.wake()
	}
	c.mu.Unlock()
	c.tell(f.target.App, drifts)
}

// clearSuspects reads objects whose version moved without telling why.
func (c *Cluster) clearSuspects(ctx context.Context, queue workqueue.TypedDelayingInterface[render.ID]) error {
	for {
		id, shutdown := queue.Get()
		if shutdown {
			return nil
		}
		queue.Done(id)
		c.mu.Lock()
		o := c.objects[id]
		var f followed
		still := o != nil && o.owner != nil && o.owner.busy == 0 && o.judge() == suspect
		if still {
			f = followed{o.owner.target, id, o.version, o.recorded, o.copy}
			o.checked = c.o.Now()
		}
		c.mu.Unlock()
		if still {
			c.examine(ctx, f)
		}
	}
}
