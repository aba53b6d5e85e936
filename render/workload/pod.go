package workload

import "rondo.dev/rondo/render/manifest"

// pod makes the spec of the Pods that serve svc.
func (m *maker) pod(svc manifest.Service, e *environment) map[string]any {
	c := m.container(svc, e)
	m.serves(svc, e, c)
	pod := m.runs(svc, c)
	m.initialise(svc, e, pod, c)
	pod["terminationGracePeriodSeconds"] = int64(svc.StopGrace.Seconds())
	if drains(svc) {
		pod["terminationGracePeriodSeconds"] = int64(svc.StopGrace.Seconds()) + drainSeconds
	}
	if svc.MinCount >= 2 {
		pod["topologySpreadConstraints"] = []any{map[string]any{
			"maxSkew":           int64(1),
			"topologyKey":       "kubernetes.io/hostname",
			"whenUnsatisfiable": "ScheduleAnyway",
			"labelSelector":     map[string]any{"matchLabels": selector(m.app, svc)},
		}}
	}
	return pod
}

// runs makes a Pod spec around a container of svc: what is the same for the
// Pods that serve it and for Jobs that run in its place. Jobs have neither its
// ports nor its probes, nor the labels by which Services find Pods.
func (m *maker) runs(svc manifest.Service, c map[string]any) map[string]any {
	pod := map[string]any{"containers": []any{c}}
	m.place(svc, pod)
	m.mount(svc, pod, c)
	return pod
}

// place says where the Pods of svc run and as whom.
func (m *maker) place(svc manifest.Service, pod map[string]any) {}
