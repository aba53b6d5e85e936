package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// lender is where the Secret is that a copy is made of, and who may read it: the
// account of its own application. False for one that is not followed.
func (c *Cluster) lender(copied *render.Copy) (id render.ID, t plan.Target, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.apps[copied.App]
	if a == nil || !a.followed {
		return id, t, false
	}
	return render.ID{Kind: "Secret", Namespace: a.target.Namespace, Name: copied.Secret}, a.target, true
}

// source is the version of the Secret that a copy is made of; empty: it cannot
// be told now. Its values are not read.
func (c *Cluster) source(ctx context.Context, reader plan.Target, copied *render.Copy) string {
	id, t, known := c.lender(copied)
	if !known {
		return ""
	}
	api, r, ok := c.reader(followed{target: t, id: id, version: "v1"})
	if !ok {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := api.meta(r, id.Namespace).Get(ctx, id.Name, metav1.GetOptions{})
	if err != nil {
		c.log.Debug("what a copy is made of could not be checked", "app", reader.App, "object", id.String(), "err", clean(id, err))
		return ""
	}
	return m.GetResourceVersion()
}

// keeps reports whether a change is a copy that was made before. Its owner's fault
// is told, and stops nothing else: what uses it has the values from then.
func (w *writing) keeps(change plan.Change) bool {
	e, known := w.p.Inventory.Find(change.ID)
	return change.Object.Copy != nil && known && e.Mark.UID != ""
}

// copies applies a Secret with the values that another application's has now.
// They are kept nowhere else, and no error shows them.
func (w *writing) copies(ctx context.Context, r resource, o render.Object) (plan.Mark, error) {
	id, t, known := w.lender(o.Copy)
	if !known {
		return plan.Mark{}, fmt.Errorf("copy %s: application %s is not in rondo.yaml, so nobody may read its Secret; put it back there", o.ID, o.Copy.App)
	}
	api, err := w.Cluster.api.For(t)
	if err != nil {
		return plan.Mark{}, err
	}
	request, cancel := bounded(ctx)
	defer cancel()
	found, err := api.objects(r, id.Namespace).Get(request, id.Name, metav1.GetOptions{})
	if err != nil {
		return plan.Mark{}, fmt.Errorf("read %s of application %s: %s", id, o.Copy.App, clean(id, err))
	}
	theirs, _ := found.Object["data"].(map[string]any)
	body := runtime.DeepCopyJSON(o.Body)
	data, _ := body["data"].(map[string]any) // what an overlay adds
	if data == nil {
		data = make(map[string]any, len(o.Copy.Keys))
	}
	for _, key := range o.Copy.Keys {
		value, ok := theirs[key]
		if !ok {
			return plan.Mark{}, fmt.Errorf("%s of application %s has no key %s; add it there", id, o.Copy.App, key)
		}
		data[key] = value
	}
	body["data"] = data
	u, err := w.patch(ctx, r, o.ID, body, plan.Manager)
	if err != nil {
		return plan.Mark{}, problem(w.p.Target, o.ID, o.Origin, err)
	}
	mark := fullMark(u, w.o.Key)
	mark.Source = found.GetResourceVersion()
	return mark, nil
}
