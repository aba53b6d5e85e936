package validate

import (
	"fmt"

	"rondo.dev/rondo/render"
)

// Options say whose objects are checked, and for which cluster. The zero value is
// for objects that rondo makes, on the newest Kubernetes it knows.
type Options struct {
	ClusterVersion string // [render.Facts].ClusterVersion: "1.36"; empty: the newest known
	// Foreign objects were written by people as they are: what they refer to may
	// be in the cluster already, so that a reference to nothing is a warning, and
	// kinds whose fields are not known are told.
	Foreign bool
}

// Objects checks all objects of an application, each for itself and against the
// others. The Problems come in the order of the objects; their Path is that of
// the field, where they are about one.
func Objects(objects []render.Object, o Options) []render.Problem {
	s, err := schemaOf(o.ClusterVersion)
	if err != nil {
		// The file is part of the program; only a broken build comes here.
		return []render.Problem{{Code: "E-OBJECT-KIND", What: "no object can be checked: " + err.Error(), Fix: "install another build of rondo"}}
	}
	c := checker{schema: s, options: o, byKind: make(map[string]map[string]map[string]any), good: map[entry]bool{}}
	for _, o := range objects {
		c.learn(o.Body)
	}
	for _, o := range objects {
		c.object = o
		c.shape()
		c.metadata(at(o.Body, "metadata"))
		c.references()
		if template := podTemplate(o.Body); template != nil {
			c.template(template)
		}
	}
	if o.Foreign {
		c.problems = append(c.problems, unchecked(s, objects)...)
	}
	return c.problems
}

type checker struct {
	schema    *schema
	options   Options
	byKind    map[string]map[string]map[string]any // kind, then name; only kinds of Kubernetes itself
	templates []map[string]any                     // of Pods
	extended  bool                                 // some objects are of extensions, which may make Pods and Services
	object    render.Object                        // the one being looked at
	good      map[entry]bool                       // those that are in order
	problems  []render.Problem
}

// entry is one of the labels or annotations of an object.
type entry struct{ field, key, value string }

// learn notes what others may refer to.
func (c *checker) learn(body map[string]any) {
	if !c.schema.builtIn(groupOf(str(body, "apiVersion"))) {
		c.extended = true
		return
	}
	kind := str(body, "kind")
	if c.byKind[kind] == nil {
		c.byKind[kind] = make(map[string]map[string]any)
	}
	c.byKind[kind][str(body, "metadata", "name")] = body
	if template := podTemplate(body); template != nil {
		c.templates = append(c.templates, template)
	}
}

func (c *checker) report(code, fix, format string, args ...any) {
	c.problems = append(c.problems, render.Problem{
		Pos: c.object.Origin, Code: code, Fix: fix,
		What: fmt.Sprintf("%s/%s ", shorten(str(c.object.Body, "kind")), shorten(str(c.object.Body, "metadata", "name"))) + fmt.Sprintf(format, args...),
	})
}

// astray reports a reference to something that is not among the objects.
func (c *checker) astray(fix, format string, args ...any) {
	code := "E-OBJECT-REF"
	if c.options.Foreign || c.extended {
		code = "W-OBJECT-REF" // it may be in the cluster, or be made by an extension
	}
	c.report(code, fix, format, args...)
}

// podTemplate is the part of a workload, or of a Pod, that has the metadata and
// the spec of Pods; nil for any other object.
func podTemplate(body map[string]any) map[string]any {
	switch str(body, "kind") {
	case "Pod":
		return body
	case "CronJob":
		return at(body, "spec", "jobTemplate", "spec", "template")
	case "PodTemplate":
		return at(body, "template")
	default:
		return at(body, "spec", "template")
	}
}
