package manifest

import (
	"maps"
	"slices"
	"strings"

	"rondo.dev/rondo/sources"
)

// Limits on what references may expand to. Spec 2.10 allows 1 MiB of variables
// for an application, which is also what a Secret holds; without a limit, thirty
// variables that each name the one before twice are a gigabyte.
const (
	maxEnvBytes   = 1 << 20
	maxReferences = 100 // variables that refer to each other in a row
)

// variables holds the layers of spec 2.10 until they are resolved.
type variables struct {
	app       map[string]*variable // layer 1, without what a later layer replaces
	generated map[string]*variable // layer 2
	api       map[string]string    // layer 3
	services  map[string]*scope    // layer 4; by raw and by object name
	generates string               // Secret with the generated values of layer 1
	all       []Variable           // of the application, resolved
	databases map[string]bool      // object names of databases
	engines   map[string]bool      // engines that have one
	faulty    map[string]bool      // engines with a database that was refused
	ports     bool                 // services have PORT
	asking    bool                 // an address of the application is being looked up
	spent     int                  // bytes that references have expanded to
	depth     int
}

// scope is the own variables of a service.
type scope struct {
	own       map[string]*variable
	names     []string // in file order
	generates string   // Secret with its generated values
}

// variable is one variable before and after its references are resolved.
type variable struct {
	name   string
	n      *node
	place  place
	text   string
	owner  *scope // nil: the application
	secret bool
	made   int  // random characters that the cluster makes up; 0: none
	state  byte // 0 new, 1 being resolved, 2 done
	out    resolved
}

// resolved is a value without references. Without ok, the reason is reported.
type resolved struct {
	value  Value
	secret bool // depends on something that is kept in a Secret
	// foreign: depends on another application
	foreign bool
	ok      bool
}

func (v *variables) init(api map[string]string) {
	v.app, v.generated, v.services, v.databases = map[string]*variable{}, map[string]*variable{}, map[string]*scope{}, map[string]bool{}
	v.engines, v.faulty = map[string]bool{}, map[string]bool{}
	v.api = api
}

// fixed reports whether a generated variable cannot be replaced through the
// API: the addresses that the platform knows better.
func fixed(name string) bool {
	return strings.HasSuffix(name, "_INT") || strings.HasSuffix(name, "_EXT")
}

// declare takes layer 1, environment_variables.
func (r *reader) declare(n *node) {
	if n == nil {
		return
	}
	at := place{}.key("environment_variables")
	for _, f := range n.fields {
		v := r.variable(f, at)
		if v == nil {
			continue
		}
		v.place = v.place.of("variable " + shown(v.name))
		if r.admitted(f.pos, v) {
			r.vars.app[v.name] = v
		}
	}
}

// admitted tells where a variable of layer 1 stands behind another layer.
func (r *reader) admitted(pos sources.Position, v *variable) bool {
	switch _, generated := r.vars.generated[v.name]; {
	case generated:
		r.add(pos, v.place.path, "W-ENV-RESERVED", "variable "+shown(v.name)+" is generated; this value is ignored", "remove it, or set it in env_vars of a service")
	case r.overridden(v.name):
		r.add(pos, v.place.path, "I-ENV-OVERRIDDEN", "variable "+shown(v.name)+" is replaced by one set through the API", "remove one of the two")
	case isField(v.name):
		r.add(pos, v.place.path, "W-ENV-RESERVED", "variable "+shown(v.name)+" is filled in by Kubernetes; this value is ignored", "remove it, or set it in env_vars of a service")
	default:
		return true
	}
	return false
}

func (r *reader) overridden(name string) bool {
	_, ok := r.vars.api[name]
	return ok
}

// declareOwn takes layer 4, env_vars of a service.
func (r *reader) declareOwn(s *service) {
	own := &scope{own: map[string]*variable{}, generates: Service{Name: s.name}.GeneratedSecret()}
	r.vars.services[s.rawName], r.vars.services[s.name] = own, own
	var fields []field
	if s.envVars != nil {
		fields = append(fields, s.envVars.fields...)
	}
	if s.envs != nil {
		for i, item := range s.envs.items {
			if item.shape != Mapping {
				r.fault(item, s.place.key("envs").index(i), "E-TYPE", "is %s, not NAME: value", "write a mapping env_vars:", form(item))
				continue
			}
			fields = append(fields, item.fields...)
		}
	}
	for _, f := range fields {
		v := r.variable(f, s.place.key("env_vars"))
		if v == nil {
			continue
		}
		if _, dup := own.own[v.name]; dup {
			r.add(f.pos, v.place.path, "E-YAML-DUPKEY", s.place.String()+": variable "+shown(v.name)+" is given twice", "keep one of the two")
			continue
		}
		v.owner = own
		own.own[v.name] = v
		own.names = append(own.names, v.name)
	}
	r.ownPort(s, own)
	for i, item := range items(s.secretEnv) {
		if v := own.own[item.text]; v != nil && item.shape == Text {
			v.secret = true
			continue
		}
		at := s.place.key("secret_env").index(i)
		fix := "name a variable of env_vars"
		if near := r.near(item.text, own.names); near != "" && item.shape == Text {
			fix = "write " + near
		}
		r.fault(item, at, "E-ENV-UNDEFINED", "names no variable of env_vars", fix)
	}
}

// items is the list that n is, or n alone.
func items(n *node) []*node {
	switch {
	case n.isNull():
		return nil
	case n.shape == List:
		return n.items
	}
	return []*node{n}
}

// variable checks the name and the form of one variable.
func (r *reader) variable(f field, p place) *variable {
	at := p.key(f.key)
	if f.key == "" || identifier(f.key) != len(f.key) {
		fix := "use letters, digits and _, and start with no digit"
		if strings.ContainsAny(f.key, ":=") && f.value.isNull() {
			fix = "write NAME: value, with a space after the colon"
		}
		r.add(f.pos, at.path, "E-ENV-NAME", p.String()+": "+shown(f.key)+" is not a variable name", fix)
		return nil
	}
	n := f.value
	if n.shape != Text {
		r.fault(n, at, "E-TYPE", "is %s, not text", "write NAME: value, in quotes where it holds { or [", form(n))
		return nil
	}
	r.ambiguous(n, at)
	v := &variable{name: f.key, n: n, place: at, text: n.text}
	if length, ok := generates(n.text); ok {
		if length < 1 || length > maxGenerated {
			r.fault(n, at, "E-VALUE", "asks for a number of characters that cannot be made", "write AUTO_GENERATE_n with n from 1 to "+itoa(maxGenerated))
		}
		v.made = length
	}
	return v
}

// ambiguous warns where YAML versions read an unquoted value differently. The
// text is kept as it is written.
func (r *reader) ambiguous(n *node, p place) {
	if !n.plain {
		return
	}
	why := ""
	switch t := n.text; {
	case t == "":
		return
	case n.tag == "!!null":
		why = "null"
	case len(t) <= 3 && slices.Contains([]string{"yes", "no", "on", "off", "y", "n"}, strings.ToLower(t)):
		why = "true or false"
	case len(t) > 1 && t[0] == '0' && strings.Trim(t, "0123456789") == "", strings.HasPrefix(t, "0o"):
		why = "an octal number"
	case sexagesimal(t):
		why = "a number to base 60"
	default:
		return
	}
	r.fault(n, p, "W-ENV-TYPE", "looks like %s to some YAML readers; it is taken as the text it is", "put it in quotes", why)
}

// sexagesimal recognises 1:30 and 12:30:45, numbers to base 60 in YAML 1.1.
func sexagesimal(s string) bool {
	parts := strings.Split(s, ":")
	if len(parts) < 2 {
		return false
	}
	for _, p := range parts {
		if p == "" || len(p) > 9 || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return true
}

// Lengths of generated values (spec 2.10).
const (
	defaultGenerated = 10
	maxGenerated     = 512
)

// generates recognises AUTO_GENERATE, AUTO_GENERATE_<n> and AUTO_GENERATE_<n>_<NAME>,
// and gives n. The name is a hint to people.
func generates(s string) (length int, ok bool) {
	rest, ok := strings.CutPrefix(s, "AUTO_GENERATE")
	if !ok || rest == "" {
		return defaultGenerated, ok
	}
	number, name, named := strings.Cut(strings.TrimPrefix(rest, "_"), "_")
	n, isNumber := digits(number)
	return int(min(n, maxGenerated+1)), rest[0] == '_' && isNumber && (!named || identifier(name) == len(name))
}

// shared resolves the variables of the application, all layers but the
// services' own, sorted by name. File is where those from the API are said to be.
func (r *reader) shared(file sources.Position) []Variable {
	var out []Variable
	for _, layer := range []map[string]*variable{r.vars.app, r.vars.generated} {
		for _, name := range slices.Sorted(maps.Keys(layer)) {
			v := layer[name]
			if res := r.resolve(v); res.ok {
				out = append(out, Variable{Pos: v.n.pos, Name: name, Secret: res.secret, Foreign: res.foreign, Generate: v.made, Value: res.value})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.vars.api)) {
		if _, generated := r.vars.generated[name]; generated {
			r.add(sources.Position{File: file.File}, name, "W-ENV-RESERVED", "variable "+shown(name)+" set through the API is ignored: a database generates it", "remove it there")
			continue
		}
		if identifier(name) != len(name) || name == "" {
			r.add(sources.Position{File: file.File}, name, "W-ENV-NAME", "variable "+shown(name)+" set through the API is ignored: no variable can have that name", "remove it there")
			continue
		}
		out = append(out, Variable{Pos: sources.Position{File: file.File}, Name: name, Secret: r.taggedSecret(name), Value: text(r.vars.api[name])})
	}
	slices.SortFunc(out, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// checkSize bounds all variables together (spec 2.10 rule 8).
func (r *reader) checkSize(app *Application) {
	size := 0
	add := func(vars []Variable) bool {
		for _, v := range vars {
			size += len(v.Name)
			for _, part := range v.Value.Parts {
				size += len(part.Text)
			}
			if size > maxEnvBytes {
				r.add(v.Pos, v.Name, "E-ENV-SIZE", "variable "+shown(v.Name)+" makes all variables together exceed "+itoa(maxEnvBytes>>10)+" KiB",
					"put large values into files of the image")
				return false
			}
		}
		return true
	}
	if !add(app.Variables) {
		return
	}
	for i := range app.Services {
		if !add(app.Services[i].Env) {
			return
		}
	}
}

// text is a Value without secrets.
func text(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{Parts: []Part{{Text: s}}}
}
