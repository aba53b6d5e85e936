package manifest

import (
	"maps"
	"slices"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// Options says which application and environment to read, and from where. The
// zero value reads the part that applies to all environments.
type Options struct {
	App         string
	Environment string
	Namespace   string
	Path        string // of the manifest; empty: the usual places
	Facts       render.Facts
	// Incomplete skips what is not built yet instead of refusing it.
	Incomplete bool
	// Images gives the image of services that are built from git, by their
	// name as written.
	Images map[string]string
	// Decrypt opens an encrypted file, as [render.Decrypt] does; nil: there is no key.
	Decrypt func(format string, data []byte) (map[string]string, error)
}

// Result is what [Parse] makes of the files of one environment.
type Result struct {
	App      *Application     // nil when one of the Problems is an error
	Problems []render.Problem // faults in the user's files, by position
	// Keys are the leaf keys of the environment's effective manifest, by position,
	// with what the table of options says about each; [render.Mark] adds what the
	// Problems say. nil where the files are no manifest.
	Keys []render.Key
	// Reads lists the applications that variables refer to, sorted, as written.
	Reads []string
}

// Parse reads the manifest of one environment. The error is for a snapshot that
// cannot be read.
func Parse(snap sources.Snapshot, o Options) (Result, error) {
	r := &reader{o: o, snap: snap, revision: snap.Revision(), reads: map[string]bool{}}
	tree, err := r.load(snap)
	if err != nil {
		return Result{}, err
	}
	var out Result
	if tree != nil {
		out.App = r.application(tree)
		out.Keys = r.keysOf(tree)
		out.Reads = slices.Sorted(maps.Keys(r.reads))
	}
	if r.broken != nil {
		return Result{}, r.broken
	}
	for _, f := range r.foreign {
		if r.errors >= maxProblems {
			break // more would not be shown
		}
		r.elsewhere(f)
	}
	r.settle()
	if r.errors > 0 {
		out.App = nil
	}
	out.Problems = r.problems
	return out, nil
}

// settle gives the Problems their final form and order.
func (r *reader) settle() {
	for i := range r.problems {
		if p := &r.problems[i]; r.strict && p.Code == "W-KEY-UNKNOWN" {
			p.Code = "E-KEY-UNKNOWN"
			r.errors++
		}
	}
	if dropped := max(0, r.errors-maxProblems) + max(0, r.others-maxProblems); dropped > 0 {
		r.problems = append(r.problems, render.Problem{Pos: sources.Position{File: r.root.File}, Code: "I-MORE",
			What: itoa(dropped) + " further findings are not shown"})
	}
	render.SortProblems(r.problems)
	// A text with two references, say, has the same fault twice.
	r.problems = slices.CompactFunc(r.problems, func(a, b render.Problem) bool { return a.Error() == b.Error() && a.Path == b.Path })
}

// application turns the effective tree into the model.
func (r *reader) application(tree *node) *Application {
	var d document
	r.root = tree.pos
	r.walk(tree, place{}, d.options())
	r.strict, _ = boolean(d.strict)
	r.schema(d.version)
	app := &Application{App: r.o.App, Environment: r.o.Environment, Namespace: r.o.Namespace}

	var services []*service
	if d.services != nil || tree.get("services").isNull() { // else its form was refused
		if declared, ok := r.imported(&d); ok {
			services = r.services(declared, d.native)
		}
	}
	r.all = services
	for _, s := range services {
		if s.databases != nil {
			d.databases = joined(d.databases, s.databases)
		}
	}
	r.portless = map[string]bool{}
	for _, s := range services {
		if s.ports.isEmpty() || s.kind != nil && Kind(s.kind.text).Ends() {
			r.portless[s.name] = true
		}
	}
	r.vars.init(r.o.Facts.Variables)
	r.vars.generates = app.GeneratedSecret()
	app.Databases = r.databases(&d)
	app.Volumes = r.sharedVolumes
	r.frameworks(tree)
	r.declare(d.variables)
	r.declareSecrets(d.storage.secretFiles)
	for _, s := range services {
		r.declareOwn(s)
	}
	app.Variables = r.shared(tree.pos)
	r.vars.all = app.Variables
	for _, s := range services {
		if out, ok := r.finish(s); ok {
			app.Services = append(app.Services, out)
		}
	}
	if len(app.Services) == 0 && len(services) > 0 && r.errors == 0 {
		// An empty application would have everything pruned.
		r.add(d.services.pos, "services", "E-SERVICES-NONE", "no service is left to deploy", "see what was skipped")
	}
	r.servers(tree)
	r.settingsOf(tree, &d, app, services)
	r.commandsOf(&d, app)
	r.storageOf(&d, app)
	r.backupsOf(&d, app)
	app.Once, app.Marks = r.once, r.marks
	if len(app.Storage.ShareWith) > 0 {
		app.Addresses = r.addresses()
	}
	r.checkSize(app)
	r.checkNames(app, services)
	r.checkPorts(app.Services)
	r.order(app.Services, services)
	return app
}

// schema checks the version of the service schema.
func (r *reader) schema(n *node) {
	if n == nil {
		return
	}
	switch p := (place{}).key("version"); n.text {
	case "2", "2.0":
	case "1", "1.0":
		r.fault(n, p, "W-DEPRECATED", "1 is read by the rules of version 2", "write version: 2")
	default:
		r.fault(n, p, "E-VALUE", "is not a version of the schema", "write version: 2; Compose files are not read")
	}
}
