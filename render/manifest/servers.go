package manifest

import (
	"slices"
)

// servers compares what is said about servers (spec 1.5). None of it decides
// anything on a cluster that exists, so a contradiction is a warning; whoever
// brings a manifest along learns what the old platform would have refused.
func (r *reader) servers(tree *node) {
	var all []described
	for _, f := range tree.fields {
		if f.value.shape != Mapping || f.key == "services" {
			continue
		}
		at := place{}.key(f.key)
		all = append(all, serversOf(f.value, at)...)
		for _, g := range groupsOf(f.value) {
			all = append(all, serversOf(g.value, at.key("groups").key(g.key))...)
		}
	}
	first := map[string]int{} // lines by unique_name
	for _, s := range all {
		name := s.get("unique_name")
		if name.isNull() || name.shape != Text {
			continue
		}
		if line, dup := first[name.text]; dup {
			r.fault(name, s.place.key("unique_name"), "W-NOT-APPLICABLE", "is also the name of the server of line %d", "choose another name, or remove both", line)
			continue
		}
		first[name.text] = name.pos.Line
	}
	different := map[string]string{}
	for _, s := range all {
		if same := s.get("same_as"); !same.isNull() && same.shape == Text {
			if _, ok := first[same.text]; !ok {
				r.fault(same, s.place.key("same_as"), "W-NOT-APPLICABLE", "names no server of this manifest", "write the unique_name of another server, or remove it")
			}
		}
		for _, key := range []string{"vendor", "region"} {
			n := s.get(key)
			if n.isNull() || n.shape != Text {
				continue
			}
			have, ok := different[key]
			if !ok {
				different[key] = n.text
			} else if have != n.text && have != "" {
				different[key] = "" // told once
				r.fault(n, s.place.key(key), "W-NOT-APPLICABLE", "differs from that of another server; all of an application have the same", "write one "+key+", or remove it")
			}
		}
	}
}

// described is a server with its place; its keys stand in a mapping of their
// own, or, where they are indented too little, beside it.
type described struct {
	place place
	maps  []*node
}

func (d described) get(key string) *node {
	for _, m := range d.maps {
		if n := m.get(key); n != nil {
			return n
		}
	}
	return nil
}

func groupsOf(n *node) []field {
	groups := n.get("groups")
	if groups == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(groups.fields), func(f field) bool { return f.value.shape != Mapping })
}

// serversOf finds the servers in all shapes that people write.
func serversOf(component *node, at place) []described {
	var out []described
	add := func(n *node, p place) {
		if n != nil && n.shape == Mapping {
			d := described{place: p, maps: []*node{n}}
			if inner := n.get("server"); inner != nil && inner.shape == Mapping {
				d.maps = append(d.maps, inner)
			}
			out = append(out, d)
		}
	}
	add(component.get("server"), at.key("server"))
	switch servers := component.get("servers"); {
	case servers == nil:
	case servers.shape == List:
		for i, item := range servers.items {
			add(item, at.key("servers").index(i))
		}
	default:
		add(servers, at.key("servers"))
	}
	return out
}
