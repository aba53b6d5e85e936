package cluster

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// orphanedAt is the form of the label rondo.dev/orphaned-at: a label cannot
// hold the colons of RFC 3339.
const orphanedAt = "20060102T150405Z"

// orphan labels an object whose data left git, and stops its pods where the
// plan says so. One that is gone, or another of the same name, is left.
func (w *writing) orphan(ctx context.Context, change plan.Change) error {
	r, err := w.resource(w.p.Target, change.ID, change.Version)
	if err != nil {
		return err
	}
	meta := map[string]any{"labels": map[string]any{
		render.LabelOrphanedAt: time.Unix(change.Since, 0).UTC().Format(orphanedAt)}}
	if change.UID != "" {
		meta["uid"] = change.UID // a precondition: another object is a conflict
	}
	patch := map[string]any{"metadata": meta}
	if change.Stop {
		stop(patch, change.ID)
	}
	_, err = w.amend(ctx, r, change.ID, types.MergePatchType, patch)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return wrap("keep", change.ID, err)
}

// hibernation is CloudNativePG's switch for the pods of a Cluster: "on".
const hibernation = "cnpg.io/hibernation"

// stop adds to a patch what ends the pods of an object and keeps its data.
func stop(patch map[string]any, id render.ID) {
	switch id.Kind {
	case "CronJob":
		patch["spec"] = map[string]any{"suspend": true}
	case "Cluster":
		patch["metadata"].(map[string]any)["annotations"] = map[string]any{hibernation: "on"}
	default:
		patch["spec"] = map[string]any{"replicas": 0}
	}
}

// takeBack removes what orphan left on an object that is declared again; its
// count comes back with the apply.
func (w *writing) takeBack(ctx context.Context, r resource, id render.ID) error {
	meta := map[string]any{"labels": map[string]any{render.LabelOrphanedAt: nil}}
	patch := map[string]any{"metadata": meta}
	switch id.Kind {
	case "CronJob":
		patch["spec"] = map[string]any{"suspend": false}
	case "Cluster":
		meta["annotations"] = map[string]any{hibernation: nil}
	}
	_, err := w.amend(ctx, r, id, types.MergePatchType, patch)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return wrap("take back", id, err)
}
