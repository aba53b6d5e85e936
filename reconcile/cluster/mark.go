package cluster

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"rondo.dev/rondo/reconcile/plan"
)

// markOf is the mark of an object as it is now, without Values.
func markOf(m metav1.Object) plan.Mark {
	return plan.Mark{
		UID:        string(m.GetUID()),
		Fields:     fieldsHash(m.GetManagedFields()),
		Generation: m.GetGeneration(),
		Version:    m.GetResourceVersion(),
	}
}

// fullMark is the mark of an object whose body is at hand.
func fullMark(u *unstructured.Unstructured, key []byte) plan.Mark {
	mark := markOf(u)
	mark.Values = valuesHash(key, u)
	return mark
}

// ours finds the entry that our applies own.
func ours(entries []metav1.ManagedFieldsEntry) *metav1.ManagedFieldsEntry {
	for i, e := range entries {
		if e.Manager == plan.Manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" {
			return &entries[i]
		}
	}
	return nil
}

// fieldsHash is a hash of fieldsV1 and time of our entry; "none" without one.
func fieldsHash(entries []metav1.ManagedFieldsEntry) string {
	entry := ours(entries)
	if entry == nil || entry.FieldsV1 == nil {
		return "none"
	}
	var at string
	if entry.Time != nil {
		at = entry.Time.UTC().Format(time.RFC3339)
	}
	return plan.FieldsHash(entry.FieldsV1.GetRawBytes(), at)
}

// valuesHash is a keyed hash of the values that the fields of our entry have in
// u; empty where we have none. Secrets are hashed the same way, hence the key.
func valuesHash(key []byte, u *unstructured.Unstructured) string {
	entry := ours(u.GetManagedFields())
	if entry == nil || entry.FieldsV1 == nil {
		return ""
	}
	var fields map[string]any
	if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
		return ""
	}
	if written, ok := fields["f:stringData"]; ok && u.GetKind() == "Secret" {
		// The API server stores what was written there under data, and leaves the
		// ownership where it was.
		data, _ := fields["f:data"].(map[string]any)
		both := maps.Clone(data)
		if both == nil {
			both = map[string]any{}
		}
		inner, _ := written.(map[string]any)
		maps.Copy(both, inner)
		fields["f:data"] = both
	}
	mac := hmac.New(sha256.New, key)
	project(mac, fields, u.Object)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// project writes the parts of v that fields name, in the order of their names.
// The form of fields is that of metav1.FieldsV1.
func project(w hash.Hash, fields map[string]any, v any) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name == "." {
			continue
		}
		inner, _ := fields[name].(map[string]any)
		element, found := child(v, name)
		fmt.Fprintf(w, "%q:", name)
		switch {
		case !found:
			w.Write([]byte("absent;"))
		case len(inner) > 0:
			w.Write([]byte("{"))
			project(w, inner, element)
			w.Write([]byte("}"))
		default:
			// What came from JSON encodes to JSON again.
			text, _ := json.Marshal(element)
			w.Write(text)
			w.Write([]byte(";"))
		}
	}
}

// child finds what one path element names: a field, an item of a list by its
// keys, by its value, or by its index.
func child(v any, name string) (any, bool) {
	form, rest, _ := strings.Cut(name, ":")
	switch form {
	case "f":
		object, _ := v.(map[string]any)
		element, ok := object[rest]
		return element, ok
	case "k":
		var keys map[string]any
		if json.Unmarshal([]byte(rest), &keys) != nil {
			return nil, false
		}
		list, _ := v.([]any)
		for _, item := range list {
			if object, _ := item.(map[string]any); hasKeys(object, keys) {
				return item, true
			}
		}
	case "v":
		list, _ := v.([]any)
		for _, item := range list {
			if text, err := json.Marshal(item); err == nil && bytes.Equal(text, plan.Canonical([]byte(rest))) {
				return item, true
			}
		}
	case "i":
		list, _ := v.([]any)
		if i, err := strconv.Atoi(rest); err == nil && i >= 0 && i < len(list) {
			return list[i], true
		}
	}
	return nil, false
}

func hasKeys(object, keys map[string]any) bool {
	for k, want := range keys {
		got, ok := object[k]
		// Numbers differ in their Go type by where they come from.
		if !ok || fmt.Sprint(got) != fmt.Sprint(want) {
			return false
		}
	}
	return object != nil
}

// exempt are the fields that listed managers may keep: a restart on request is
// no drift (design 3.7), and a count that they changed shows in our own fields,
// or belongs to rondo-seed.
var exempt = fieldpath.NewSet(
	fieldpath.MakePathOrDie("spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"),
	fieldpath.MakePathOrDie("spec", "template", "metadata", "annotations"),
	fieldpath.MakePathOrDie("spec", "template", "metadata"),
	fieldpath.MakePathOrDie("spec", "replicas"),
)

// foreign is what the entry of a listed manager has beyond the exempt; empty
// for others, and for what is written through status.
func (o Options) foreign(e metav1.ManagedFieldsEntry) *fieldpath.Set {
	set := fieldpath.NewSet()
	// What bears our name without being an apply is not ours: rondo only applies.
	posing := e.Operation == metav1.ManagedFieldsOperationUpdate && (e.Manager == plan.Manager || e.Manager == plan.SeedManager)
	if e.FieldsV1 == nil || e.Subresource == "status" || !posing && !o.listed(e.Manager) ||
		set.FromJSON(e.FieldsV1.GetRawReader()) != nil {
		return fieldpath.NewSet()
	}
	return set.Difference(exempt)
}

// listed reports whether the fields of a manager are taken over.
func (o Options) listed(manager string) bool {
	return slices.ContainsFunc(o.TakeOver, func(pattern string) bool {
		ok, err := path.Match(pattern, manager)
		return err == nil && ok
	})
}

// foreignHash sums up what listed managers have; empty: nothing.
func (o Options) foreignHash(entries []metav1.ManagedFieldsEntry) string {
	sum, some := sha256.New(), false
	for _, e := range entries {
		if o.foreign(e).Empty() {
			continue
		}
		some = true
		sum.Write([]byte(e.Manager))
		sum.Write(plan.Canonical(e.FieldsV1.GetRawBytes()))
	}
	if !some {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
