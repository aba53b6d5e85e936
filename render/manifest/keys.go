package manifest

import (
	"cmp"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// keyer makes the list of leaf keys with what the table of options says about
// each (spec 0.4). It follows the table through the tree by itself, so that no
// key is missing from the list because some reader forgot it; what readers found
// out about single values is added by [render.Mark].
//
// A leaf is a scalar, a list of scalars, or an empty list or mapping. In any
// other list each item counts by itself.
type keyer struct {
	incomplete bool
	strict     bool
	keys       []render.Key
	// tables holds the keys inside an option, by the path of the option: services
	// share theirs.
	tables map[string][]Option
}

// keysOf lists the leaf keys of a tree.
func (r *reader) keysOf(tree *node) []render.Key {
	k := &keyer{incomplete: r.o.Incomplete, strict: r.strict, tables: map[string][]Option{}}
	k.fields(tree, "", "", &Option{}, topLevel(), fate{render.Applied, ""})
	for _, f := range r.double {
		k.leaf(f.pos, f.key, fate{render.Applied, ""})
	}
	slices.SortStableFunc(k.keys, func(a, b render.Key) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return k.keys
}

// fate is what becomes of a key and, unless something else is told, of the keys
// below it.
type fate struct {
	disposition render.Disposition
	code        string
}

func (k *keyer) leaf(pos sources.Position, path string, f fate) {
	k.keys = append(k.keys, render.Key{Pos: pos, Path: path, Disposition: f.disposition, Code: f.code})
}

// fields goes through a mapping along the table inside an option. Row is the
// path of the table: without names that users choose, and without indexes.
func (k *keyer) fields(n *node, path, row string, outer *Option, table []Option, f fate) {
	for _, field := range n.fields {
		at := join(path, shown(field.key))
		o := find(table, field.key)
		if o == nil && outer.Open {
			k.value(field.pos, field.value, at, "", nil, false, f)
			continue
		}
		inner := k.fate(o, field, at, f)
		if inner.disposition == render.Unknown {
			o = nil
		}
		k.value(field.pos, field.value, at, join(row, field.key), o, o != nil && o.Named, inner)
	}
}

// value goes on with one value; o is the row that governs it, nil for none.
// Named says that the keys of a mapping are names.
func (k *keyer) value(pos sources.Position, n *node, path, row string, o *Option, named bool, f fate) {
	table := k.table(o, row)
	switch {
	case n.shape == List && slices.ContainsFunc(n.items, func(item *node) bool { return item.shape != Text }):
		for i, item := range n.items {
			// Items of a list are the values themselves or, as in databases, names
			// with a value each.
			at := path + "[" + itoa(i) + "]"
			if table != nil && item.shape == Mapping && len(item.fields) > 0 && (!named || knows(table, item)) {
				k.fields(item, at, row, o, table, f)
			} else {
				k.value(item.pos, item, at, row, o, named, f)
			}
		}
	case n.shape != Mapping || len(n.fields) == 0:
		k.leaf(pos, path, f)
	case table != nil && !named && (o.Shape&List == 0 || o.Open || knows(table, n)):
		k.fields(n, path, row, o, table, f)
	default: // names that users choose; also those of items that could be a list
		for _, field := range n.fields {
			at := join(path, shown(field.key))
			if named && o != nil && o.of != nil {
				table = o.of(field.key)
			}
			if table != nil && field.value.shape == Mapping && len(field.value.fields) > 0 {
				k.fields(field.value, at, row+"."+variant(o, field.key), o, table, f)
			} else {
				k.value(field.pos, field.value, at, row, o, false, f)
			}
		}
	}
}

// variant is what tells the table of a name from those of others.
func variant(o *Option, name string) string {
	if o.of == nil {
		return ""
	}
	return name
}

// knows reports whether a mapping has a key of the table.
func knows(table []Option, n *node) bool {
	return slices.ContainsFunc(n.fields, func(f field) bool { return find(table, f.key) != nil })
}

func (k *keyer) table(o *Option, row string) []Option {
	if o == nil || o.Keys == nil {
		return nil
	}
	if _, ok := k.tables[row]; !ok {
		k.tables[row] = o.Keys()
	}
	return k.tables[row]
}

// fate is what the row of a key says, under the fate of the mapping around it.
func (k *keyer) fate(o *Option, field field, path string, around fate) fate {
	inert := field.value.isEmpty() || o != nil && field.value.shape == Text && slices.Contains(o.Inert, field.value.text)
	switch {
	case o == nil || o.Disposition == render.Unknown:
		code := "W-KEY-UNKNOWN"
		if k.strict || strings.HasPrefix(path, "services.") {
			code = "E-KEY-UNKNOWN"
		}
		return fate{render.Unknown, code}
	case around.disposition == render.Rejected || around.disposition == render.NotApplicable:
		return around
	case o.NotBuilt && !inert && k.incomplete:
		return fate{render.NotApplicable, "W-NOT-BUILT"}
	case o.NotBuilt && !inert:
		return fate{render.Rejected, "E-NOT-BUILT"}
	case o.Disposition == render.Rejected && inert:
		return fate{render.Applied, ""}
	case o.Disposition == render.Rejected:
		return fate{render.Rejected, o.Code}
	case o.Disposition == render.NotApplicable:
		return fate{render.NotApplicable, "W-NOT-APPLICABLE"}
	case o.Disposition == render.Deprecated:
		return fate{render.Deprecated, cmp.Or(o.Code, "W-DEPRECATED")}
	case o.Disposition == render.Translated:
		return fate{render.Translated, "I-TRANSLATED"}
	}
	return fate{o.Disposition, ""}
}
