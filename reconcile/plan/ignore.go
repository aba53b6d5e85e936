package plan

import (
	"fmt"
	"maps"
	"strconv"

	"rondo.dev/rondo/render"
)

// Applied is o as it is applied: without the fields that ignore leaves alone.
// Its digest is the one that the inventory records. o itself is not changed;
// where no rule fits, the same body is returned.
//
// A field that was ours and is ignored from now on is released: the API server
// keeps its value only where another manager has it too.
func Applied(o render.Object, ignore []Ignore) render.Object {
	var rules *rule
	for _, i := range ignore {
		if i.Kind != "" && i.Kind != o.ID.Kind || i.Name != "" && i.Name != o.ID.Name {
			continue
		}
		for _, pointer := range i.Pointers {
			tokens := parsePointer(pointer)
			if tokens == nil || identifies(tokens) {
				continue // [Ignore.Check] refuses them
			}
			if rules == nil {
				rules = &rule{}
			}
			rules.add(tokens)
		}
	}
	if rules == nil {
		return o
	}
	if body, cut := without(o.Body, rules); cut {
		o.Body = body.(map[string]any)
	}
	return o
}

// Check refuses pointers that are none (RFC 6901), and those to what names an
// object or says whose it is.
func (i Ignore) Check() error {
	for _, pointer := range i.Pointers {
		switch tokens := parsePointer(pointer); {
		case tokens == nil:
			return fmt.Errorf("ignore: %q is not a JSON pointer such as /spec/replicas", pointer)
		case identifies(tokens):
			return fmt.Errorf("ignore: %q belongs to the identity of an object", pointer)
		}
	}
	return nil
}

// identifies reports whether an object would lose what names it, or whose it is.
func identifies(pointer []string) bool {
	switch {
	case pointer[0] == "apiVersion", pointer[0] == "kind":
		return true
	case pointer[0] != "metadata":
		return false
	case len(pointer) == 1:
		return true
	case pointer[1] == "labels":
		return len(pointer) == 2 || pointer[2] == render.LabelApp
	}
	return pointer[1] == "name" || pointer[1] == "namespace"
}

// rule is a tree of pointers, so that a body is walked once however many there are.
type rule struct {
	below map[string]*rule
	cut   bool
}

func (r *rule) add(tokens []string) {
	for _, token := range tokens {
		if r.below == nil {
			r.below = map[string]*rule{}
		}
		next := r.below[token]
		if next == nil {
			next = &rule{}
			r.below[token] = next
		}
		r = next
	}
	r.cut = true
}

// without copies v as far as rules change it, and reports whether they did.
func without(v any, r *rule) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		var out map[string]any
		for token, next := range r.below {
			inner, ok := v[token]
			if !ok {
				continue
			}
			smaller, changed := without(inner, next)
			if !changed && !next.cut {
				continue
			}
			if out == nil {
				out = maps.Clone(v)
			}
			if out[token] = smaller; next.cut {
				delete(out, token)
			}
		}
		if out == nil {
			return v, false
		}
		return out, true
	case []any:
		out, changed := make([]any, 0, len(v)), false
		for i, inner := range v {
			next := r.below[strconv.Itoa(i)]
			if next == nil {
				out = append(out, inner)
				continue
			}
			if next.cut {
				changed = true
				continue
			}
			smaller, cut := without(inner, next)
			changed = changed || cut
			out = append(out, smaller)
		}
		if !changed {
			return v, false
		}
		return out, true
	}
	return v, false
}
