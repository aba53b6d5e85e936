package workload

import (
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

const (
	// Of a CronJob, as those of jobs: have them (spec 2.17).
	startDeadlineSeconds = 200
	keepRuns             = 3
)

// daemonSet makes the DaemonSet of svc: a Pod on each node.
func (m *maker) daemonSet(svc manifest.Service, e *environment) render.Object {
	spec := map[string]any{
		"revisionHistoryLimit": int64(keepRevisions),
		"selector":             map[string]any{"matchLabels": selector(m.app, svc)},
		"updateStrategy": map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{
			"maxUnavailable": number(svc.MaxUnavailable), "maxSurge": number(svc.MaxSurge)}},
		"template": m.template(svc, e, m.pod(svc, e)),
	}
	minReady(spec, svc)
	o := object("apps/v1", "DaemonSet", svc.Name, map[string]any{"spec": spec})
	byHand(&o, svc)
	return o
}

// statefulSet makes the StatefulSet of svc: Pods with names and volumes of their
// own, found through the headless Service beside it.
func (m *maker) statefulSet(svc manifest.Service, e *environment) render.Object {
	spec := map[string]any{
		"revisionHistoryLimit": int64(keepRevisions),
		"selector":             map[string]any{"matchLabels": selector(m.app, svc)},
		"serviceName":          headless(svc),
		"updateStrategy":       map[string]any{"type": "RollingUpdate"},
		"template":             m.template(svc, e, m.pod(svc, e)),
	}
	minReady(spec, svc)
	claimTemplates(svc, spec)
	o := object("apps/v1", "StatefulSet", svc.Name, map[string]any{"spec": spec})
	o.Stage = render.StageWorkload // those of databases come earlier
	count(&o, svc)
	byHand(&o, svc)
	return o
}

func headless(svc manifest.Service) string { return render.Name(svc.Name, "headless") }

// peers makes the Service that gives each Pod of a StatefulSet its name.
func (m *maker) peers(svc manifest.Service) render.Object {
	spec := map[string]any{"clusterIP": "None", "selector": selector(m.app, svc)}
	if ports := m.servicePorts(svc); len(ports) > 0 {
		spec["ports"] = ports
	}
	return object("v1", "Service", headless(svc), map[string]any{"spec": spec})
}

// jobOf makes the Job of svc. Its template cannot change, so that a new one is a
// new Job: it runs once for each image, command and configuration.
func (m *maker) jobOf(svc manifest.Service, e *environment) render.Object {
	return object("batch/v1", "Job", svc.Name, map[string]any{"spec": once(m.template(svc, e, m.ends(svc, e)))})
}

// cronJobOf makes the CronJob of svc. A change never starts it.
func (m *maker) cronJobOf(svc manifest.Service, e *environment) render.Object {
	svc.RestartOnDeploy = nil
	return object("batch/v1", "CronJob", svc.Name, map[string]any{"spec": map[string]any{
		"schedule":                   svc.Pod.Schedule,
		"timeZone":                   svc.Pod.TimeZone,
		"concurrencyPolicy":          "Forbid",
		"startingDeadlineSeconds":    int64(startDeadlineSeconds),
		"successfulJobsHistoryLimit": int64(keepRuns),
		"failedJobsHistoryLimit":     int64(keepRuns),
		"jobTemplate":                map[string]any{"spec": once(m.template(svc, e, m.ends(svc, e)))},
	}})
}

// once is the spec of a Job that is tried once (retries of spec 2.17).
func once(template map[string]any) map[string]any {
	return map[string]any{"backoffLimit": int64(0), "template": template}
}

// ends makes the spec of Pods that run to their end.
func (m *maker) ends(svc manifest.Service, e *environment) map[string]any {
	pod := m.pod(svc, e)
	pod["restartPolicy"] = "Never"
	return pod
}
