package workload

import (
	"cmp"
	"slices"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// Figures of spec 2.8, in seconds.
const (
	commandDeadline = 3600
	commandKept     = 86400 // after its end
)

// commands adds the Jobs and CronJobs of the application: the commands of its
// services around a deployment, and its scheduled jobs.
func (m *maker) commands() {
	services := slices.Clone(m.app.Services)
	// A service that others require goes first; otherwise the order is that of the file.
	slices.SortStableFunc(services, func(a, b manifest.Service) int { return cmp.Compare(a.Wave, b.Wave) })
	var before sequence
	for _, svc := range services {
		if build := svc.Steps.Build; build != nil {
			m.mark("build."+svc.Name, build.Mark)
			if build.Due {
				before.add(m.command(svc, "build", build.Step))
			}
		}
		if svc.Steps.Deploy != nil {
			before.add(m.command(svc, "deploy", *svc.Steps.Deploy))
		}
	}
	m.add(before.in(render.StageCommand, 0)...)
	for _, job := range m.app.Commands.Jobs {
		if i := slices.IndexFunc(m.app.Services, func(s manifest.Service) bool { return s.Name == job.Service }); i >= 0 {
			m.add(m.cronJob(m.app.Services[i], job))
		}
	}
}

// mark has a value recorded once a deployment has succeeded.
func (m *maker) mark(name, value string) {
	if m.marks == nil {
		m.marks = make(map[string]string)
	}
	m.marks[name] = value
}

// sequence is a row of Jobs that run one at a time.
type sequence []render.Object

func (s *sequence) add(o render.Object) { *s = append(*s, o) }

// in gives each Job of s a wave of its own, from wave on.
func (s sequence) in(stage render.Stage, wave int) []render.Object {
	for i := range s {
		s[i].Stage, s[i].Wave = stage, wave+i
	}
	return s
}

// command makes the Job of a command of svc. It bears the revision, in its name
// and in the template, so that each one runs it again.
func (m *maker) command(svc manifest.Service, kind string, step manifest.Step) render.Object {
	e, _ := newEnvironment(m.app.Variables, m.common, svc) // ofService has told the problems
	o := m.job(m.bound(svc.Name, kind), m.task(svc, e, step.Words, render.Name(svc.Name, kind)), step.Pos)
	m.bind(o)
	label(&o, m.app, svc.Name)
	return o
}

// bound is a name that ends in the revision. A folder has none.
func (m *maker) bound(parts ...string) string {
	if m.revision.IsZero() {
		return render.Name(parts...)
	}
	return render.Name(append(parts, m.revision.Hash[:7])...)
}

// bind makes a new revision render the application again.
func (m *maker) bind(o render.Object) {
	if m.revision.IsZero() {
		return
	}
	template := o.Body["spec"].(map[string]any)["template"].(map[string]any)
	template["metadata"].(map[string]any)["annotations"] = map[string]any{render.AnnotationDeployment: m.revision.Hash}
}

// job makes a Job that a deployment waits for.
func (m *maker) job(name string, template map[string]any, pos sources.Position) render.Object {
	o := object("batch/v1", "Job", name, map[string]any{"spec": map[string]any{
		"backoffLimit":            int64(0),
		"activeDeadlineSeconds":   int64(commandDeadline),
		"ttlSecondsAfterFinished": int64(commandKept),
		"template":                template,
	}})
	o.Command, o.Origin = true, pos
	return o
}

// task makes the template of Pods that run words to the end in the place of svc:
// its image, variables, account, resources, nodes and volumes, but neither its
// ports and probes nor the labels that Services select by.
func (m *maker) task(svc manifest.Service, e *environment, words []string, component string) map[string]any {
	svc.Command = words
	c := m.container(svc, e)
	delete(c, "args") // those of the command that is replaced
	pod := m.runs(svc, c)
	pod["restartPolicy"] = "Never"
	m.share(pod)
	m.harden(svc, pod)
	return map[string]any{
		"metadata": map[string]any{"labels": map[string]any{"app": m.app.App, "app.kubernetes.io/component": component}},
		"spec":     pod,
	}
}

// share leaves a Pod only volumes that it can have while the Pods of its service
// run: a claim must be ReadWriteMany, or the Job would wait for them to end.
func (m *maker) share(pod map[string]any) {
	kept := make(map[string]bool)
	volumes, _ := pod["volumes"].([]any)
	volumes = slices.DeleteFunc(slices.Clone(volumes), func(v any) bool {
		volume := v.(map[string]any)
		claim, isClaim := volume["persistentVolumeClaim"].(map[string]any)
		if isClaim && !m.sharedClaim(claim["claimName"]) {
			return true
		}
		kept[volume["name"].(string)] = true
		return false
	})
	setOrDelete(pod, "volumes", volumes)
	for _, c := range pod["containers"].([]any) {
		c := c.(map[string]any)
		mounts, _ := c["volumeMounts"].([]any)
		setOrDelete(c, "volumeMounts", slices.DeleteFunc(slices.Clone(mounts), func(v any) bool {
			return !kept[v.(map[string]any)["name"].(string)]
		}))
	}
}

func setOrDelete(m map[string]any, field string, list []any) {
	if len(list) == 0 {
		delete(m, field)
	} else {
		m[field] = list
	}
}

// sharedClaim reports whether a claim of the application is ReadWriteMany.
func (m *maker) sharedClaim(name any) bool {
	for _, o := range m.objects {
		if o.Body["kind"] == "PersistentVolumeClaim" && o.Body["metadata"].(map[string]any)["name"] == name {
			spec, _ := o.Body["spec"].(map[string]any)
			modes, _ := spec["accessModes"].([]any)
			return slices.Contains(modes, any("ReadWriteMany"))
		}
	}
	return false
}
