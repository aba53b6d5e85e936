package manifest

import (
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// walk compares the keys of n with a table: it reports each key by its
// disposition, checks the forms of values and stores those that are read.
func (r *reader) walk(n *node, p place, options []Option) {
	var idle inapplicable
	p.hollow = nil
	for _, f := range n.fields {
		o := find(options, f.key)
		if o == nil || o.Disposition == render.Unknown {
			r.unknown(f, p, o, options)
			continue
		}
		p.hollow = nil
		if f.value.isNull() && o.Shape&Mapping != 0 {
			p.hollow = o
		}
		at := p.key(o.Name)
		if f.value.isNull() || !r.fits(f.value, at, o) {
			continue
		}
		if o.Version && f.value.plain && f.value.tag == "!!float" {
			r.fault(f.value, at, "I-VERSION-QUOTE", "reads like a decimal number", "put the version in quotes")
		}
		if !p.quiet {
			if o.check != nil {
				o.check(r, f.value, at)
			}
			if !r.dispose(f, &at, o, &idle) {
				continue
			}
		}
		if o.at != nil {
			*o.at = f.value
			if !p.quiet {
				continue // whoever reads it goes on with its keys
			}
		}
		if o.Keys != nil {
			r.descend(f.value, at, o, options)
		}
	}
	idle.report(r, p)
}

// dispose tells what becomes of a key. It is false when its value is of no
// interest, and makes at quiet when only misspelt keys inside are.
func (r *reader) dispose(f field, at *place, o *Option, idle *inapplicable) bool {
	inert := f.value.shape == Text && slices.Contains(o.Inert, f.value.text)
	switch {
	case o.NotBuilt && (inert || f.value.isEmpty()):
		return false
	case o.NotBuilt && o.at == nil: // else whoever reads it tells
		r.notBuilt(f.pos, *at, at.String(), o.Hint)
		at.quiet = true
	case o.Disposition == render.NotApplicable:
		idle.add(f, o.Hint)
		at.quiet = true
	case o.Disposition == render.Rejected:
		if !inert {
			r.add(f.pos, at.path, o.Code, at.String()+" is not supported", o.Hint)
		}
		return false
	case o.Code == "W-KEY-MOVED":
		r.fault(f.value, *at, o.Code, "stands one level too deep", o.Hint)
	case o.Disposition == render.Translated && o.Hint != "":
		r.add(f.pos, at.path, "I-TRANSLATED", at.String()+" becomes "+o.Hint, "")
	case o.Disposition == render.Deprecated:
		r.add(f.pos, at.path, "W-DEPRECATED", at.String()+" is deprecated", o.Hint)
	}
	return true
}

// inapplicable gathers the keys of one mapping that have no meaning here, to
// tell them in one Problem: a described server has ten.
type inapplicable struct {
	fields []field
	hint   string
}

func (idle *inapplicable) add(f field, hint string) {
	if len(idle.fields) > 0 && idle.hint != hint {
		hint = ""
	}
	idle.fields, idle.hint = append(idle.fields, f), hint
}

func (idle *inapplicable) report(r *reader, p place) {
	if len(idle.fields) == 0 {
		return
	}
	names := make([]string, len(idle.fields))
	for i, f := range idle.fields {
		names[i] = f.key
	}
	what := list(names, 8) + " " + plural(len(names), "has", "have") + " no effect here"
	if s := p.String(); s != "" {
		what = s + ": " + what
	}
	hint := idle.hint
	if hint == "" {
		hint = "remove it; the cluster has its own servers"
	}
	r.add(idle.fields[0].pos, p.key(names[0]).path, "W-NOT-APPLICABLE", what, hint)
}

// descend goes on with the keys inside a value, whichever form it has.
func (r *reader) descend(n *node, p place, o *Option, outer []Option) {
	p.outer = outer
	switch {
	case n.shape == List:
		for i, item := range n.items {
			if item.shape == Mapping {
				r.walk(item, p.index(i), o.Keys())
			}
		}
	case n.shape == Mapping && o.Named:
		for _, f := range n.fields {
			if f.value.shape == Mapping {
				r.walk(f.value, p.key(f.key), o.Keys())
			}
		}
	case n.shape == Mapping:
		r.walk(n, p, o.Keys())
	}
}

// fits checks the form of a value, and its word where only some are accepted.
func (r *reader) fits(n *node, p place, o *Option) bool {
	ok := n.shape&o.Shape != 0
	if n.shape == Text && !ok {
		_, isBool := boolean(n)
		_, isInt := integer(n)
		ok = o.Shape&Bool != 0 && isBool || o.Shape&Integer != 0 && isInt
	}
	if !ok {
		fix := "write " + expected(o)
		if o.Shape == Mapping && n.shape == Text {
			fix = "write key: value pairs below it; a colon or a space may be missing"
		}
		r.fault(n, p, "E-TYPE", "is %s, not %s", fix, form(n), o.Shape)
		return false
	}
	if n.shape == Text && len(o.Words) > 0 && !slices.Contains(o.Words, n.text) {
		if _, isBool := boolean(n); !(isBool && o.Shape&Bool != 0) {
			fix := "write one of " + strings.Join(o.Words, ", ")
			if o.Shape&Mapping != 0 && o.Accepted != "" {
				fix = "write " + o.Accepted
			}
			r.fault(n, p, "E-VALUE", "has a value that does not exist", fix)
			return false
		}
	}
	return true
}

func expected(o *Option) string {
	if o.Accepted != "" {
		return o.Accepted
	}
	return o.Shape.String()
}

// form names what n is, without its value.
func form(n *node) string {
	switch {
	case n.shape == List:
		return "a list"
	case n.shape == Mapping:
		return "a mapping"
	case n.isNull():
		return "empty"
	}
	if _, ok := integer(n); ok {
		return "a number"
	}
	if _, ok := boolean(n); ok {
		return "true or false"
	}
	return "text"
}

// unknown reports a key that the table does not have, with what its author is
// likely to have meant.
func (r *reader) unknown(f field, p place, o *Option, options []Option) {
	code, found := "W-KEY-UNKNOWN", r.others
	if p.firm {
		code, found = "E-KEY-UNKNOWN", r.errors
	}
	what := "unknown key " + shown(f.key)
	if s := p.String(); s != "" {
		what = s + ": " + what
	}
	fix := ""
	if found < maxProblems { // what is not kept needs no search
		fix = r.meant(f, p, o, options)
	}
	r.add(f.pos, p.key(f.key).path, code, what, fix)
}

func (r *reader) meant(f field, p place, o *Option, options []Option) string {
	switch {
	case p.hollow != nil && (p.hollow.Keys == nil || p.hollow.Named || find(p.hollow.Keys(), f.key) != nil):
		return "indent it below " + p.hollow.Name + ":"
	case o != nil:
		return o.Hint
	case p.path == "" && strings.EqualFold(f.key, r.o.Environment):
		return "write services: or another key of a manifest below it"
	case strings.Contains(f.key, ":") && f.value.isNull():
		return "write key: value, with a space after the colon"
	case len(f.key) > 1 && f.key == strings.ToUpper(f.key) && find(options, "env_vars") != nil:
		return "indent variables below env_vars:"
	}
	if find(options, "services") != nil && f.value != nil {
		if isService(f.value) {
			return "indent it below services:"
		}
		for _, inner := range f.value.fields {
			if isService(inner.value) {
				return "write services: between it and " + shown(inner.key) + ":"
			}
		}
	}
	if near := Nearest(f.key, names(options)); near != "" {
		return "write " + near
	}
	if near := Nearest(f.key, hinted(options)); near != "" {
		return find(options, near).Hint
	}
	if o := find(p.outer, f.key); o != nil && o.Disposition != render.Unknown {
		return "indent it less: " + f.key + " belongs one level up"
	}
	if inner := r.holder(f.key, options); inner != "" {
		return "move it under " + inner + ":"
	}
	if known := names(options); len(known) <= 12 {
		return "remove it; known here: " + strings.Join(known, ", ")
	}
	return "remove it; there is no such option"
}

// isService reports whether n can be nothing else.
func isService(n *node) bool { return n.get("image") != nil || n.get("git_url") != nil }

// holder is the one option, the next or one below it, whose keys have this name;
// empty where none or several do.
func (r *reader) holder(key string, options []Option) string {
	if len(options) == 0 {
		return ""
	}
	if r.holders[&options[0]] == nil {
		if r.holders == nil {
			r.holders = map[*Option]map[string][]string{}
		}
		r.holders[&options[0]] = holders(options)
	}
	found := r.holders[&options[0]][key]
	// docker stands for rails and the others, whose settings are the same.
	if len(found) == 0 || len(found) > 1 && !strings.HasPrefix(found[0], "docker.") {
		return ""
	}
	if named, ok := strings.CutSuffix(found[0], ".<name>"); ok {
		return "a name below " + named
	}
	return found[0]
}

// holders are, for each key inside of options, the paths of those that have it:
// of the next ones, or else of those one below.
func holders(options []Option) map[string][]string {
	all := map[string][]string{}
	tables := []table{{keys: options}}
	for range 2 {
		tables = inside(tables)
		found := map[string][]string{}
		for _, t := range tables {
			for i := range t.keys {
				if o := &t.keys[i]; o.Disposition != render.Unknown && !o.NotBuilt && !o.Extension {
					found[o.Name] = append(found[o.Name], t.path)
				}
			}
		}
		for key, paths := range found {
			if all[key] == nil {
				all[key] = paths
			}
		}
	}
	return all
}

// table is the keys of an option, and the path to it.
type table struct {
	path string
	keys []Option
}

// inside are the tables of the options of others. What is not built yet is no
// advice.
func inside(outer []table) (out []table) {
	for _, t := range outer {
		for i := range t.keys {
			o := &t.keys[i]
			if o.Keys == nil || o.NotBuilt {
				continue
			}
			path := join(t.path, o.Name)
			if o.Named {
				path += ".<name>"
			}
			out = append(out, table{path, o.Keys()})
		}
	}
	return out
}

// names lists the keys that exist.
func names(options []Option) []string {
	out := make([]string, 0, len(options))
	for i := range options {
		if options[i].Disposition != render.Unknown {
			out = append(out, options[i].Name)
		}
	}
	return out
}

// hinted lists the keys that do not exist but have a hint.
func hinted(options []Option) []string {
	var out []string
	for i := range options {
		if options[i].Disposition == render.Unknown {
			out = append(out, options[i].Name)
		}
	}
	return out
}

// list joins the first few names.
func list(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:limit], ", ") + " and " + itoa(len(names)-limit) + " more"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
