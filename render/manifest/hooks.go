package manifest

import (
	"maps"
	"path"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// maxHooks bounds the hooks of an application.
const maxHooks = 200

// hook is one hook while it is being read.
type hook struct {
	rawHook
	n     *node
	place place
	point hookPoint
	scope *service // whose variables its texts may refer to
	out   Hook
	// Script of inline or source; nil: a command.
	file *HookFile
	runs bool // false: only the file is there, for later hooks
}

// hooks reads deploy_hooks, which holds those of the file as well by now.
func (r *reader) hooks(n *node, app *Application) {
	r.hooksElsewhere()
	if n == nil {
		return
	}
	var table hookTable
	at := place{}.key("deploy_hooks")
	r.walk(n, at, table.options())
	var found []*hook
	total := 0
	for i, point := range hookPoints() {
		names := map[string]bool{}
		for j, item := range items(table.at[i]) {
			at := at.key(point.name).index(j).of("hook " + point.name + " " + itoa(j+1))
			if total++; total > maxHooks {
				r.fault(item, at, "E-VALUE", "is one of more than %d hooks", "put several commands into one script", maxHooks)
				return
			}
			h := r.hook(item, at, point, j+1, app)
			switch {
			case h == nil:
			case names[h.out.Name]:
				r.fault(item, at, "E-NAME-COLLISION", "has the name of another hook of the same moment", "rename it")
			default:
				names[h.out.Name] = true
				found = append(found, h)
			}
		}
	}
	app.Commands.Hooks = r.handOn(found)
}

// handOn gives each hook that runs the files of earlier ones that it names, and
// leaves out what does not run. A file that nobody names would do nothing.
func (r *reader) handOn(found []*hook) []Hook {
	var out []Hook
	used := map[*hook]bool{}
	for i, h := range found {
		if !h.runs {
			continue
		}
		text := strings.Join(h.out.Words, " ")
		if h.file != nil {
			h.out.Files = append(h.out.Files, *h.file)
			text += h.file.Text
		}
		for _, earlier := range found[:i] {
			if earlier.file == nil || earlier.runs || !strings.Contains(text, earlier.file.Path) {
				continue
			}
			used[earlier] = true
			if slices.ContainsFunc(h.out.Files, func(f HookFile) bool { return f.Path == earlier.file.Path }) {
				r.fault(earlier.n, earlier.place, "E-VALUE", "puts its file where another hook has one", "choose another destination")
				continue
			}
			h.out.Files = append(h.out.Files, *earlier.file)
		}
		out = append(out, h.out)
	}
	for _, h := range found {
		if !h.runs && !used[h] {
			r.fault(h.n, h.place, "W-HOOK-NOEXEC", "does nothing: it is not executed, and no later hook names its file", "add execute: true")
		}
	}
	return out
}

// hook reads one hook; nil after its faults were told, or where it does not run
// in this deployment.
func (r *reader) hook(n *node, at place, point hookPoint, number int, app *Application) *hook {
	if n.isNull() {
		return nil
	}
	if n.shape != Mapping {
		r.fault(n, at, "E-TYPE", "is %s, not a mapping", "write {command: …, target: …}", form(n))
		return nil
	}
	h := &hook{n: n, place: at, point: point}
	errors := r.errors
	r.walk(n, at, h.options())
	h.out = Hook{Pos: n.pos, Point: point.name, Moment: point.moment, Engine: point.engine}
	h.out.Name = r.hookName(h, number)
	here := r.hookTarget(h, app) && r.hookApplies(h, app)
	if r.errors > errors || h.scope == nil {
		return nil
	}
	// The texts may refer to the variables of the service and to the hook's own.
	own := r.vars.services[h.scope.name]
	scope := &scope{own: map[string]*variable{}}
	if own != nil {
		maps.Copy(scope.own, own.own)
	}
	key := "\x00hook"
	r.vars.services[key] = scope
	defer delete(r.vars.services, key)
	h.scope = &service{name: key, rawName: key, place: at}

	h.out.Env = r.hookVariables(h, scope)
	r.hookWords(h)
	r.hookUser(h)
	if halt, written := boolean(h.halt); written {
		h.out.Tolerate = !halt
	}
	if h.on != nil && h.on.text == "all_servers" {
		r.hookNodes(h)
	}
	if r.errors > errors || !here {
		return nil
	}
	return h
}

// hookName names the objects of a hook.
func (r *reader) hookName(h *hook, number int) string {
	name := itoa(number)
	if h.name != nil {
		name = strings.ReplaceAll(strings.ToLower(h.name.text), "_", "-")
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-") {
			r.fault(h.name, h.place.key("name"), "E-NAME-SYNTAX", "cannot be part of a name", "use letters, digits, - and _")
		}
	}
	return render.Name("hook", strings.ReplaceAll(h.point.name, "_", "-"), name)
}

// hookTarget decides whose image and variables h has. It is false where there is
// nobody to run it.
func (r *reader) hookTarget(h *hook, app *Application) bool {
	at := h.place.key("target")
	const known = "write any, docker, rails, a database engine, or service: and the name of one"
	if h.target == nil {
		r.fault(h.n, h.place, "E-VALUE", "has no target", known)
		return false
	}
	target := h.target.text
	name, isService := strings.CutPrefix(target, "service:")
	switch {
	case isService:
		h.scope = r.named(strings.TrimSpace(name), h.target, at)
	case slices.Contains([]string{"any", "docker", "rails", "rack", "sinatra", "padrino", "node"}, target):
		if h.service != nil {
			h.scope = r.named(h.service.text, h.service, h.place.key("service"))
		} else if h.scope = r.firstBuilt(); h.scope == nil {
			return false // there is no service at all, which was told
		}
	case slices.Contains(engineNames[:], target) && target != "glusterfs":
		if !slices.ContainsFunc(app.Databases, func(d Database) bool { return d.Engine == family(target) }) {
			r.fault(h.target, at, "E-VALUE", "names a database that the application does not have", "add it to databases:, or name another target")
			return false
		}
		h.out.Client, h.scope = family(target), &service{}
		return true
	case target == "custom":
		r.fault(h.target, at, "W-NOT-APPLICABLE", "names a custom server, so the hook never runs", "write service: and the name of one")
		h.scope = &service{}
		return false
	default:
		r.fault(h.target, at, "E-VALUE", "does not exist", known)
		return false
	}
	if h.scope == nil {
		return false
	}
	h.out.Service = h.scope.name
	return slices.ContainsFunc(app.Services, func(s Service) bool { return s.Name == h.out.Service })
}

// firstBuilt is the first service that is built from source, else the first;
// nil where there is none.
func (r *reader) firstBuilt() *service {
	for _, s := range r.all {
		if s.git != nil {
			return s
		}
	}
	if len(r.all) > 0 {
		return r.all[0]
	}
	return nil
}

// hookApplies reports whether h belongs to this deployment.
func (r *reader) hookApplies(h *hook, app *Application) bool {
	if h.point.engine != "" && !slices.ContainsFunc(app.Databases, func(d Database) bool { return d.Engine == h.point.engine }) {
		r.fault(h.n, h.place, "W-NOT-APPLICABLE", "never runs: the application has no %s", "remove it, or move it to another moment", h.point.engine)
		return false
	}
	due, _ := r.due("hooks", "")
	switch {
	case h.during == nil:
		return true
	case h.during.text == "build_only":
		return due
	case h.during.text == "deploy_only":
		return !due
	}
	return true
}

// hookVariables reads env_vars.
func (r *reader) hookVariables(h *hook, scope *scope) []Variable {
	if h.variables == nil {
		return nil
	}
	var names []string
	for _, f := range h.variables.fields {
		if v := r.variable(f, h.place.key("env_vars")); v != nil {
			if v.made > 0 {
				r.fault(f.value, h.place.key("env_vars").key(f.key), "E-VALUE", "asks for a value that is made up, which only services have", "set it in env_vars of the service")
				continue
			}
			v.owner = scope
			scope.own[v.name] = v
			names = append(names, v.name)
		}
	}
	var out []Variable
	for _, name := range slices.Sorted(slices.Values(names)) {
		v := scope.own[name]
		if res := r.resolve(v); res.ok {
			out = append(out, Variable{Pos: v.n.pos, Name: name, Secret: res.secret, Value: res.value})
		}
	}
	return out
}

// hookWords reads what runs.
func (r *reader) hookWords(h *hook) {
	kinds := map[string]*node{"command": h.command, "inline": h.inline, "source": h.source}
	var given []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if kinds[kind] != nil {
			given = append(given, kind)
		}
	}
	switch len(given) {
	case 1:
	case 0:
		r.fault(h.n, h.place, "E-VALUE", "has nothing to run", "add command:")
		return
	default:
		r.fault(h.n, h.place, "E-VALUE", "has both %s", "keep one; the others are hooks of their own", strings.Join(given, " and "))
		return
	}
	h.runs = h.command != nil
	if execute, written := boolean(h.execute); written {
		h.runs = execute
	}
	if h.command == nil {
		h.file = r.script(h)
		if h.file == nil {
			return
		}
		if h.out.Words = []string{h.file.Path}; !strings.HasPrefix(h.file.Text, "#!") || !h.file.Executable {
			h.out.Words = []string{"/bin/sh", h.file.Path}
		}
		return
	}
	for name, n := range map[string]*node{"destination": h.destination, "parse": h.parse, "executable": h.executable} {
		if n != nil {
			r.fault(n, h.place.key(name), "W-NOT-APPLICABLE", "has no effect on a command", "remove it")
		}
	}
	h.out.Words = r.commandOf(h.command, h.place.key("command"), h.scope)
}

// hookUser reads run_as and sudo.
func (r *reader) hookUser(h *hook) {
	sudo, _ := boolean(h.sudo)
	switch {
	case h.user != nil && sudo:
		r.fault(h.sudo, h.place, "E-HOOK-USER", "has both run_as and sudo", "keep one of the two")
	case h.user != nil:
		id, ok := integer(h.user)
		if !ok || id < 0 || id > 1<<31-1 {
			r.fault(h.user, h.place.key("run_as"), "E-VALUE", "is no number of a user", "write the number; Kubernetes knows no names")
			return
		}
		if id == 0 && !r.o.Facts.Policy.HostAccess {
			r.fault(h.user, h.place.key("run_as"), "E-POLICY-HOST", "asks for root, which the operator does not allow", "write another user, or ask the operator for host_access")
			return
		}
		h.out.User = &id
	case sudo && !r.o.Facts.Policy.HostAccess:
		r.fault(h.sudo, h.place.key("sudo"), "E-POLICY-HOST", "asks for root, which the operator does not allow", "remove it, or ask the operator for host_access")
	case sudo:
		h.out.User = new(int64)
	}
}

// hookNodes reads run_on: all_servers.
func (r *reader) hookNodes(h *hook) {
	at := h.place.key("run_on")
	switch {
	case !r.o.Facts.Policy.HostAccess:
		r.fault(h.on, at, "E-POLICY-HOST", "names all nodes, which the operator does not allow", "write single_server, or ask the operator for host_access")
	case len(r.o.Facts.Nodes) == 0:
		r.notBuilt(h.on.pos, at, at.String()+": all_servers, where the nodes are not known,", "write single_server")
	default:
		h.out.Nodes = r.o.Facts.Nodes
	}
}

// script reads the file of inline or source.
func (r *reader) script(h *hook) *HookFile {
	n, kind, base := h.inline, "inline", strings.TrimPrefix(h.out.Name, "hook-")
	if n == nil {
		n, kind = h.source, "source"
	}
	at := h.place.key(kind)
	out := &HookFile{Pos: n.pos, Name: render.Name(h.out.Name, "file"), Text: n.text}
	if kind == "source" {
		text, ok := r.sourceFile(n, at)
		if !ok {
			return nil
		}
		out.Text, base = text, path.Base(inRepository(n.text))
		if h.destination == nil {
			r.fault(h.n, h.place, "E-VALUE", "does not say where its file goes", "add destination: with an absolute path")
			return nil
		}
	}
	if strings.TrimSpace(out.Text) == "" {
		r.fault(n, at, "E-VALUE", "is an empty script", "write a command in it, or remove the hook")
		return nil
	}
	out.Path = path.Join("/tmp/deploy_hooks", base)
	if h.destination != nil {
		p, ok := destination(h.destination.text, base)
		if !ok {
			r.fault(h.destination, h.place.key("destination"), "E-VALUE", "is no absolute path", "write /tmp/name")
			return nil
		}
		out.Path = p
	}
	execute, _ := boolean(h.execute)
	out.Executable = execute
	if executable, written := boolean(h.executable); written {
		out.Executable = executable || execute
	}
	if parse, written := boolean(h.parse); parse || !written {
		text, ok := r.fillIn(out.Text, n, at, h)
		if !ok {
			return nil
		}
		out.Text = text
	}
	if r.scripts += len(out.Text); len(out.Text) > maxScript || r.scripts > maxScripts {
		r.fault(n, at, "E-FILE-SIZE", "is larger than %d KiB, or all scripts than %d", "make it smaller, or put it into the image", maxScript>>10, maxScripts>>10)
		return nil
	}
	return out
}

// destination is where a file goes. What ends in a slash or in no extension is a
// folder, as in the examples of old manuals, unless it is the file's own name.
func destination(text, base string) (string, bool) {
	p := path.Clean(text)
	if !path.IsAbs(p) || p == "/" && text != "/" || strings.ContainsAny(p, "\x00:") || len(p) > 1024 {
		return "", false
	}
	last := path.Base(p)
	if strings.HasSuffix(text, "/") || !strings.Contains(last, ".") && last != base {
		p = path.Join(p, base)
	}
	return p, true
}
