package workload

import (
	"maps"

	"rondo.dev/rondo/render/manifest"
)

// initialise gives a Pod of svc the containers that run before its own, which is
// c: in the same environment, with the same volumes and rights (spec 2.8).
func (m *maker) initialise(svc manifest.Service, e *environment, pod, c map[string]any) {
	var first []any
	for _, step := range svc.Steps.Init {
		i := maps.Clone(c)
		for _, field := range [...]string{"ports", "lifecycle", "readinessProbe", "livenessProbe", "startupProbe", "command", "args"} {
			delete(i, field)
		}
		i["name"] = step.Name
		if step.Image != "" {
			i["image"] = step.Image
		}
		if step.Words != nil {
			i["command"] = expanded(step.Words, e)
		}
		first = append(first, i)
	}
	if len(first) > 0 {
		pod["initContainers"] = first
	}
}

// expanded writes the words of a command for Kubernetes.
func expanded(words []string, e *environment) []any {
	out := make([]any, len(words))
	for i, word := range words {
		out[i] = join(split(word, e.known))
	}
	return out
}
