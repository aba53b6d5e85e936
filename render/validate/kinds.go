package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// shape compares the object being looked at with the schema.
func (c *checker) shape() {
	apiVersion, kind := str(c.object.Body, "apiVersion"), str(c.object.Body, "kind")
	if apiVersion == "" || kind == "" {
		c.report("E-OBJECT-KIND", "add both", "does not say its apiVersion or its kind")
		return
	}
	entry, ok := c.schema.kinds[kindKey{apiVersion, kind}]
	if !ok {
		if c.schema.builtIn(groupOf(apiVersion)) {
			c.unknownKind(apiVersion, kind)
		}
		return // a kind of an extension: only the cluster knows it
	}
	before := len(c.problems)
	w := walker{schema: c.schema, report: c.report, path: make([]step, 0, 16)}
	w.object(c.schema.typeAt(entry.number), c.object.Body)
	// Maps have no order; problems have one.
	slices.SortStableFunc(c.problems[before:], func(a, b render.Problem) int { return strings.Compare(a.What, b.What) })
}

func (c *checker) unknownKind(apiVersion, kind string) {
	fix := "correct its kind"
	if others := c.schema.elsewhere(kind); len(others) > 0 {
		fix = "write apiVersion: " + others[0]
	} else {
		var names []string
		for key := range c.schema.kinds {
			names = append(names, key.kind)
		}
		slices.Sort(names)
		if near := manifest.Nearest(kind, slices.Compact(names)); near != "" {
			fix = fmt.Sprintf("did you mean %s?", near)
		}
	}
	code := "E-OBJECT-KIND"
	if c.schema.newer {
		code = "W-OBJECT-KIND"
	}
	c.report(code, fix, "is a %s of %s, which Kubernetes %s does not have", shorten(kind), shorten(apiVersion), c.schema.version)
}

// unchecked tells, once for each kind, which objects are of an extension's kind,
// so that nobody takes them for checked.
func unchecked(s *schema, objects []render.Object) []render.Problem {
	first := map[kindKey]render.Object{}
	for _, o := range objects {
		key := kindKey{str(o.Body, "apiVersion"), str(o.Body, "kind")}
		if _, known := s.kinds[key]; known || s.builtIn(groupOf(key.apiVersion)) {
			continue
		}
		if _, told := first[key]; !told {
			first[key] = o
		}
	}
	var problems []render.Problem
	for _, key := range slices.SortedFunc(maps.Keys(first), func(a, b kindKey) int {
		return strings.Compare(a.apiVersion+" "+a.kind, b.apiVersion+" "+b.kind)
	}) {
		problems = append(problems, render.Problem{
			Pos: first[key].Origin, Code: "I-OBJECT-UNCHECKED",
			What: fmt.Sprintf("objects of kind %s (%s) are of an extension, whose fields only the cluster knows", shorten(key.kind), shorten(key.apiVersion)),
		})
	}
	return problems
}
