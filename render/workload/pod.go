package workload

import "rondo.dev/rondo/render/manifest"

// pod makes the spec of the Pods that serve svc.
func (m *maker) pod(svc manifest.Service, e *environment) map[string]any {
	c := m.container(svc, e)
	m.serves(svc, e, c)
	pod := m.runs(svc, c)
	m.initialise(svc, e, pod, c)
	pod["terminationGracePeriodSeconds"] = int64(svc.StopGrace.Seconds())
	if svc.Drains() {
		pod["terminationGracePeriodSeconds"] = int64(svc.StopGrace.Seconds()) + drainSeconds
	}
	m.spread(svc, pod)
	m.harden(svc, pod)
	return pod
}

// runs makes a Pod spec around a container of svc: what is the same for the
// Pods that serve it and for Jobs that run in its place. Jobs have neither its
// ports nor its probes, nor the labels by which Services find Pods.
func (m *maker) runs(svc manifest.Service, c map[string]any) map[string]any {
	pod := map[string]any{"containers": []any{c}}
	m.place(svc, pod)
	secure(svc, pod, c)
	if svc.Pod.ServiceAccount != "" {
		pod["serviceAccountName"] = svc.Pod.ServiceAccount
	}
	if svc.Pod.DNS != nil {
		pod["dnsConfig"] = dnsConfig(*svc.Pod.DNS)
	}
	m.mount(svc, pod, c)
	return pod
}

// dnsConfig is what is added to the DNS of the cluster.
func dnsConfig(dns manifest.DNS) map[string]any {
	out := make(map[string]any)
	if len(dns.Servers) > 0 {
		out["nameservers"] = list(dns.Servers)
	}
	if len(dns.Searches) > 0 {
		out["searches"] = list(dns.Searches)
	}
	var options []any
	for _, o := range dns.Options {
		option := map[string]any{"name": o.Name}
		if o.Value != "" {
			option["value"] = o.Value
		}
		options = append(options, option)
	}
	if len(options) > 0 {
		out["options"] = options
	}
	return out
}
