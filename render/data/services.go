package data

import (
	"maps"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// services are the names of db, and one without an address for the Pods
// themselves.
func services(app *manifest.Application, db manifest.Database, s server) []render.Object {
	// Members find each other before they are ready.
	return append(named(db, s, selector(app, db)), object("v1", "Service", headlessName(db), map[string]any{"spec": map[string]any{
		"selector": selector(app, db), "ports": ports(s), "clusterIP": "None", "publishNotReadyAddresses": true,
	}}))
}

// named are the names of db that lead to Pods with these labels: its own, and
// that of the engine for its default group.
func named(db manifest.Database, s server, to map[string]any) []render.Object {
	names := []string{Name(db)}
	if db.Root {
		names = append(names, db.Engine)
	}
	var objects []render.Object
	for _, name := range names {
		objects = append(objects, object("v1", "Service", name, map[string]any{"spec": map[string]any{"selector": maps.Clone(to), "ports": ports(s)}}))
	}
	return objects
}

func ports(s server) []any {
	var out []any
	for _, p := range s.ports {
		out = append(out, map[string]any{"name": p.name, "port": p.number, "protocol": "TCP"})
	}
	return out
}

func headlessName(db manifest.Database) string { return render.Name(Name(db), "hl") }

// selector is how the Pods of db are found.
func selector(app *manifest.Application, db manifest.Database) map[string]any {
	return map[string]any{"app": app.App, "tier": Name(db)}
}

// policy lets in the Pods of the application, backups among them, and those of
// the applications in allow_from and share_with.
func policy(app *manifest.Application, db manifest.Database, s server) render.Object {
	from := []any{map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app": app.App}}}}
	for _, peer := range db.Run.AllowFrom {
		from = append(from, map[string]any{
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": peer.Namespace}},
			"podSelector":       map[string]any{"matchLabels": map[string]any{"app": peer.Name}},
		})
	}
	var ports []any
	for _, p := range s.ports {
		ports = append(ports, map[string]any{"protocol": "TCP", "port": p.number})
	}
	return object("networking.k8s.io/v1", "NetworkPolicy", Name(db), map[string]any{"spec": map[string]any{
		"podSelector": map[string]any{"matchLabels": selector(app, db)},
		"policyTypes": []any{"Ingress"},
		"ingress":     []any{map[string]any{"from": from, "ports": ports}},
	}})
}
