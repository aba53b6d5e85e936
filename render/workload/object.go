package workload

import (
	"strconv"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// object makes a body of the given fields.
func object(apiVersion, kind, name string, fields map[string]any) render.Object {
	fields["apiVersion"] = apiVersion
	fields["kind"] = kind
	fields["metadata"] = map[string]any{"name": name}
	return render.Object{Body: fields}
}

// label adds labels that say what o belongs to: app and tier, which Services
// select by, and the names that other tools look for. They win over tags.
func label(o *render.Object, app *manifest.Application, tier string) {
	labels := metadata(o, "labels")
	for name, value := range map[string]string{
		"app":                        app.App,
		"tier":                       tier,
		"app.kubernetes.io/name":     tier,
		"app.kubernetes.io/instance": render.Name(app.App, app.Environment),
	} {
		if value != "" {
			labels[name] = value
		}
	}
}

// metadata gives the labels or annotations of o to write to.
func metadata(o *render.Object, field string) map[string]any {
	meta := o.Body["metadata"].(map[string]any)
	m, ok := meta[field].(map[string]any)
	if !ok {
		m = make(map[string]any)
		meta[field] = m
	}
	return m
}

// selector is how the Pods of a service are found. A Deployment's cannot be
// changed after its creation, hence no more than these two.
func selector(app *manifest.Application, svc manifest.Service) map[string]any {
	return map[string]any{"app": app.App, "tier": svc.Name}
}

// number gives "2" as 2 and leaves "50%" as it is, for fields that take both.
func number(s string) any {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return n
	}
	return s
}

// list gives texts as a list of a body.
func list[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
