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

// commands adds the Jobs and CronJobs of the application: its hooks, the commands
// of its services around a deployment, and its scheduled jobs.
func (m *maker) commands() {
	hooks := m.hooks()
	before := slices.Concat(hooks[manifest.AfterData], hooks[manifest.BeforeServices])
	services := slices.Clone(m.app.Services)
	// A service that others require goes first; otherwise the order is that of the file.
	slices.SortStableFunc(services, func(a, b manifest.Service) int { return cmp.Compare(a.Wave, b.Wave) })
	last := 0
	for _, svc := range services {
		last = max(last, svc.Wave)
		if build := svc.Steps.Build; build != nil && build.Due {
			before = append(before, []render.Object{m.command(svc, "build", build.Step)})
		}
		if svc.Steps.Deploy != nil {
			before = append(before, []render.Object{m.command(svc, "deploy", *svc.Steps.Deploy)})
		}
	}
	before = append(before, hooks[manifest.BeforeRestart]...)
	// What a hook needs to run is in wave 0 of the same stage.
	m.inTurn(slices.Concat(hooks[manifest.FirstThing], hooks[manifest.BeforeData]), render.StageConfig, 1)
	m.inTurn(before, render.StageCommand, 0)
	m.inTurn(hooks[manifest.BeforeEdge], render.StageWorkload, last+1)
	m.inTurn(hooks[manifest.AfterServices], render.StageAfter, 0)
	for _, job := range m.app.Commands.Jobs {
		if svc, ok := m.serviceNamed(job.Service); ok {
			m.add(m.cronJob(svc, job))
		}
	}
}

// serviceNamed finds a service by its object name.
func (m *maker) serviceNamed(name string) (manifest.Service, bool) {
	i := slices.IndexFunc(m.app.Services, func(s manifest.Service) bool { return s.Name == name })
	if i < 0 {
		return manifest.Service{}, false
	}
	return m.app.Services[i], true
}

// inTurn adds Jobs that run one after the other: each turn has a wave of its
// own, from wave on.
func (m *maker) inTurn(turns [][]render.Object, stage render.Stage, wave int) {
	for i, jobs := range turns {
		for _, o := range jobs {
			o.Stage, o.Wave = stage, wave+i
			m.add(o)
		}
	}
}

// command makes the Job of a command of svc. It bears the revision, in its name
// and in the template, so that each one runs it again.
func (m *maker) command(svc manifest.Service, kind string, step manifest.Step) render.Object {
	e, _ := newEnvironment(m.app.Variables, m.common, svc) // ofService has told the problems
	o := m.job(m.bound(svc.Name, kind), m.task(svc, m.runner(svc, e, step.Words), render.Name(svc.Name, kind)), step.Pos)
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

// runner makes a container of svc that runs words instead of its own command.
func (m *maker) runner(svc manifest.Service, e *environment, words []string) map[string]any {
	svc.Command = words
	c := m.container(svc, e)
	delete(c, "args") // those of the command that is replaced
	if !e.known("PRIMARY") {
		// What ran once ran on the primary server (spec 2.10).
		env, _ := c["env"].([]any)
		c["env"] = append(slices.Clone(env), map[string]any{"name": "PRIMARY", "value": "true"})
	}
	return c
}

// task makes the template of Pods that run c to the end in the place of svc: its
// variables, account, resources, nodes and volumes, but neither its ports and
// probes nor the labels that Services select by.
func (m *maker) task(svc manifest.Service, c map[string]any, component string) map[string]any {
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
