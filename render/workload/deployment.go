package workload

import (
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// deployment makes the Deployment of svc.
func (m *maker) deployment(svc manifest.Service, e *environment) render.Object {
	strategy := map[string]any{"type": "Recreate"}
	if !svc.Pod.Recreate {
		strategy = map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{
			"maxUnavailable": number(svc.MaxUnavailable), "maxSurge": number(svc.MaxSurge)}}
	}
	spec := map[string]any{
		"revisionHistoryLimit": int64(keepRevisions),
		"selector":             map[string]any{"matchLabels": selector(m.app, svc)},
		"strategy":             strategy,
		"template":             m.template(svc, e, m.pod(svc, e)),
	}
	minReady(spec, svc)
	if svc.Pod.ProgressDeadline > 0 {
		spec["progressDeadlineSeconds"] = int64(svc.Pod.ProgressDeadline.Seconds())
	}
	o := object("apps/v1", "Deployment", svc.Name, map[string]any{"spec": spec})
	count(&o, svc)
	byHand(&o, svc)
	return o
}
