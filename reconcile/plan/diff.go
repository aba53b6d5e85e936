package plan

import (
	"reflect"
	"slices"
	"sort"
	"strconv"
)

// leafState is how one field of want stands in live.
type leafState int

const (
	same    leafState = iota
	changed           // both have it
	missing           // live lacks it
	dropped           // live lacks it, and in want it has its zero value
)

// leaf is one compared field: a scalar, a list without merge keys, or a
// subtree that live lacks.
type leaf struct {
	at         *place
	state      leafState
	want, live any
}

func (l leaf) change(secret bool) FieldChange {
	c := FieldChange{Path: pointerText(l.at.wantPointer()), Field: l.at.field()}
	masked := secret && l.at.secret()
	if c.Want = show(l.want); masked {
		c.Want = "«secret, changed»"
	}
	if l.state == changed || l.state == same {
		if c.Live = show(l.live); masked {
			c.Live = "«secret»"
		}
	}
	return c
}

// place is where a comparison stands. It has a token for either object, since
// an item of a list may stand at another index in each.
type place struct {
	up         *place
	want, live string
	label      string // "[web]" for the item of a list with merge keys; empty: ".want"
}

func (p *place) key(name string) *place { return &place{up: p, want: name, live: name} }

func (p *place) item(want, live int, label string) *place {
	if label == "" {
		label = strconv.Itoa(want)
	}
	return &place{up: p, want: strconv.Itoa(want), live: strconv.Itoa(live), label: "[" + label + "]"}
}

func (p *place) wantPointer() []string {
	if p == nil {
		return nil
	}
	return append(p.up.wantPointer(), p.want)
}

func (p *place) livePointer() []string {
	if p == nil {
		return nil
	}
	return append(p.up.livePointer(), p.live)
}

func (p *place) field() string {
	if p == nil {
		return ""
	}
	if p.label != "" {
		return p.up.field() + p.label
	}
	return joinField(p.up.field(), p.want)
}

// secret reports whether the values of a Secret stand here.
func (p *place) secret() bool { return secretPointer(p.wantPointer()) }

// compare visits every field of want, in the order of sorted keys, with how it
// stands in live. What only live has is no difference: the API server fills in
// defaults, controllers add their own. Lists are compared by Kubernetes' merge
// keys where their items have them (containers by name, ports by number and
// protocol), else item by item. Quantities and numbers are compared by value. A
// field that want sets to its zero value and live lacks is dropped, not missing:
// the API server leaves such fields out when it stores an object. apiVersion
// and kind are left out.
func compare(want, live map[string]any, visit func(leaf)) {
	want, live = withoutType(want), withoutType(live)
	compareMaps(nil, want, live, false, visit)
}

func withoutType(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for key, value := range object {
		if key != "apiVersion" && key != "kind" {
			out[key] = value
		}
	}
	return out
}

func compareMaps(at *place, want, live map[string]any, atomic bool, visit func(leaf)) {
	keys := make([]string, 0, len(want))
	for key := range want {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		value, has := live[key]
		here := at.key(key)
		if !has || value == nil {
			visit(absent(here, want[key]))
			continue
		}
		compareValues(here, want[key], value, atomic, visit)
	}
}

func absent(at *place, want any) leaf {
	if isZero(want) && !at.text() {
		return leaf{at: at, state: dropped, want: want}
	}
	return leaf{at: at, state: missing, want: want}
}

// compareValues compares two values that exist. Inside a list without merge
// keys, lists have none either: Kubernetes treats the outer one as a whole.
func compareValues(at *place, want, live any, atomic bool, visit func(leaf)) {
	switch w := want.(type) {
	case map[string]any:
		if l, ok := live.(map[string]any); ok {
			if len(w) == 0 {
				visit(leaf{at: at, want: want, live: live})
				return
			}
			compareMaps(at, w, l, atomic, visit)
			return
		}
	case []any:
		if l, ok := live.([]any); ok {
			compareLists(at, w, l, atomic, visit)
			return
		}
	default:
		if equalScalars(at, want, live) {
			visit(leaf{at: at, want: want, live: live})
			return
		}
	}
	visit(leaf{at: at, state: changed, want: want, live: live})
}

func compareLists(at *place, want, live []any, atomic bool, visit func(leaf)) {
	if !atomic {
		if at.want == "finalizers" {
			compareSets(at, want, live, visit)
			return
		}
		if keys, places := mergeKeys(at.want, want, live); keys != nil {
			for i, item := range want {
				id, _ := identity(item.(map[string]any), keys)
				match, ok := places[id]
				here := at.item(i, match, itemLabel(item, keys))
				if !ok {
					visit(leaf{at: here, state: missing, want: item})
					continue
				}
				compareValues(here, item, live[match], false, visit)
			}
			return
		}
	}
	if len(want) != len(live) {
		visit(leaf{at: at, state: changed, want: want, live: live})
		return
	}
	differs := false
	for i := range want {
		compareValues(at.item(i, i, ""), want[i], live[i], true, func(l leaf) {
			if l.state == changed || l.state == missing {
				differs = true
				visit(l)
			}
		})
	}
	if !differs {
		visit(leaf{at: at, want: want, live: live})
	}
}

// compareSets wants every item to be in live, in any order.
func compareSets(at *place, want, live []any, visit func(leaf)) {
	for i, item := range want {
		match := slices.IndexFunc(live, func(other any) bool { return reflect.DeepEqual(item, other) })
		here := at.item(i, match, "")
		if match < 0 {
			visit(leaf{at: here, state: missing, want: item})
			continue
		}
		visit(leaf{at: here, want: item, live: live[match]})
	}
}
