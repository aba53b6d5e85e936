package workload

import "rondo.dev/rondo/render/manifest"

const hostname, zone = "kubernetes.io/hostname", "topology.kubernetes.io/zone"

// place says where the Pods of svc run (spec 2.11 rules 5 to 7).
func (m *maker) place(svc manifest.Service, pod map[string]any) {
	p := svc.Pod.Placement
	if len(p.Selector) > 0 {
		labels := make(map[string]any, len(p.Selector))
		for name, value := range p.Selector {
			labels[name] = value
		}
		pod["nodeSelector"] = labels
	}
	if p.Priority != "" {
		pod["priorityClassName"] = p.Priority
	}
	var tolerations []any
	for _, t := range p.Tolerations {
		out := map[string]any{"operator": t.Operator}
		for field, text := range map[string]string{"key": t.Key, "value": t.Value, "effect": t.Effect} {
			if text != "" {
				out[field] = text
			}
		}
		if t.Seconds != nil {
			out["tolerationSeconds"] = *t.Seconds
		}
		tolerations = append(tolerations, out)
	}
	if len(tolerations) > 0 {
		pod["tolerations"] = tolerations
	}
	affinity := make(map[string]any)
	if terms := nodeTerms(p); len(terms) > 0 {
		affinity["nodeAffinity"] = map[string]any{"requiredDuringSchedulingIgnoredDuringExecution": map[string]any{"nodeSelectorTerms": terms}}
	}
	if apart := m.apart(p.AntiAffinity); len(apart) > 0 {
		affinity["podAntiAffinity"] = map[string]any{"preferredDuringSchedulingIgnoredDuringExecution": apart}
	}
	if len(affinity) > 0 {
		pod["affinity"] = affinity
	}
}

// nodeTerms are the kinds of nodes of which one will do: for each tag those that
// have it, and of these only the ones with a name that is asked for.
func nodeTerms(p manifest.Placement) []any {
	var names []any
	if len(p.Nodes) > 0 {
		names = []any{map[string]any{"key": hostname, "operator": "In", "values": list(p.Nodes)}}
	}
	if len(p.Tags) == 0 {
		if names == nil {
			return nil
		}
		return []any{map[string]any{"matchExpressions": names}}
	}
	var terms []any
	for _, tag := range p.Tags {
		has := map[string]any{"key": tag.Key, "operator": "Exists"}
		if !tag.Any {
			has = map[string]any{"key": tag.Key, "operator": "In", "values": []any{tag.Value}}
		}
		terms = append(terms, map[string]any{"matchExpressions": append([]any{has}, names...)})
	}
	return terms
}

// apart are the services whose nodes are avoided as long as there are others: a
// cluster of one node runs them all the same.
func (m *maker) apart(services []string) []any {
	var terms []any
	for _, name := range services {
		terms = append(terms, map[string]any{"weight": int64(100), "podAffinityTerm": map[string]any{
			"topologyKey":   hostname,
			"labelSelector": map[string]any{"matchLabels": selector(m.app, manifest.Service{Name: name})},
		}})
	}
	return terms
}

// spread keeps the Pods of svc apart: as it asks for, or over hosts where it has
// two Pods or more.
func (m *maker) spread(svc manifest.Service, pod map[string]any) {
	s := svc.Pod.Placement.Spread
	if s == nil {
		if svc.MinCount < 2 || !svc.Pod.Kind.Counted() {
			return
		}
		s = &manifest.Spread{MaxSkew: 1}
	}
	key, otherwise := hostname, "ScheduleAnyway"
	if s.Zone {
		key = zone
	}
	if s.Required {
		otherwise = "DoNotSchedule"
	}
	pod["topologySpreadConstraints"] = []any{map[string]any{
		"maxSkew":           s.MaxSkew,
		"topologyKey":       key,
		"whenUnsatisfiable": otherwise,
		"labelSelector":     map[string]any{"matchLabels": selector(m.app, svc)},
	}}
}
