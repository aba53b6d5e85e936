package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// races is how often what loses a race is tried again: a controller that rolls
// out writes the status several times in a second, for 2.5 seconds in all.
var races = wait.Backoff{Steps: 9, Duration: 10 * time.Millisecond, Factor: 2}

// takeOver makes the fields of listed managers ours, so that the apply that
// follows removes those that it does not name: a container that kubectl added
// survives a plain forced apply. It rewrites managedFields only, as client-go's
// csaupgrade does, but leaves the exempt fields with who has them.
func (w *writing) takeOver(ctx context.Context, r resource, id render.ID) error {
	metas := w.api.meta(r, id.Namespace)
	try := func(ctx context.Context) (done bool, err error) {
		ctx, cancel := bounded(ctx)
		defer cancel()
		m, err := metas.Get(ctx, id.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		entries, changed := w.o.takenOver(m.ManagedFields)
		if !changed {
			return true, nil
		}
		// Replacing the version, not testing it, makes a race a conflict.
		patch, err := json.Marshal([]map[string]any{
			{"op": "replace", "path": "/metadata/managedFields", "value": entries},
			{"op": "replace", "path": "/metadata/resourceVersion", "value": m.ResourceVersion},
		})
		if err != nil {
			return false, err
		}
		w.wrote()
		_, err = metas.Patch(ctx, id.Name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: plan.Manager})
		switch {
		case apierrors.IsConflict(err):
			return false, nil
		case apierrors.IsNotFound(err):
			return true, nil
		}
		return err == nil, err
	}
	err := wait.ExponentialBackoffWithContext(ctx, races, try)
	if wait.Interrupted(err) && ctx.Err() == nil {
		err = fmt.Errorf("others changed it each of the %d times it was tried", races.Steps)
	}
	return wrap("take over the fields of", id, err)
}

// takenOver moves what listed managers have into our entry, which is made when
// there is none.
func (o Options) takenOver(entries []metav1.ManagedFieldsEntry) (out []metav1.ManagedFieldsEntry, changed bool) {
	mine := metav1.ManagedFieldsEntry{Manager: plan.Manager, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1"}
	all := fieldpath.NewSet()
	if entry := ours(entries); entry != nil {
		mine = *entry
		if entry.FieldsV1 == nil || all.FromJSON(entry.FieldsV1.GetRawReader()) != nil {
			return entries, false
		}
	}
	for _, e := range entries {
		if e.Manager == mine.Manager && e.Operation == mine.Operation && e.Subresource == "" {
			continue
		}
		taken := o.foreign(e)
		if taken.Empty() {
			out = append(out, e)
			continue
		}
		changed = true
		if mine.APIVersion == "" {
			mine.APIVersion, mine.Time = e.APIVersion, e.Time
		}
		all = all.Union(taken)
		rest := fieldpath.NewSet()
		if err := rest.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
			continue
		}
		if rest = rest.Difference(taken); !rest.Empty() {
			if fields, err := fieldsV1(rest); err == nil {
				e.FieldsV1 = fields
				out = append(out, e)
			}
		}
	}
	if !changed {
		return entries, false
	}
	fields, err := fieldsV1(all)
	if err != nil {
		return entries, false
	}
	mine.FieldsV1 = fields
	return append(out, mine), true
}

func fieldsV1(set *fieldpath.Set) (*metav1.FieldsV1, error) {
	text, err := set.ToJSON()
	if err != nil {
		return nil, err
	}
	fields := metav1.NewFieldsV1(string(bytes.TrimSpace(text)))
	return fields, nil
}
