package manifest

import (
	"math"
	"slices"
	"strings"
)

// placementOf reads on which nodes the Pods of s run (spec 2.11 rules 5 to 7).
func (r *reader) placementOf(s *service, out *Service) {
	at, constraints, place := s.place.key("placement"), s.place.key("constraints"), &out.Pod.Placement
	for i, item := range items(either(s.servers.names, s.movedServers.names)) {
		p := constraints.key("servers").key("names").index(i)
		if name := r.nameOf(item, p, s, "a node"); name != "" {
			place.Nodes = append(place.Nodes, name)
		}
	}
	place.Tags = r.nodeTags(either(s.servers.tags, s.movedServers.tags), constraints.key("servers").key("tags"), s)
	place.Tolerations = r.tolerationsOf(either(s.tolerations, s.movedTolerations), constraints.key("tolerations"), s)
	r.spreadOf(s, out, at.key("spread"))
	place.Priority = r.nameOf(s.placement.priority, at.key("priority_class"), s, "a PriorityClass")
	if strings.HasPrefix(place.Priority, "system-") {
		r.allowed(s.placement.priority, at.key("priority_class"), "asks for the priority of the cluster's own pods")
	}
	for _, tag := range r.nodeTags(s.placement.selector, at.key("node_selector"), s) {
		if place.Selector == nil {
			place.Selector = map[string]string{}
		}
		place.Selector[tag.Key] = tag.Value
	}
	for i, item := range items(s.placement.apart) {
		p := at.key("anti_affinity").index(i)
		text, ok := r.textOf(item, p, s)
		if !ok {
			continue
		}
		name := strings.ReplaceAll(strings.ToLower(text), "_", "-")
		if r.vars.services[name] == nil {
			r.fault(item, p, "E-VALUE", "names no service", "name a service of this manifest")
			continue
		}
		if !slices.Contains(place.AntiAffinity, name) {
			place.AntiAffinity = append(place.AntiAffinity, name)
		}
	}
}

// nodeTags reads labels of nodes: k=v, k:v or k in a list, or a mapping.
func (r *reader) nodeTags(n *node, at place, s *service) []Tag {
	var out []Tag
	add := func(n *node, p place, tag Tag) {
		if !validKey(tag.Key) || !validLabel(tag.Value) {
			r.fault(n, p, "E-TAG-SYNTAX", "is not a label of a node", "write k=v with letters, digits, -, _ and ., at most 63")
			return
		}
		if !slices.Contains(out, tag) {
			out = append(out, tag)
		}
	}
	mapping := func(n *node, p place) {
		for _, f := range n.fields {
			tag := Tag{Key: f.key, Any: f.value.isNull()}
			if !tag.Any {
				var ok bool
				if tag.Value, ok = r.textOf(f.value, p.key(f.key), s); !ok {
					continue
				}
			}
			add(&node{pos: f.pos}, p, tag)
		}
	}
	if n != nil && n.shape == Mapping {
		mapping(n, at)
		return out
	}
	for i, item := range items(n) {
		p := at.index(i)
		if item.shape == Mapping {
			mapping(item, p)
			continue
		}
		if text, ok := r.textOf(item, p, s); ok {
			tag := Tag{Key: text, Any: true}
			if i := strings.IndexAny(text, "=:"); i >= 0 {
				tag = Tag{Key: strings.TrimSpace(text[:i]), Value: strings.TrimSpace(text[i+1:])}
			}
			add(item, p, tag)
		}
	}
	return out
}

// tolerationsOf reads a list of tolerations, one, or a mapping of taints to them.
func (r *reader) tolerationsOf(n *node, at place, s *service) []Toleration {
	var out []Toleration
	one := func(n *node, p place, key string) {
		if t, ok := r.toleration(n, p, key, s); ok {
			out = append(out, t)
		}
	}
	switch {
	case n.isNull():
	case n.shape == List:
		for i, item := range n.items {
			if item.shape != Mapping {
				r.fault(item, at.index(i), "E-TYPE", "is %s, not a mapping", "write {key: …, value: …, effect: …}", form(item))
				continue
			}
			one(item, at.index(i), "")
		}
	case r.isToleration(n):
		one(n, at, "")
	default:
		for _, f := range n.fields {
			value := f.value
			switch {
			case value.isNull():
				value = &node{pos: f.pos, shape: Mapping}
			case value.shape == Text: // dedicated: gpu
				value = &node{pos: f.value.pos, shape: Mapping, fields: []field{{key: "value", pos: f.value.pos, value: f.value}}}
			case value.shape == List:
				r.fault(f.value, at.key(f.key), "E-TYPE", "is a list, not a mapping", "write {value: …, effect: …}")
				continue
			}
			one(value, at.key(f.key), f.key)
		}
	}
	return out
}

// isToleration tells one toleration from a mapping of taints: its values are no
// mappings and its keys are those of a toleration.
func (r *reader) isToleration(n *node) bool {
	table := new(rawToleration).options()
	return !slices.ContainsFunc(n.fields, func(f field) bool {
		return f.value.shape == Mapping || find(table, f.key) == nil && f.key != "tolerationSeconds"
	})
}

func (r *reader) toleration(n *node, p place, key string, s *service) (Toleration, bool) {
	var raw rawToleration
	copied := *n
	copied.fields = slices.Clone(n.fields)
	for i := range copied.fields {
		if f := &copied.fields[i]; f.key == "tolerationSeconds" { // as Kubernetes spells it
			f.key = "toleration_seconds"
		}
	}
	errors := r.errors
	r.walk(&copied, p, raw.options())
	t := Toleration{Key: key, Operator: "Exists"}
	if text, ok := r.optional(raw.key, p.key("key"), s); ok {
		if key != "" && text != key {
			r.fault(raw.key, p.key("key"), "E-VALUE", "is not the key that the toleration stands below", "remove it")
		}
		t.Key = text
	}
	if text, ok := r.optional(raw.value, p.key("value"), s); ok {
		t.Value, t.Operator = text, "Equal"
	}
	if raw.operator != nil {
		t.Operator = raw.operator.text
	}
	if raw.effect != nil {
		t.Effect = raw.effect.text
	}
	if raw.seconds != nil {
		if v, ok := r.whole(raw.seconds, p.key("toleration_seconds"), 0, math.MaxInt32); ok {
			t.Seconds = &v
		}
	}
	switch {
	case t.Key != "" && !validKey(t.Key), !validLabel(t.Value):
		r.fault(n, p, "E-TAG-SYNTAX", "has a key or a value that no taint has", "use letters, digits, -, _ and .; at most 63")
	case t.Operator != "Equal" && t.Operator != "Exists":
		r.fault(raw.operator, p.key("operator"), "E-VALUE", "has a value that does not exist", "write Equal or Exists")
	case t.Operator == "Exists" && t.Value != "":
		r.fault(raw.operator, p.key("operator"), "E-VALUE", "is Exists, which takes no value", "remove value, or write operator: Equal")
	case t.Key == "" && t.Operator == "Equal":
		r.fault(n, p, "E-VALUE", "has no key", "add key:")
	case t.Seconds != nil && t.Effect != "NoExecute":
		r.fault(raw.seconds, p.key("toleration_seconds"), "E-VALUE", "is for effect NoExecute", "write effect: NoExecute, or remove it")
	}
	return t, r.errors == errors
}

// spreadOf reads spread.
func (r *reader) spreadOf(s *service, out *Service, at place) {
	raw := &s.placement
	if raw.by == nil && raw.skew == nil && raw.required == nil {
		return
	}
	if !out.Pod.Kind.Counted() {
		r.idle(out.Pod.Kind, at, raw.by, raw.skew, raw.required)
		return
	}
	spread := &Spread{Zone: raw.by != nil && raw.by.text == "zone", MaxSkew: 1}
	if raw.skew != nil {
		if v, ok := r.whole(raw.skew, at.key("max_skew"), 1, math.MaxInt32); ok {
			spread.MaxSkew = v
		}
	}
	spread.Required, _ = boolean(raw.required)
	out.Pod.Placement.Spread = spread
}
