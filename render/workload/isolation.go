package workload

import (
	"slices"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// labelNamespace is on every namespace and holds its name.
const labelNamespace = "kubernetes.io/metadata.name"

// isolation adds the NetworkPolicies of the application (spec 2.18): one that
// lets nobody in, and an opening for each service with ports. What leaves a Pod
// is left alone.
func (m *maker) isolation() {
	if m.app.Storage.Isolation.Mode == manifest.ModeOpen {
		return
	}
	// By name and by Pods for this application alone: another one may live in the
	// same namespace.
	deny := m.policy(render.Name(m.app.App, "default"), map[string]any{"matchLabels": map[string]any{"app": m.app.App}}, nil)
	label(&deny, m.app, "")
	for i, svc := range m.app.Services {
		if i == 0 || svc.Pos.Line < deny.Origin.Line {
			deny.Origin = svc.Pos
		}
	}
	m.add(deny)
	for _, svc := range m.app.Services {
		if len(svc.Ports) == 0 {
			continue
		}
		o := m.policy(svc.Name, map[string]any{"matchLabels": selector(m.app, svc)}, m.openings(svc))
		label(&o, m.app, svc.Name)
		o.Origin = svc.Pos
		m.add(o)
	}
}

func (m *maker) policy(name string, pods map[string]any, ingress []any) render.Object {
	spec := map[string]any{"podSelector": pods, "policyTypes": []any{"Ingress"}}
	if len(ingress) > 0 {
		spec["ingress"] = ingress
	}
	return object("networking.k8s.io/v1", "NetworkPolicy", name, map[string]any{"spec": spec})
}

// openings lists who may reach svc, and on which ports.
func (m *maker) openings(svc manifest.Service) []any {
	isolation := m.app.Storage.Isolation
	inside := []any{map[string]any{"podSelector": map[string]any{}}}
	if isolation.Mode == manifest.ModeManaged {
		inside = append(inside, map[string]any{"namespaceSelector": labels(render.LabelManagedBy, render.ManagedBy)})
	}
	for _, peer := range isolation.AllowFrom {
		inside = append(inside, map[string]any{
			"namespaceSelector": labels(labelNamespace, peer.Namespace),
			"podSelector":       labels("app", peer.Name),
		})
	}
	out := []any{map[string]any{"from": inside}}
	web, outside := exposed(svc)
	if len(web) > 0 {
		rule := map[string]any{"ports": web}
		if m.facts.EdgeNamespace != "" {
			rule["from"] = []any{map[string]any{"namespaceSelector": labels(labelNamespace, m.facts.EdgeNamespace)}}
		}
		out = append(out, rule)
	}
	if len(outside) > 0 {
		out = append(out, map[string]any{"ports": outside})
	}
	return out
}

// exposed gives the container ports that the edge must reach, and those that
// clients outside of the cluster reach under their own addresses.
func exposed(svc manifest.Service) (web, outside []any) {
	type port struct {
		number   int
		protocol string
	}
	var first, second []port
	add := func(to *[]port, number int, protocol string) {
		if p := (port{number, protocol}); !slices.Contains(*to, p) {
			*to = append(*to, p)
		}
	}
	for _, p := range svc.Ports {
		if p.HTTP+p.HTTPS > 0 {
			add(&first, p.Container, tcp)
		}
		if p.TCP > 0 {
			add(&second, p.Container, tcp)
		}
		if p.UDP > 0 {
			add(&second, p.Container, udp)
		}
	}
	render := func(ports []port) (out []any) {
		for _, p := range ports {
			out = append(out, map[string]any{"port": int64(p.number), "protocol": p.protocol})
		}
		return out
	}
	return render(first), render(second)
}

func labels(key, value string) map[string]any {
	return map[string]any{"matchLabels": map[string]any{key: value}}
}
