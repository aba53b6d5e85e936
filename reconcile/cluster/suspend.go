package cluster

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// suspends suspends the CronJobs that are to start nothing while the deployment
// runs. The inventory has them without a digest until [plan.Resume] was carried
// out, so that whatever comes between, the next pass applies them again; and with
// the mark of what they are now, so that nobody takes it for drift.
func (w *writing) suspends(ctx context.Context) error {
	for _, change := range w.p.Changes {
		if !change.Suspend {
			continue
		}
		r, err := w.resource(w.p.Target, change.ID, change.Object.Version)
		if err != nil {
			return err
		}
		m, err := w.amend(ctx, r, change.ID, types.MergePatchType, map[string]any{"spec": map[string]any{"suspend": true}})
		if apierrors.IsNotFound(err) {
			continue // gone meanwhile; the end of the deployment brings it back
		}
		if err != nil {
			return wrap("suspend", change.ID, err)
		}
		w.keep(*change.Object, markOf(m))
	}
	return nil
}
