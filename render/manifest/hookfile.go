package manifest

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rondo.dev/rondo/sources"
)

// hookFiles are where hooks may stand in a file of their own; the first that
// exists is read. Beside a manifest whose path the operator gives they stand in
// its folder.
func hookFiles(given string) []string {
	if given != "" {
		return []string{path.Join(path.Dir(given), "deploy_hooks.yml")}
	}
	return []string{".cloud66/deploy_hooks.yml", "deploy_hooks.yml"}
}

// loadHooks reads the file of hooks, if there is one.
func (r *reader) loadHooks(snap sources.Snapshot) error {
	name, b, err := r.firstFile(snap, hookFiles(r.o.Path), "the file of hooks")
	if err != nil || b == nil {
		return err
	}
	n := r.scan(name, b)
	switch {
	case n.isNull():
	case n.shape != Mapping:
		r.add(n.pos, "", "E-TYPE", "the file of hooks is "+form(n)+", not a mapping", "start it with a hook point, such as last_thing:")
	default:
		r.hookFile = n
	}
	return nil
}

// hookSources are the paths that files of hooks and manifests name in source:,
// whether or not a hook has them. They are inputs like the files themselves.
func hookSources(snap sources.Snapshot, names []string) []string {
	const most = 1000 // more hooks are refused
	var out []string
	for _, name := range names {
		b, err := read(snap, name)
		if err != nil || !bytes.Contains(b, []byte("source")) {
			continue
		}
		var visit func(n *node)
		visit = func(n *node) {
			for _, item := range n.items {
				visit(item)
			}
			for _, f := range n.fields {
				if p := inRepository(f.value.text); f.key == "source" && f.value.shape == Text && fs.ValidPath(p) && len(out) < most {
					out = append(out, p)
				}
				visit(f.value)
			}
		}
		if n := new(reader).scan(name, b); n != nil {
			visit(n)
		}
	}
	return out
}

// inRepository is a path of the repository as a Snapshot has it: a leading slash
// means its root.
func inRepository(p string) string { return strings.TrimPrefix(strings.TrimPrefix(p, "./"), "/") }

// joinHooks adds the hooks of an environment behind those for all (spec 5.2).
func joinHooks(general, own *node) *node {
	if general.isNull() || own.isNull() || general.shape != Mapping || own.shape != Mapping {
		return either(own, general)
	}
	table := new(hookTable).options()
	out := &node{pos: general.pos, shape: Mapping, fields: slices.Clone(general.fields)}
	index := positions(general)
	for _, f := range own.fields {
		i, has := index[f.key]
		switch {
		case !has:
			out.fields = append(out.fields, f)
		case find(table, f.key) == nil:
			out.fields[i].value = joinHooks(out.fields[i].value, f.value)
		default:
			out.fields[i].value = joined(out.fields[i].value, f.value)
		}
	}
	return out
}

// withHooks gives the tree the hooks of the file as well, and brings all into one
// mapping of hook points: those for all environments first, then those of this
// one; those of the file before those of the manifest.
func (r *reader) withHooks(tree *node) *node {
	if tree == nil {
		return nil
	}
	key := tree.get("deploy_hooks")
	if r.hookFile == nil && (key.isNull() || key.shape != Mapping) {
		return tree
	}
	var general, own *node
	pos := tree.pos
	for _, n := range []*node{r.hookFile, key} {
		if n.isNull() || n.shape != Mapping {
			continue
		}
		if n == key || pos == tree.pos {
			pos = n.pos
		}
		all, mine := r.splitHooks(n)
		general, own = joinHooks(general, all), joinHooks(own, mine)
	}
	value := joinHooks(general, own)
	out := &node{pos: tree.pos, shape: Mapping, fields: slices.Clone(tree.fields)}
	if i, has := positions(out)["deploy_hooks"]; has {
		out.fields[i].value = value
	} else {
		out.fields = append(out.fields, field{key: "deploy_hooks", pos: pos, value: value})
	}
	return out
}

// splitHooks splits a mapping of hooks into those for all environments and those
// of this one; own is nil where there are none.
func (r *reader) splitHooks(n *node) (general, own *node) {
	table := new(hookTable).options()
	general = &node{pos: n.pos, shape: Mapping}
	for _, f := range n.fields {
		isNode := find(table, f.key) == nil && f.value.shape == Mapping &&
			slices.ContainsFunc(f.value.fields, func(inner field) bool { return find(table, inner.key) != nil })
		switch mine := strings.EqualFold(f.key, r.o.Environment); {
		case mine && isNode:
			own = f.value
		case mine && f.value.isNull():
		case isNode:
			r.foreignHooks = append(r.foreignHooks, f)
		default:
			general.fields = append(general.fields, f)
		}
	}
	return general, own
}

// hooksElsewhere checks the form of the hooks of other environments.
func (r *reader) hooksElsewhere() {
	for _, f := range r.foreignHooks {
		other := &reader{o: r.o, errors: r.errors, others: r.others}
		other.hookForms(f.value, place{}.key("deploy_hooks"))
		r.keepForm(other.problems, shown(f.key))
	}
}

// hookForms checks the form of hooks that do not run.
func (r *reader) hookForms(n *node, at place) {
	var t hookTable
	r.walk(n, at, t.options())
	for i, point := range hookPoints() {
		for j, item := range items(t.at[i]) {
			if item.shape == Mapping {
				r.walk(item, at.key(point.name).index(j), new(rawHook).options())
			}
		}
	}
}
