package workload

import (
	"context"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/edge"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/render/validate"
	"rondo.dev/rondo/sources"
)

// Builder makes the objects of an application with a manifest. It implements
// [render.Builder]. The zero value is ready for lint, render and score.
type Builder struct {
	// Key keeps the hashes of Secrets in Pod annotations from being guessed.
	// Another key restarts the services that have secrets.
	Key []byte
	// Decrypt opens files that are encrypted with SOPS; nil: there is no key.
	Decrypt render.Decrypt
}

var _ render.Builder = Builder{}

// Inputs lists the places where a manifest and what belongs to it may be.
func (b Builder) Inputs(in render.Input) []string {
	return manifest.Inputs(in.Snapshot, in.Manifest, in.Environment)
}

// Build reads the manifest and makes everything that it asks for. The Origin of
// an object is the service, variable or database that it is there for.
func (b Builder) Build(ctx context.Context, in render.Input) (render.Draft, error) {
	if err := ctx.Err(); err != nil {
		return render.Draft{}, err
	}
	o := manifest.Options{
		App:         in.App,
		Environment: in.Environment,
		Namespace:   in.Namespace,
		Path:        in.Manifest,
		Facts:       in.Facts,
		Incomplete:  in.Incomplete,
		Images:      in.Images,
	}
	if b.Decrypt != nil {
		o.Decrypt = func(format string, data []byte) (map[string]string, error) { return b.Decrypt(ctx, format, data) }
	}
	parsed, err := manifest.Parse(in.Snapshot, o)
	draft := render.Draft{Problems: parsed.Problems, Keys: parsed.Keys, Reads: parsed.Reads}
	if err != nil || parsed.App == nil {
		return draft, err
	}
	m := b.make(parsed.App, in)
	draft.Objects, draft.Problems = m.objects, append(draft.Problems, m.problems...)
	draft.Once, draft.Marks = m.app.Once, m.app.Marks
	draft.Check = parsed.App.Settings.Check
	draft.Shared = parsed.App.Shared()
	return draft, nil
}

// make is Build after parsing.
func (b Builder) make(app *manifest.Application, in render.Input) *maker {
	m := &maker{key: b.Key, app: app, images: in.Images, facts: in.Facts, common: shared(app.Variables)}
	m.commonHash = m.common.hash(b.Key)
	if in.Snapshot != nil {
		m.revision = in.Snapshot.Revision()
	}
	m.application()
	m.databases()
	routes, problems := edge.Routes(app.Services)
	m.report(problems)
	for _, svc := range app.Services {
		m.ofService(svc, routes)
	}
	m.commands()
	m.isolation()
	m.preferences()
	m.report(validate.Objects(m.objects, validate.Options{ClusterVersion: m.facts.ClusterVersion}))
	return m
}

// maker makes the objects of one application and gathers them.
type maker struct {
	key        []byte
	app        *manifest.Application
	images     map[string]string // by the name of the service as written
	facts      render.Facts
	revision   sources.Revision
	common     settings
	commonHash string // of common

	objects  []render.Object
	problems []render.Problem
}

// Names of the ConfigMaps and Secrets with variables (spec 2.1).
func (m *maker) sharedConfig() string         { return render.Name(m.app.App, "environment") }
func (m *maker) sharedSecret() string         { return render.Name(m.app.App, "environment", "variables") }
func ownSettings(svc manifest.Service) string { return render.Name(svc.Name, "env") }

func (m *maker) add(objects ...render.Object)     { m.objects = append(m.objects, objects...) }
func (m *maker) report(problems []render.Problem) { m.problems = append(m.problems, problems...) }

// application adds what all services share.
func (m *maker) application() {
	objects := append(m.common.objects(m.sharedConfig(), m.sharedSecret()), generated(m.app.GeneratedSecret(), m.app.Variables)...)
	var first sources.Position
	for _, v := range m.app.Variables {
		// One that was set through the API has no line.
		if first.Line == 0 || v.Pos.File == first.File && v.Pos.Line > 0 && v.Pos.Line < first.Line {
			first = v.Pos
		}
	}
	for i := range objects {
		label(&objects[i], m.app, "")
		objects[i].Origin = first
	}
	m.add(objects...)
}

// databases adds the databases, and what stands for those that run elsewhere.
func (m *maker) databases() {
	for _, v := range m.app.Volumes {
		o := data.Shared(v)
		label(&o, m.app, v.Claim)
		m.add(o)
	}
	for _, db := range m.app.Databases {
		objects, problems := data.Objects(m.app, db)
		for i := range objects {
			label(&objects[i], m.app, data.Name(db))
		}
		m.add(objects...)
		m.report(problems)
	}
	for _, o := range data.Backups(m.app) {
		label(&o, m.app, o.Body["metadata"].(map[string]any)["name"].(string))
		m.add(o)
	}
}

// ofService adds the objects of svc.
func (m *maker) ofService(svc manifest.Service, routes []edge.Route) {
	e, problems := newEnvironment(m.app.Variables, m.common, svc)
	m.report(problems)
	workload := m.workload(svc, e)
	objects := append(e.own.objects(ownSettings(svc), ownSettings(svc)), generated(svc.GeneratedSecret(), svc.Env)...)
	objects = append(append(objects, m.fileObjects(svc)...), claims(svc)...)
	objects = append(objects, workload)
	if len(svc.Ports) > 0 {
		objects = append(objects, m.service(svc))
		if svc.Pod.Kind != manifest.KindDaemonSet { // which opens them on its nodes
			objects = append(objects, m.external(svc)...)
		}
	}
	if svc.Pod.Kind == manifest.KindStatefulSet {
		objects = append(objects, m.peers(svc))
	}
	if svc.Pod.Kind.Counted() && (svc.MinCount >= 2 || svc.Pod.Disruption != nil) {
		objects = append(objects, m.budget(svc))
	}
	if svc.Pod.Scaling != nil {
		objects = append(objects, m.scaler(svc, workload))
	}
	if ingress, ok := edge.Ingress(svc.Name, routes, m.facts.IngressClass); ok {
		objects = append(objects, ingress)
	}
	for i := range objects {
		objects[i].Origin = svc.Pos
		label(&objects[i], m.app, svc.Name)
		if prune, ok := svc.Annotations[render.AnnotationPrune]; ok {
			metadata(&objects[i], "annotations")[render.AnnotationPrune] = prune
		}
	}
	m.add(objects...)
}
