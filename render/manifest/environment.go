package manifest

import (
	"slices"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// effective is the tree for one environment of one file: the part for all
// environments, with the node of the environment merged over it (spec 1.3). It
// returns nil after it has reported that root is no manifest.
func (r *reader) effective(root *node) *node {
	if !r.isManifest(root) {
		return nil
	}
	table := topLevel()
	general := &node{pos: root.pos, shape: Mapping}
	var own *node
	first := map[string]sources.Position{}
	for _, f := range root.fields {
		if !r.environment(f, table) {
			general.fields = append(general.fields, f)
			continue
		}
		r.environments = append(r.environments, shown(f.key))
		name := strings.ToLower(f.key)
		if at, dup := first[name]; dup {
			r.add(f.pos, shown(f.key), "E-YAML-DUPKEY", "environment "+shown(f.key)+" is also at line "+itoa(at.Line),
				"keep one of the two; upper and lower case are equal")
			continue
		}
		first[name] = f.pos
		if strings.EqualFold(f.key, r.o.Environment) {
			own = f.value
		} else {
			r.foreign = append(r.foreign, f)
		}
	}
	r.canonical(general, table)
	if own == nil {
		return general
	}
	special := *own
	special.fields = slices.Clone(special.fields)
	r.canonical(&special, table)
	out := overlay(general, &special)
	if have, add := general.get("deploy_hooks"), special.get("deploy_hooks"); !have.isNull() && !add.isNull() {
		out.fields[positions(out)["deploy_hooks"]].value = joinHooks(have, add)
	}
	return out
}

// isEnvironment reports whether a value under a key of one's own is an
// environment: a mapping with at least one key of the language. A version alone
// does not count, since a misspelt engine may have one as well.
func isEnvironment(n *node, table []Option) bool {
	return n.shape == Mapping && slices.ContainsFunc(n.fields, func(f field) bool {
		o := find(table, f.key)
		return f.key != "version" && o != nil && o.Disposition != render.Unknown || byAlias(table, f.key) != nil
	})
}

// canonical gives keys with an alias their own name.
func (r *reader) canonical(n *node, table []Option) {
	for i := range n.fields {
		f := &n.fields[i]
		o := byAlias(table, f.key)
		if o == nil {
			continue
		}
		r.add(f.pos, f.key, "W-DEPRECATED", "key "+f.key+" is another spelling of "+o.Name, "write "+o.Name+":")
		if first := n.get(o.Name); first != nil {
			r.add(f.pos, f.key, "E-YAML-DUPKEY", f.key+" repeats "+o.Name+" of line "+itoa(first.pos.Line), "keep one of the two")
			continue
		}
		f.key = o.Name
	}
}

func byAlias(table []Option, key string) *Option {
	for i := range table {
		if table[i].Alias == key {
			return &table[i]
		}
	}
	return nil
}

// overlay merges mappings key by key; anything else in over replaces, and a
// null deletes.
func overlay(under, over *node) *node {
	if under == nil || under.shape != Mapping || over.shape != Mapping {
		return over
	}
	out := &node{pos: over.pos, shape: Mapping, fields: make([]field, 0, len(under.fields)+len(over.fields))}
	index := positions(under)
	out.fields = append(out.fields, under.fields...)
	deleted := map[string]bool{}
	for _, f := range over.fields {
		i, has := index[f.key]
		switch {
		case !has:
			out.fields = append(out.fields, f)
		case f.value.isNull():
			deleted[f.key] = true
		default:
			out.fields[i] = field{key: f.key, pos: f.pos, value: overlay(out.fields[i].value, f.value)}
		}
	}
	out.fields = slices.DeleteFunc(out.fields, func(f field) bool { return deleted[f.key] })
	return out
}

// combine joins a manifest with the service configuration beside it. A service
// in both is an error, as is any other key in both but version and databases.
func combine(r *reader, manifest, service *node) *node {
	if manifest == nil {
		return service
	}
	if service == nil {
		return manifest
	}
	out := &node{pos: manifest.pos, shape: Mapping, fields: slices.Clone(manifest.fields)}
	index := positions(manifest)
	for _, f := range service.fields {
		i, has := index[f.key]
		if !has || out.fields[i].value.isNull() {
			out.fields = append(out.fields, f)
			continue
		}
		have := out.fields[i].value
		switch {
		case f.value.isNull(), f.key == "version":
			r.double = append(r.double, f)
		case f.key == "databases":
			out.fields[i].value = joined(have, f.value)
		case f.key == "services" && have.shape == Mapping && f.value.shape == Mapping:
			out.fields[i].value = r.joinServices(have, f.value)
		default:
			r.add(f.pos, f.key, "E-YAML-DUPKEY", f.key+" is also at "+out.fields[i].pos.String(), "keep it in one of the two files")
		}
	}
	return out
}

func (r *reader) joinServices(a, b *node) *node {
	out := &node{pos: a.pos, shape: Mapping, fields: slices.Clone(a.fields)}
	index := positions(a)
	for _, f := range b.fields {
		if i, has := index[f.key]; has {
			r.add(f.pos, "services."+f.key, "E-FILE-DUP-SERVICE",
				"service "+shown(f.key)+" is also declared at "+a.fields[i].pos.String(), "keep one of the two")
			continue
		}
		out.fields = append(out.fields, f)
	}
	return out
}

// positions is where each key of n stands.
func positions(n *node) map[string]int {
	index := make(map[string]int, len(n.fields))
	for i, f := range n.fields {
		index[f.key] = i
	}
	return index
}

// joined is the list of both values, each of which may be a list or a lone value.
func joined(a, b *node) *node {
	if a.isNull() {
		return b
	}
	out := &node{pos: a.pos, shape: List}
	for _, n := range []*node{a, b} {
		if n.shape == List {
			out.items = append(out.items, n.items...)
		} else if !n.isNull() {
			out.items = append(out.items, n)
		}
	}
	return out
}

// isManifest refuses files of another kind with words that say what they are.
func (r *reader) isManifest(root *node) bool {
	say := func(what, fix string) bool {
		r.add(root.pos, "", "E-TYPE", what, fix)
		return false
	}
	kind := root.get("kind")
	switch {
	case root.isNull():
		return say("the file is empty", "declare services: with an image")
	case root.shape != Mapping:
		return say("the file is "+form(root)+", not a mapping", "start it with services:")
	case root.get("apiVersion") != nil && kind != nil:
		return say("the file is a Kubernetes object, not a manifest", "declare services: here; rondo writes the Kubernetes objects")
	}
	return true
}
