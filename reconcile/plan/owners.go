package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// owned is one entry of metadata.managedFields: the fields that a manager has.
type owned struct {
	Manager     string
	Operation   string // "Apply" or "Update"
	Subresource string // "scale", "status"; empty: the object itself
	Fields      *fieldpath.Set
}

// String names the manager, and the subresource it used: "kubectl (scale)".
func (o owned) String() string {
	switch {
	case o.Subresource != "":
		return o.Manager + " (" + o.Subresource + ")"
	case o.posing():
		return o.Manager + " (by hand)"
	default:
		return o.Manager
	}
}

// posing reports whether somebody else wrote under one of rondo's names: rondo
// itself only applies.
func (o owned) posing() bool {
	return o.Operation == "Update" && (o.Manager == Manager || o.Manager == SeedManager)
}

// rondos reports whether the entry is of rondo's own applies.
func (o owned) rondos() bool {
	return o.Operation == "Apply" && o.Subresource == "" && (o.Manager == Manager || o.Manager == SeedManager)
}

// owners reads metadata.managedFields; entries that cannot be read are left out.
func owners(live map[string]any) []owned {
	meta, _ := live["metadata"].(map[string]any)
	entries, _ := meta["managedFields"].([]any)
	var out []owned
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		raw, err := json.Marshal(entry["fieldsV1"])
		if err != nil {
			continue
		}
		set := fieldpath.NewSet()
		if err := set.FromJSON(bytes.NewReader(raw)); err != nil {
			continue
		}
		o := owned{Fields: set}
		o.Manager, _ = entry["manager"].(string)
		o.Operation, _ = entry["operation"].(string)
		o.Subresource, _ = entry["subresource"].(string)
		out = append(out, o)
	}
	return out
}

// managersOf names which of all have the field at pointer of live, sorted and
// separated by commas; empty when nobody has it. A field inside a list or map
// that is owned as a whole belongs to the owner of the whole.
func managersOf(all []owned, live map[string]any, pointer []string) string {
	var names []string
	for _, o := range all {
		if owns(o.Fields, live, pointer) {
			names = append(names, o.String())
		}
	}
	sort.Strings(names)
	return strings.Join(slices.Compact(names), ", ")
}

// owns reports whether set holds the field of object at pointer, or something
// below it.
func owns(set *fieldpath.Set, object any, pointer []string) bool {
	for _, token := range pointer {
		step, next, ok := elementOf(set, object, token)
		switch {
		case !ok:
			return false
		case set.Members.Has(step) && !hasChildren(set, step):
			return true // owned as a whole
		}
		set, object = set.Children.Descend(step), next
	}
	return !set.Empty()
}

func hasChildren(set *fieldpath.Set, step fieldpath.PathElement) bool {
	_, ok := set.Children.Get(step)
	return ok
}

// elementOf finds the element of set that token leads to, and the value there.
func elementOf(set *fieldpath.Set, object any, token string) (step fieldpath.PathElement, next any, ok bool) {
	list, isList := object.([]any)
	if !isList {
		m, _ := object.(map[string]any)
		step = fieldpath.FieldNameElement(token)
		return step, m[token], set.Members.Has(step) || hasChildren(set, step)
	}
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 || i >= len(list) {
		return step, nil, false
	}
	for _, candidates := range []func(func(fieldpath.PathElement)){set.Children.Iterate, set.Members.Iterate} {
		candidates(func(e fieldpath.PathElement) {
			if !ok && stands(e, list[i], i) {
				step, ok = e, true
			}
		})
	}
	return step, list[i], ok
}

// stands reports whether e selects item, which stands at index i of its list.
func stands(e fieldpath.PathElement, item any, i int) bool {
	switch {
	case e.Index != nil:
		return *e.Index == i
	case e.Value != nil:
		return value.Equals(*e.Value, value.NewValueInterface(item))
	case e.Key != nil:
		m, ok := item.(map[string]any)
		if !ok {
			return false
		}
		for _, field := range *e.Key {
			have, ok := m[field.Name]
			if !ok && field.Name == "protocol" {
				have, ok = "TCP", true
			}
			if !ok || !sameKey(field.Value, have) {
				return false
			}
		}
		return true
	}
	return false
}

// sameKey compares a value of a merge key; numbers may be int64 or float64.
func sameKey(key value.Value, have any) bool {
	a, aok := number(key.Unstructured())
	b, bok := number(have)
	if aok && bok {
		return a == b
	}
	return reflect.DeepEqual(key.Unstructured(), have)
}

// foreign gives the fields in live that managers matching one of patterns have
// in the object itself or its scale, and those that somebody wrote under
// rondo's own name. They are taken over (design 3.7), but for the mark of
// "kubectl rollout restart", and for spec.replicas where the count is seeded.
func foreign(live map[string]any, patterns []string, seeded bool) []owned {
	exempt := fieldpath.NewSet()
	for mark := restartMark(); len(mark) > 2; mark = mark[:len(mark)-1] {
		exempt.Insert(mark) // with the maps that were made for it
	}
	if seeded {
		exempt.Insert(replicas())
	}
	var out []owned
	for _, o := range owners(live) {
		if o.Subresource == "status" || !o.posing() && !matches(patterns, o.Manager) {
			continue
		}
		if o.Fields = o.Fields.Difference(exempt); !o.Fields.Empty() {
			out = append(out, o)
		}
	}
	return out
}

func restartMark() fieldpath.Path {
	return fieldpath.MakePathOrDie("spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt")
}

func replicas() fieldpath.Path { return fieldpath.MakePathOrDie("spec", "replicas") }

// matches reports whether name is one of patterns.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return err == nil && ok
	})
}

// Canonical writes JSON in the one form that Go gives it, keys sorted; what is
// no JSON stays as it is.
func Canonical(raw []byte) []byte {
	var fields any
	if json.Unmarshal(raw, &fields) != nil {
		return raw
	}
	out, err := json.Marshal(fields)
	if err != nil {
		return raw
	}
	return out
}

// FieldsHash is the [Mark.Fields] of an entry of managedFields, from its
// fieldsV1 as JSON and its time as text (RFC 3339, as the API server writes it).
// It does not depend on the order of keys.
func FieldsHash(fieldsV1 []byte, at string) string {
	sum := sha256.New()
	sum.Write(Canonical(fieldsV1))
	sum.Write([]byte("\x00" + at))
	return hex.EncodeToString(sum.Sum(nil)[:12])
}
