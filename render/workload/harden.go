package workload

import "rondo.dev/rondo/render/manifest"

// harden takes from the containers of a Pod of svc what they do not ask for
// (spec 2.14). What is written stays.
func (m *maker) harden(svc manifest.Service, pod map[string]any) {
	if !m.app.Storage.Isolation.Harden {
		return
	}
	for _, field := range [...]string{"initContainers", "containers"} {
		containers, _ := pod[field].([]any)
		for _, c := range containers {
			rights := inner(c.(map[string]any), "securityContext")
			if rights["privileged"] != true { // which Kubernetes does not take together
				unless(rights, "allowPrivilegeEscalation", false)
			}
			unless(inner(rights, "capabilities"), "drop", []any{"ALL"})
		}
	}
	unless(inner(pod, "securityContext"), "seccompProfile", map[string]any{"type": "RuntimeDefault"})
	if svc.Pod.ServiceAccount == "" {
		pod["automountServiceAccountToken"] = false
	}
}

// inner gives the mapping at key, to write to.
func inner(m map[string]any, key string) map[string]any {
	in, ok := m[key].(map[string]any)
	if !ok {
		in = make(map[string]any)
		m[key] = in
	}
	return in
}

// unless sets key where nothing is written.
func unless(m map[string]any, key string, value any) {
	if _, has := m[key]; !has {
		m[key] = value
	}
}
