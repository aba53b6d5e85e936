package manifest

import (
	"slices"
	"strings"
	"time"

	"rondo.dev/rondo/render"
)

// services walks each entry of services; what it returns still has references.
// Native names a component of applications without containers.
func (r *reader) services(n *node, native string) []*service {
	if n.isEmpty() {
		r.noServices(n, native)
		return nil
	}
	return r.declared(n)
}

// declared is services for a mapping.
func (r *reader) declared(n *node) []*service {
	var out []*service
	var table []Option
	for i, f := range n.fields {
		at := place{}.key("services").key(f.key).of("service " + shown(f.key))
		at.firm = true
		if f.value.shape != Mapping {
			r.notService(f, at, n.fields[i+1:])
			continue
		}
		name, ok := r.objectName(f, at)
		s := &service{name: name, rawName: f.key, place: at,
			self: &node{pos: f.pos, shape: Mapping, fields: f.value.fields}}
		errors := r.errors
		table = s.rows(table[:0])
		r.walk(f.value, at, table)
		s.faulty = r.errors > errors
		if ok {
			out = append(out, s)
		}
	}
	return out
}

// noServices reports that there is nothing to deploy, and what may be the cause.
func (r *reader) noServices(n *node, native string) {
	pos := r.root
	if n != nil {
		pos = n.pos
	}
	what, fix := "no service is declared", "declare services: with an image for each"
	if native != "" {
		fix += "; rondo runs containers, not " + native + " on servers"
	}
	if r.unread != "" {
		fix = r.unread + ", for that name is read"
	}
	if r.o.Environment != "" {
		what += " for environment " + shown(r.o.Environment)
		if len(r.environments) > 0 && !slices.ContainsFunc(r.environments, func(e string) bool { return strings.EqualFold(e, r.o.Environment) }) {
			fix = "add " + shown(r.o.Environment) + ": or services: at the top; environments here: " + list(r.environments, 6)
			if near := r.near(r.o.Environment, r.environments); near != "" {
				fix = "rename " + shown(near) + ": to " + shown(r.o.Environment) + ":"
			}
		}
	}
	r.add(pos, "services", "E-SERVICES-NONE", what, fix)
}

// notService reports an entry of services that is no mapping. It is most often
// an option of a service that is indented too little (spec 1.8 rule 6).
func (r *reader) notService(f field, at place, rest []field) {
	table := new(service).options()
	switch o := find(table, f.key); {
	case o != nil && !f.value.isNull():
		r.add(f.pos, at.path, "E-TYPE", "services."+shown(f.key)+" is an option of a service, not a service", "indent it below the name of its service")
	case f.value.isNull() && len(rest) > 0 && find(table, rest[0].key) != nil:
		r.add(f.pos, at.path, "E-TYPE", at.object+" is empty", "indent "+shown(rest[0].key)+": and what follows below it")
	default:
		r.add(f.pos, at.path, "E-TYPE", at.object+" is "+form(f.value)+", not a mapping", "write its options below it, at least image:, each with a space after its colon")
	}
}

// finish gives a service its final values. Without ok, the reason is reported.
func (r *reader) finish(s *service) (Service, bool) {
	out := Service{Name: s.name, RawName: s.rawName, Pos: s.self.pos, StopGrace: 30 * time.Second}
	own := r.vars.services[s.name]
	for _, name := range slices.Sorted(slices.Values(own.names)) {
		v := own.own[name]
		if res := r.resolve(v); res.ok {
			out.Env = append(out.Env, Variable{Pos: v.n.pos, Name: name, Secret: res.secret, Foreign: res.foreign, Generate: v.made, Value: res.value})
		}
	}
	r.kindOf(s, &out)
	image, whole := r.imageOf(s)
	out.Image = image
	out.Command = r.commandOf(s.command, s.place.key("command"), s)
	out.Ports = r.portsOf(s)
	out.Hosts = r.hostsOf(s)
	if len(out.Hosts) > 0 && !slices.ContainsFunc(out.Ports, func(p Port) bool { return p.HTTP+p.HTTPS > 0 }) && !s.faulty {
		r.fault(s.hosts, s.place.key("traffic_matches"), "W-NOT-APPLICABLE", "has no effect: no port is opened for http or https",
			"open one, as in ports: [{container: 8080, http: 80}], or remove it")
	}
	r.constrain(s, &out)
	r.suit(s, &out)
	if !out.Pod.Kind.Ends() {
		r.healthOf(s, &out)
	}
	out.Tags = r.tagsOf(s)
	out.Annotations = r.annotationsOf(s)
	if s.stopGrace != nil {
		at := s.place.key("stop_grace")
		text, ok := r.textOf(s.stopGrace, at, s)
		d, isTime := duration(text)
		if ok && !isTime {
			r.fault(s.stopGrace, at, "E-VALUE", "is not a duration", "write 45, 45s, 2m or 1h")
		}
		out.StopGrace = d
	}
	r.podOf(s, &out)
	r.stepsOf(s, &out)
	r.mountOf(s, &out)
	r.settleStorage(s, &out)
	if v, ok := boolean(s.restart); ok {
		out.RestartOnDeploy = &v
	}
	return out, whole
}

// objectName makes the name of a service's objects from its key (spec 2.2).
func (r *reader) objectName(f field, at place) (string, bool) {
	name, ok := r.sanitised(f, at)
	if ok && name != f.key {
		r.add(f.pos, at.path, "I-NAME-SANITISED", at.object+" is reached as "+name, "use that name in addresses")
	}
	return name, ok
}

// sanitised makes a name for objects from a key, or reports why it cannot be one.
func (r *reader) sanitised(f field, at place) (string, bool) {
	name := strings.ReplaceAll(strings.ToLower(f.key), "_", "-")
	valid := name != "" && name[0] >= 'a' && name[0] <= 'z' && name[len(name)-1] != '-' &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
	switch {
	case !valid:
		r.add(f.pos, at.path, "E-NAME-SYNTAX", at.object+" has a name that cannot be a host name", "use letters, digits and -, and start with a letter")
		return "", false
	case len(name) > render.MaxName:
		r.add(f.pos, at.path, "E-NAME-SYNTAX", at.object+" has a name of "+itoa(len(name))+" characters", "use at most "+itoa(render.MaxName))
		return "", false
	}
	return name, true
}

// checkNames finds services that would share their objects with each other or
// with a database.
func (r *reader) checkNames(app *Application, services []*service) {
	first := map[string]*service{}
	taken := map[string]string{}
	for _, d := range app.Databases {
		taken[d.Object()] = d.Engine
		if d.Root {
			taken[d.Engine] = d.Engine
		}
	}
	for _, s := range services {
		if f := first[s.name]; f != nil {
			r.fault(s.self, s.place, "E-NAME-COLLISION", "becomes %s, as does %s of line %d", "rename one of the two", s.name, shown(f.rawName), f.self.pos.Line)
			continue
		}
		first[s.name] = s
		if engine, ok := taken[s.name]; ok {
			r.fault(s.self, s.place, "E-NAME-RESERVED", "has the name of the database %s of this application", "rename the service", engine)
		}
	}
}

// order checks requires and gives each service its wave (spec 2.9).
func (r *reader) order(out []Service, services []*service) {
	index := map[string]int{}
	for i := range out {
		index[out[i].RawName], index[out[i].Name] = i, i
	}
	known := map[string]bool{}
	for _, s := range services {
		known[s.rawName], known[s.name] = true, true
	}
	for _, s := range services {
		i, ok := index[s.name]
		if !ok {
			continue
		}
		required := map[int]bool{}
		for j, item := range items(s.requires) {
			at := s.place.key("requires").index(j)
			name := item.text
			switch target, has := index[name]; {
			case item.shape != Text || !known[name]:
				r.unknownRequirement(item, at, services)
			case has && !required[target]:
				required[target] = true
				out[i].Requires = append(out[i].Requires, out[target].Name)
			}
		}
	}
	const visiting, done = 1, 2
	state := make([]int, len(out))
	var visit func(i int, chain []string) bool
	visit = func(i int, chain []string) bool {
		chain = append(chain, out[i].RawName)
		if state[i] == visiting {
			from := slices.Index(chain, out[i].RawName)
			r.add(out[i].Pos, "services."+out[i].RawName+".requires", "E-REQUIRES-CYCLE",
				"service "+out[i].RawName+" requires itself: "+circle(chain[from:]), "remove one of the requirements")
			return false
		}
		if state[i] == done {
			return true
		}
		state[i] = visiting
		for _, name := range out[i].Requires {
			j := index[name]
			if !visit(j, chain) {
				return false
			}
			out[i].Wave = max(out[i].Wave, out[j].Wave+1)
		}
		state[i] = done
		return true
	}
	for i := range out {
		if !visit(i, nil) {
			return
		}
	}
}

// circle writes a circle of names, without its middle where it is long.
func circle(names []string) string {
	if n := len(names); n > 6 {
		names = slices.Concat(names[:3], []string{"…"}, names[n-2:])
	}
	return strings.Join(names, " → ")
}

func (r *reader) unknownRequirement(item *node, at place, services []*service) {
	if r.errors > maxProblems {
		r.errors++
		return
	}
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.rawName
	}
	what, fix := "names no service", "name a service of this manifest: "+list(names, 6)
	if item.shape == Text && shown(item.text) == item.text {
		what = "names " + item.text + ", which is no service"
	}
	switch near := r.near(item.text, names); {
	case near != "":
		fix = "write " + near
	case slices.Contains(engineNames[:], item.text):
		fix = "remove it; databases are always there before services"
	}
	r.fault(item, at, "E-REQUIRES-UNKNOWN", "%s", fix, what)
}
