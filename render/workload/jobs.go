package workload

import (
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// neverDue is the schedule of a job that only people start: a CronJob must have
// one, and this one is suspended.
const neverDue = "0 0 1 1 *"

// cronJob makes the CronJob of a job of svc (spec 2.17).
func (m *maker) cronJob(svc manifest.Service, job manifest.Job) render.Object {
	e, _ := newEnvironment(m.app.Variables, m.common, svc) // ofService has told the problems
	run := map[string]any{
		"backoffLimit": job.Retries,
		"template":     m.task(svc, m.runner(svc, e, job.Words), job.Name),
	}
	if job.Timeout > 0 {
		run["activeDeadlineSeconds"] = int64(job.Timeout.Seconds())
	}
	spec := map[string]any{
		"schedule":                   job.Schedule,
		"timeZone":                   job.TimeZone,
		"suspend":                    job.Paused,
		"concurrencyPolicy":          job.Concurrency,
		"startingDeadlineSeconds":    int64(job.Deadline.Seconds()),
		"successfulJobsHistoryLimit": job.Keep,
		"failedJobsHistoryLimit":     job.Keep,
		"jobTemplate":                map[string]any{"spec": run},
	}
	if job.Schedule == "" {
		spec["schedule"], spec["suspend"] = neverDue, true
	}
	o := object("batch/v1", "CronJob", job.Name, map[string]any{"spec": spec})
	o.Origin = job.Pos
	label(&o, m.app, svc.Name)
	if job.PauseDuringDeploy {
		metadata(&o, "annotations")[render.AnnotationPauseDuringDeploy] = "true"
	}
	return o
}
