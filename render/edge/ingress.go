package edge

import "rondo.dev/rondo/render"

// Ingress writes the routes that lead to service; ok is false where there are
// none. An empty class leaves the choice to the cluster.
func Ingress(service string, routes []Route, class string) (o render.Object, ok bool) {
	var rules, secured []any
	encrypted := false
	seen := make(map[string]bool)
	for _, r := range routes {
		if r.Service != service {
			continue
		}
		if !seen[r.Host] {
			seen[r.Host] = true
			rule := map[string]any{"http": map[string]any{"paths": []any{map[string]any{
				"path":     "/",
				"pathType": "Prefix",
				"backend": map[string]any{"service": map[string]any{
					"name": service, "port": map[string]any{"number": int64(r.ContainerPort)}}},
			}}}}
			if r.Host != "" {
				rule["host"] = r.Host
			}
			rules = append(rules, rule)
		}
		if r.Protocol == HTTPS {
			encrypted = true
			if r.Host != "" {
				secured = append(secured, r.Host)
			}
		}
	}
	if len(rules) == 0 {
		return render.Object{}, false
	}
	spec := map[string]any{"rules": rules}
	if class != "" {
		spec["ingressClassName"] = class
	}
	if encrypted {
		tls := map[string]any{} // without hosts: all of them
		if len(secured) > 0 {
			tls["hosts"] = secured
		}
		spec["tls"] = []any{tls}
	}
	return render.Object{Body: map[string]any{
		"apiVersion": "networking.k8s.io/v1",
		"kind":       "Ingress",
		"metadata":   map[string]any{"name": service},
		"spec":       spec,
	}}, true
}
