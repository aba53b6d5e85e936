package validate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"rondo.dev/rondo/render"
)

// maxAnnotations is the size of all annotations of an object together, in bytes
// (k8s.io/apimachinery/pkg/api/validation, TotalAnnotationSizeLimitB).
const maxAnnotations = 256 << 10

// Objects checks all objects of an application, each for itself and against the
// others. The Problems come in the order of the objects.
func Objects(objects []render.Object) []render.Problem {
	c := checker{services: make(map[string]map[string]any)}
	for _, o := range objects {
		if str(o.Body, "kind") == "Service" {
			c.services[str(o.Body, "metadata", "name")] = o.Body
		}
		if template := at(o.Body, "spec", "template"); template != nil {
			c.templates = append(c.templates, template)
		}
	}
	for _, o := range objects {
		c.object = o
		c.metadata(at(o.Body, "metadata"))
		switch str(o.Body, "kind") {
		case "Service":
			c.service()
		case "Ingress":
			c.ingress()
		}
		if template := at(o.Body, "spec", "template"); template != nil {
			c.template(template)
		}
	}
	return c.problems
}

type checker struct {
	services  map[string]map[string]any // by name
	templates []map[string]any          // of Pods
	object    render.Object             // the one being looked at
	problems  []render.Problem
}

func (c *checker) report(code, fix, format string, args ...any) {
	c.problems = append(c.problems, render.Problem{
		Pos: c.object.Origin, Code: code, Fix: fix,
		What: fmt.Sprintf("%s/%s ", str(c.object.Body, "kind"), str(c.object.Body, "metadata", "name")) + fmt.Sprintf(format, args...),
	})
}

// metadata checks names, labels and annotations.
func (c *checker) metadata(meta map[string]any) {
	name, faults := str(meta, "name"), []string(nil)
	if str(c.object.Body, "kind") == "Service" {
		faults = validation.IsDNS1035Label(name)
	} else {
		faults = validation.IsDNS1123Subdomain(name)
	}
	if len(faults) > 0 {
		c.report("E-OBJECT-NAME", "rename it", "has a name that Kubernetes refuses: %s", faults[0])
	}
	c.labels(meta)
	size := 0
	annotations := at(meta, "annotations")
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if faults := validation.IsQualifiedName(strings.ToLower(key)); len(faults) > 0 {
			c.report("E-OBJECT-NAME", "rename it", "has an annotation %q: %s", key, faults[0])
		}
		size += len(key) + len(str(annotations, key))
	}
	if size > maxAnnotations {
		c.report("E-OBJECT-NAME", "shorten them", "has annotations of %d KiB together, more than %d", size>>10, maxAnnotations>>10)
	}
}

func (c *checker) labels(meta map[string]any) {
	labels := at(meta, "labels")
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		faults := validation.IsQualifiedName(key)
		if len(faults) == 0 {
			faults = validation.IsValidLabelValue(str(labels, key))
		}
		if len(faults) > 0 {
			c.report("E-OBJECT-NAME", "correct it", "has a label %q: %s", key, faults[0])
		}
	}
}

// service checks that there is a Pod for it, and its ports.
func (c *checker) service() {
	ports := newSet(c, "port")
	for _, p := range items(c.object.Body, "spec", "ports") {
		ports.add(fmt.Sprintf("%v/%s", p["port"], orTCP(p)))
	}
	selector := at(c.object.Body, "spec", "selector")
	if len(selector) == 0 {
		return // its endpoints are somebody else's, or a DNS name
	}
	var found []map[string]any
	for _, template := range c.templates {
		if selects(selector, at(template, "metadata", "labels")) {
			found = append(found, template)
		}
	}
	if len(found) == 0 {
		c.report("E-OBJECT-REF", "correct its selector", "selects no Pods")
		return
	}
	for _, p := range items(c.object.Body, "spec", "ports") {
		name, named := p["targetPort"].(string)
		if named && !slices.ContainsFunc(found, func(t map[string]any) bool { return hasPort(t, name) }) {
			c.report("E-OBJECT-REF", "declare it in a container", "leads to port %q, which no container of its Pods has", name)
		}
	}
}

// ingress checks that every backend is there.
func (c *checker) ingress() {
	backends := []map[string]any{at(c.object.Body, "spec", "defaultBackend", "service")}
	for _, rule := range items(c.object.Body, "spec", "rules") {
		for _, path := range items(rule, "http", "paths") {
			backends = append(backends, at(path, "backend", "service"))
		}
	}
	for _, b := range backends {
		if b == nil {
			continue
		}
		service, ok := c.services[str(b, "name")]
		if !ok {
			c.report("E-OBJECT-REF", "add the Service or correct the name", "leads to Service %q, which is not there", str(b, "name"))
			continue
		}
		number, name := at(b, "port")["number"], str(b, "port", "name")
		if !slices.ContainsFunc(items(service, "spec", "ports"), func(p map[string]any) bool {
			return name != "" && str(p, "name") == name || name == "" && fmt.Sprint(p["port"]) == fmt.Sprint(number)
		}) {
			c.report("E-OBJECT-REF", "add the port or correct it", "leads to port %v of Service %q, which has no such port", orName(number, name), str(b, "name"))
		}
	}
}

// template checks the Pods that a workload makes.
func (c *checker) template(template map[string]any) {
	c.labels(at(template, "metadata"))
	if selector := at(c.object.Body, "spec", "selector", "matchLabels"); selector != nil && !selects(selector, at(template, "metadata", "labels")) {
		c.report("E-OBJECT-REF", "give both the same labels", "does not select its own Pods")
	}
	containers, ports := newSet(c, "container"), newSet(c, "container port name")
	for _, container := range items(template, "spec", "containers") {
		name := str(container, "name")
		containers.add(name)
		if faults := validation.IsDNS1123Label(name); len(faults) > 0 {
			c.report("E-OBJECT-NAME", "rename it", "has a container %q: %s", name, faults[0])
		}
		numbers := newSet(c, "container port")
		for _, p := range items(container, "ports") {
			numbers.add(fmt.Sprintf("%v/%s", p["containerPort"], orTCP(p)))
			if portName := str(p, "name"); portName != "" {
				ports.add(portName)
				if faults := validation.IsValidPortName(portName); len(faults) > 0 {
					c.report("E-OBJECT-NAME", "rename it", "has a port %q: %s", portName, faults[0])
				}
			}
		}
		variables := newSet(c, "variable")
		for _, v := range items(container, "env") {
			variables.add(str(v, "name"))
		}
		for _, probe := range [...]string{"readinessProbe", "livenessProbe", "startupProbe"} {
			for _, way := range [...]string{"httpGet", "tcpSocket"} {
				port, named := at(container, probe, way)["port"].(string)
				if named && !containerHasPort(container, port) {
					c.report("E-OBJECT-REF", "declare the port or give its number", "has a %s on port %q, which container %s does not have", probe, port, name)
				}
			}
		}
	}
}

// set reports elements that a server-side apply could not tell apart.
type set struct {
	c    *checker
	what string
	seen map[string]bool
}

func newSet(c *checker, what string) set { return set{c, what, make(map[string]bool)} }

func (s set) add(key string) {
	if s.seen[key] {
		s.c.report("E-OBJECT-DUP", "remove one", "has the %s %s twice", s.what, key)
	}
	s.seen[key] = true
}
