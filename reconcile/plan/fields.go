package plan

import (
	"sort"
	"strconv"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// comparison is one object of a bundle beside the same object in the cluster.
type comparison struct {
	want, live map[string]any
	dryRun     map[string]any // nil: not asked
	owners     []owned
	secret     bool
	seeded     bool
	patterns   []string // managers whose fields are taken over
	// ownership: fields that another manager has taken count, also with the
	// value that was wanted.
	ownership bool
}

// fields lists what an apply would change, sorted by place: the fields of want
// that differ, and the fields that would go because nobody asks for them any more.
func (w *comparison) fields() []FieldChange {
	applied := w.ours() != nil
	given := w.want
	if w.dryRun != nil {
		w.want, _ = stored("", w.want, w.dryRun).(map[string]any)
	}
	var out []FieldChange
	compare(w.want, w.live, func(l leaf) {
		switch l.state {
		case dropped:
			// The API server leaves zero values out. Somebody else did where the
			// field is no longer ours.
			if !w.ownership || !applied || w.hasWanted(l.at.wantPointer()) {
				return
			}
			l.state = missing
		case same:
			if !w.ownership || !applied || w.has(l.at.livePointer()) || w.taker(l.at.livePointer()) == "" {
				return
			}
		}
		c := l.change(w.secret)
		if l.state != missing {
			c.Manager = w.taker(l.at.livePointer())
		}
		out = append(out, c)
	})
	if applied || w.dryRun != nil {
		out = append(out, w.removals(withoutType(given))...)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Path < out[j].Path })
	return out
}

// ours is the set of fields of our own applies; nil before the first.
func (w *comparison) ours() *fieldpath.Set {
	for _, o := range w.owners {
		if o.rondos() && o.Manager == Manager {
			return o.Fields
		}
	}
	return nil
}

// has reports whether the field at pointer of live is ours.
func (w *comparison) has(pointer []string) bool {
	set := w.ours()
	return set != nil && owns(set, w.live, pointer)
}

// hasWanted is has for a field that live lacks.
func (w *comparison) hasWanted(pointer []string) bool {
	set := w.ours()
	return set != nil && owns(set, w.want, pointer)
}

// taker names the others who have the field at pointer of live.
func (w *comparison) taker(pointer []string) string {
	var others []owned
	for _, o := range w.owners {
		if !o.rondos() {
			others = append(others, o)
		}
	}
	return managersOf(others, w.live, pointer)
}

// removals are the fields that we, or managers that are taken over, have in
// live and want lacks. A list item goes as one.
func (w *comparison) removals(want map[string]any) []FieldChange {
	sets := foreign(w.live, w.patterns, w.seeded)
	if ours := w.ours(); ours != nil {
		if w.seeded {
			ours = ours.Difference(fieldpath.NewSet(replicas()))
		}
		sets = append(sets, owned{Fields: ours})
	}
	seen := map[string]bool{}
	var out []FieldChange
	for _, o := range sets {
		o.Fields.Leaves().Iterate(func(path fieldpath.Path) {
			c, ok := removal(path, want, w.live, w.dryRun, w.secret)
			if !ok || seen[c.Path] {
				return
			}
			seen[c.Path] = true
			c.Manager = o.String()
			out = append(out, c)
		})
	}
	return out
}

// removal describes the field at path when live has it and want does not. With
// a dry-run it counts only when the API server would really drop it.
func removal(path fieldpath.Path, want, live, dry map[string]any, secret bool) (FieldChange, bool) {
	var here, wanted any = live, want
	var pointer []string
	var field string
	absent := false
	for i, e := range path {
		next, token, label, ok := step(here, e)
		if !ok {
			return FieldChange{}, false
		}
		here, pointer = next, append(pointer, token)
		if label == "" {
			field = joinField(field, token)
		} else {
			field += "[" + label + "]"
		}
		if !absent {
			wanted, _, _, ok = step(wanted, e)
			absent = !ok
		}
		if absent && e.FieldName == nil {
			path = path[:i+1] // the item goes as one
			break
		}
	}
	if !absent || noise(pointer) || dry != nil && reaches(dry, path) {
		return FieldChange{}, false
	}
	c := FieldChange{Path: pointerText(pointer), Field: field, Live: show(here)}
	if secret && secretPointer(pointer) {
		c.Live = "«secret»"
	}
	return c, true
}

func reaches(object any, path fieldpath.Path) bool {
	for _, e := range path {
		next, _, _, ok := step(object, e)
		if !ok {
			return false
		}
		object = next
	}
	return true
}

// noise reports whether a removed field is kept from people: kubectl's copy of
// the object goes with the first apply and tells nothing (threats T24).
func noise(pointer []string) bool {
	if len(pointer) >= 2 && pointer[0] == "metadata" && pointer[1] == "annotations" {
		return len(pointer) == 2 || pointer[2] == "kubectl.kubernetes.io/last-applied-configuration"
	}
	return false
}

// step follows one element of a path; label names the item of a list.
func step(v any, e fieldpath.PathElement) (next any, token, label string, ok bool) {
	if e.FieldName != nil {
		m, _ := v.(map[string]any)
		next, ok = m[*e.FieldName]
		return next, *e.FieldName, "", ok
	}
	list, _ := v.([]any)
	for i, item := range list {
		if stands(e, item, i) {
			return item, strconv.Itoa(i), elementLabel(e, i), true
		}
	}
	return nil, "", "", false
}

func elementLabel(e fieldpath.PathElement, i int) string {
	if e.Key == nil {
		return strconv.Itoa(i)
	}
	item := map[string]any{}
	var keys []string
	for _, f := range *e.Key {
		item[f.Name] = f.Value.Unstructured()
		keys = append(keys, f.Name)
	}
	return itemLabel(item, keys)
}

// stored gives want with the values that the API server would store, so that
// what it rewrites or drops is no difference.
func stored(name string, want, dry any) any {
	switch w := want.(type) {
	case map[string]any:
		d, ok := dry.(map[string]any)
		if !ok {
			return dry
		}
		out := make(map[string]any, len(w))
		for key, value := range w {
			if kept, ok := d[key]; ok {
				out[key] = stored(key, value, kept)
			}
		}
		return out
	case []any:
		d, ok := dry.([]any)
		keys, places := mergeKeys(name, w, d)
		if !ok || keys == nil {
			return dry
		}
		out := make([]any, 0, len(w))
		for _, item := range w {
			id, _ := identity(item.(map[string]any), keys)
			if i, ok := places[id]; ok {
				out = append(out, stored("", item, d[i]))
			}
		}
		return out
	}
	return dry
}
