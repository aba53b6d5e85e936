package cluster

import (
	"bytes"
	"context"
	"encoding/json"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// takeOver makes the fields of listed managers ours, so that the apply that
// follows removes those that it does not name: a container that kubectl added
// survives a plain forced apply. It rewrites managedFields only, as client-go's
// csaupgrade does, but leaves the exempt fields with who has them.
func (w *writing) takeOver(ctx context.Context, r resource, id render.ID) error {
	metas := w.api.meta(r, id.Namespace)
	var err error
	for range 5 {
		request, cancel := bounded(ctx)
		var m *metav1.PartialObjectMetadata
		if m, err = metas.Get(request, id.Name, metav1.GetOptions{}); err == nil {
			entries, changed := w.o.takenOver(m.ManagedFields)
			if !changed {
				cancel()
				return nil
			}
			var patch []byte
			// Replacing the version, not testing it, makes a race a conflict.
			patch, err = json.Marshal([]map[string]any{
				{"op": "replace", "path": "/metadata/managedFields", "value": entries},
				{"op": "replace", "path": "/metadata/resourceVersion", "value": m.ResourceVersion},
			})
			if err == nil {
				w.wrote()
				_, err = metas.Patch(request, id.Name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: plan.Manager})
			}
		}
		cancel()
		if err == nil || apierrors.IsNotFound(err) {
			return nil
		}
		if !apierrors.IsConflict(err) {
			break
		}
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
