package validate

import (
	"fmt"
	"slices"
	"strings"
)

// references checks what the object says about others, by its kind.
func (c *checker) references() {
	switch str(c.object.Body, "kind") {
	case "Service":
		c.service()
	case "Ingress":
		c.ingress()
	case "StatefulSet":
		c.governing()
	case "HorizontalPodAutoscaler":
		c.scaled()
	case "PodDisruptionBudget":
		if !c.anyPod(at(c.object.Body, "spec", "selector")) {
			c.astray("correct its selector", "selects no Pods")
		}
	case "NetworkPolicy":
		if selector := at(c.object.Body, "spec", "podSelector"); !c.anyPod(selector) && !byOperator(at(selector, "matchLabels")) {
			c.report("I-OBJECT-REF", "", "selects none of the Pods here")
		}
	}
}

// byOperator reports whether a selector asks for a label of a domain that is
// neither Kubernetes' nor rondo's: an operator gives it to Pods that it makes.
func byOperator(selector map[string]any) bool {
	for key := range selector {
		domain, _, has := strings.Cut(key, "/")
		if has && domain != "rondo.dev" && !strings.HasSuffix("."+domain, ".kubernetes.io") && !strings.HasSuffix("."+domain, ".k8s.io") {
			return true
		}
	}
	return false
}

// service checks that there is a Pod for it, and its ports.
func (c *checker) service() {
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
	if len(found) == 0 && byOperator(selector) {
		return
	}
	if len(found) == 0 {
		c.astray("correct its selector", "selects no Pods")
		return
	}
	for _, p := range items(c.object.Body, "spec", "ports") {
		name, named := p["targetPort"].(string)
		if named && !slices.ContainsFunc(found, func(t map[string]any) bool { return hasPort(t, name) }) {
			c.report("E-OBJECT-REF", "declare it in a container", "leads to port %q, which no container of its Pods has", shorten(name))
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
		name := shorten(str(b, "name"))
		service, ok := c.byKind["Service"][str(b, "name")]
		if !ok {
			c.astray("add the Service or correct the name", "leads to Service %q, which is not there", name)
			continue
		}
		number, portName := at(b, "port")["number"], str(b, "port", "name")
		if !slices.ContainsFunc(items(service, "spec", "ports"), func(p map[string]any) bool {
			return portName != "" && str(p, "name") == portName || portName == "" && fmt.Sprint(p["port"]) == fmt.Sprint(number)
		}) {
			c.report("E-OBJECT-REF", "add the port or correct it", "leads to port %v of Service %q, which has no such port", orName(number, shorten(portName)), name)
		}
	}
}

// governing checks the Service that gives the Pods of a StatefulSet their names.
func (c *checker) governing() {
	name := str(c.object.Body, "spec", "serviceName")
	if name == "" {
		return
	}
	if _, ok := c.byKind["Service"][name]; !ok {
		c.astray("add the Service or correct serviceName", "is governed by Service %q, which is not there", shorten(name))
	}
}

// scaled checks what an autoscaler scales. What an extension scales is not here.
func (c *checker) scaled() {
	target := at(c.object.Body, "spec", "scaleTargetRef")
	kind, name := str(target, "kind"), str(target, "name")
	if kind == "" || name == "" || !c.schema.builtIn(groupOf(str(target, "apiVersion"))) {
		return
	}
	if _, ok := c.byKind[kind][name]; !ok {
		c.astray("correct scaleTargetRef", "scales %s/%s, which is not there", shorten(kind), shorten(name))
	}
}

// anyPod reports whether a label selector selects the Pods of some workload. An
// empty one selects all there are.
func (c *checker) anyPod(selector any) bool {
	s, _ := selector.(map[string]any)
	if len(s) == 0 {
		return true
	}
	return slices.ContainsFunc(c.templates, func(template map[string]any) bool {
		labels := at(template, "metadata", "labels")
		return selects(at(s, "matchLabels"), labels) && expressed(items(s, "matchExpressions"), labels)
	})
}

// expressed reports whether labels fulfil all expressions of a selector.
func expressed(expressions []map[string]any, labels map[string]any) bool {
	for _, e := range expressions {
		key := str(e, "key")
		value, has := labels[key]
		values, _ := e["values"].([]any)
		text, _ := value.(string)
		in := has && slices.ContainsFunc(values, func(v any) bool { s, ok := v.(string); return ok && s == text })
		switch str(e, "operator") {
		case "In":
			if !in {
				return false
			}
		case "NotIn":
			if in {
				return false
			}
		case "Exists":
			if !has {
				return false
			}
		case "DoesNotExist":
			if has {
				return false
			}
		}
	}
	return true
}
