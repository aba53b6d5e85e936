package workload

import (
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// generated makes the Secret with those of vars that the cluster makes up; none
// where there are none. It is a Secret of its own, because what rondo applies
// has data and what it has made up has none that it knows.
func generated(name string, vars []manifest.Variable) []render.Object {
	var keys []render.GeneratedKey
	for _, v := range vars {
		if v.Generate > 0 {
			keys = append(keys, render.GeneratedKey{Name: v.Name, Length: v.Generate})
		}
	}
	if len(keys) == 0 {
		return nil
	}
	o := object("v1", "Secret", name, map[string]any{"type": "Opaque"})
	o.Generate = &render.Generate{Keys: keys}
	return []render.Object{o}
}
