package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// reserve keeps an object of another application from being overwritten: one
// that this process applied or sees, and, where it sees nothing, one that is
// there now although the plan creates it.
func (w *writing) reserve(ctx context.Context, r resource, change plan.Change, unwatched bool) error {
	t := w.p.Target
	if unwatched && change.Action == plan.Create {
		ctx, cancel := bounded(ctx)
		defer cancel()
		m, err := w.api.meta(r, change.ID.Namespace).Get(ctx, change.ID.Name, metav1.GetOptions{})
		if err == nil && m.Labels[render.LabelApp] != "" && m.Labels[render.LabelApp] != t.App {
			return foreignObject(change, m.Labels[render.LabelApp])
		}
		blind := apierrors.IsForbidden(err) && change.Object.Generate != nil // generate finds out
		if err != nil && !apierrors.IsNotFound(err) && !blind {
			return wrap("look for", change.ID, err)
		}
	}
	w.Cluster.mu.Lock()
	defer w.Cluster.mu.Unlock()
	a, o := w.app(t), w.object(change.ID)
	switch {
	case o.owner != nil && o.owner != a:
		return foreignObject(change, o.owner.target.App)
	case o.now.seen() && !o.now.gone && o.now.app != "" && o.now.app != t.App:
		return foreignObject(change, o.now.app)
	}
	a.own(o)
	return nil
}

func foreignObject(change plan.Change, owner string) error {
	return &render.Problem{Pos: change.Origin, Code: "E-OBJECT-OWNED",
		What: fmt.Sprintf("%s belongs to application %s", change.ID, owner),
		Fix:  "rename it here, or remove it from " + owner, Err: ErrForeign}
}
