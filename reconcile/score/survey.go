package score

import (
	"fmt"
	"strings"

	"rondo.dev/rondo/render"
)

// at walks maps by key; nil where one is missing.
func at(v any, keys ...string) any {
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func mapAt(v any, keys ...string) map[string]any {
	m, _ := at(v, keys...).(map[string]any)
	return m
}

func listAt(v any, keys ...string) []any {
	l, _ := at(v, keys...).([]any)
	return l
}

func textAt(v any, keys ...string) string {
	s, _ := at(v, keys...).(string)
	return s
}

func numberAt(v any, keys ...string) (int64, bool) {
	switch n := at(v, keys...).(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), true
	}
	return 0, false
}

func texts(m map[string]any) map[string]string {
	out := make(map[string]string, len(m))
	for key, value := range m {
		out[key] = fmt.Sprint(value)
	}
	return out
}

func workloadOf(o render.Object) (workload, bool) {
	var template map[string]any
	switch o.ID.Group + "/" + o.ID.Kind {
	case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "batch/Job":
		template = mapAt(o.Body, "spec", "template")
	case "batch/CronJob":
		template = mapAt(o.Body, "spec", "jobTemplate", "spec", "template")
	default:
		return workload{}, false
	}
	w := workload{
		name: o.ID.Name, kind: o.ID.Kind, replicas: 1,
		spec: mapAt(template, "spec"), labels: texts(mapAt(template, "metadata", "labels")),
	}
	if n, ok := numberAt(o.Body, "spec", "replicas"); ok {
		w.replicas = n
	} else if o.Replicas != nil {
		w.replicas = o.Replicas.Min
	}
	for _, field := range []string{"initContainers", "containers"} {
		for _, c := range listAt(w.spec, field) {
			body, _ := c.(map[string]any)
			w.containers = append(w.containers, container{name: textAt(body, "name"), init: field == "initContainers", body: body})
		}
	}
	return w, true
}

// title names a container: the workload, and the container where that has another name.
func (w workload) title(c container) string {
	if c.name == w.name || c.name == "" {
		return w.name
	}
	return w.name + "/" + c.name
}

// serviceOf reads a Service. It is http when a route leads to it, or when one of
// its ports is named so (spec 2.6 rule 6).
func serviceOf(o render.Object, routed bool) service {
	s := service{name: o.ID.Name, selector: texts(mapAt(o.Body, "spec", "selector")), http: routed}
	for _, p := range listAt(o.Body, "spec", "ports") {
		s.http = s.http || strings.HasPrefix(textAt(p, "name"), "http")
	}
	return s
}

// backends notes the Services that an Ingress leads to.
func backends(ingress map[string]any, into map[string]bool) {
	note := func(backend any) {
		if name := textAt(backend, "service", "name"); name != "" {
			into[name] = true
		}
	}
	note(at(ingress, "spec", "defaultBackend"))
	for _, rule := range listAt(ingress, "spec", "rules") {
		for _, path := range listAt(rule, "http", "paths") {
			note(at(path, "backend"))
		}
	}
}

// hostsOf gives the hosts of an Ingress and whether each is served over TLS.
func hostsOf(o render.Object) []host {
	var secure []string
	everything := false
	for _, tls := range listAt(o.Body, "spec", "tls") {
		names := listAt(tls, "hosts")
		everything = everything || len(names) == 0
		for _, name := range names {
			secure = append(secure, fmt.Sprint(name))
		}
	}
	noRedirect := o.Annotations()["nginx.ingress.kubernetes.io/ssl-redirect"] == "false"
	var out []host
	seen := map[string]bool{}
	for _, rule := range listAt(o.Body, "spec", "rules") {
		h := host{name: textAt(rule, "host"), ingress: o.ID.Name, secure: everything, noRedirect: noRedirect}
		if seen[h.name] {
			continue
		}
		seen[h.name] = true
		for _, pattern := range secure {
			h.secure = h.secure || covers(pattern, h.name)
		}
		out = append(out, h)
	}
	if len(out) == 0 && at(o.Body, "spec", "defaultBackend") != nil {
		out = append(out, host{ingress: o.ID.Name, secure: everything, noRedirect: noRedirect})
	}
	return out
}

// covers reports whether a certificate for pattern serves name: the same name,
// or a wildcard one label above.
func covers(pattern, name string) bool {
	if pattern == name {
		return true
	}
	_, parent, ok := strings.Cut(name, ".")
	return ok && pattern == "*."+parent
}
