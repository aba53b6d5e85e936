package manifest

import (
	"maps"
	"slices"
	"strings"
)

// resolve gives a variable its value, after those that it refers to.
func (r *reader) resolve(v *variable) resolved {
	switch v.state {
	case 1:
		r.fault(v.n, v.place, "E-ENV-CYCLE", "refers to itself through other variables", "break the circle of references")
		return resolved{}
	case 2:
		return v.out
	}
	if v.made > 0 {
		v.out, v.state = r.generated(v), 2
		return v.out
	}
	v.state = 1
	v.out = r.expand(v.text, v.n, v.place, v.owner, v)
	v.out.secret = v.out.secret || v.secret
	v.state = 2
	return v.out
}

// expand replaces the references in s, which is the text of n. Self is the
// variable that s belongs to, so that NAME: _env(NAME) means an earlier layer.
func (r *reader) expand(s string, n *node, p place, owner *scope, self *variable) resolved {
	if strings.Contains(s, "<%= ENV") {
		r.fault(n, p, "E-VALUE", "holds ERB, which is not evaluated", "write _env(NAME) instead of <%= ENV['NAME'] %>")
		return resolved{}
	}
	r.checkHosts(s, n, p)
	if !refers(s) {
		return resolved{value: text(s), ok: true}
	}
	if r.vars.depth++; r.vars.depth > maxReferences {
		r.vars.depth--
		r.fault(n, p, "E-ENV-CYCLE", "is %d references away from a value", "refer to fewer variables in a row", maxReferences)
		return resolved{}
	}
	defer func() { r.vars.depth-- }()
	out := resolved{ok: true}
	for _, piece := range split(s) {
		if piece.ref == nil {
			out.value.Parts = append(out.value.Parts, Part{Text: piece.text})
			continue
		}
		got := r.lookup(piece.ref, n, p, owner, self)
		if !got.ok {
			return resolved{}
		}
		out.value.Parts = append(out.value.Parts, required(got.value).Parts...)
		out.secret, out.foreign = out.secret || got.secret, out.foreign || got.foreign
	}
	for _, part := range out.value.Parts {
		// A reference costs something as well, or empty ones would be free.
		r.vars.spent += len(part.Text) + 16
	}
	if r.vars.spent > maxEnvBytes {
		r.fault(n, p, "E-ENV-SIZE", "makes the values of all references exceed %d KiB", "refer to fewer or shorter variables", maxEnvBytes>>10)
		return resolved{}
	}
	out.value = compact(out.value)
	return out
}

// compact joins neighbouring texts.
func compact(v Value) Value {
	var parts []Part
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			parts = append(parts, Part{Text: b.String()})
			b.Reset()
		}
	}
	for _, p := range v.Parts {
		if p.SecretRef == nil {
			b.WriteString(p.Text)
			continue
		}
		flush()
		parts = append(parts, p)
	}
	flush()
	return Value{Parts: parts}
}

// lookup finds what a reference stands for.
func (r *reader) lookup(ref *reference, n *node, p place, owner *scope, self *variable) resolved {
	switch {
	case ref.malformed && ref.store:
		r.fault(n, p, "E-VALUE", "holds a reference that cannot be read", "write _configstore(NAMESPACE.KEY)")
		return resolved{}
	case ref.malformed:
		r.fault(n, p, "E-VALUE", "holds a reference that cannot be read", "write _env(NAME) or _env(NAME:fallback)")
		return resolved{}
	case slices.ContainsFunc(split(ref.fallback), func(p piece) bool { return p.ref != nil }):
		r.fault(n, p, "E-VALUE", "has a reference inside the fallback of another, which is not looked up", "give the inner one to a variable, or write a plain fallback")
		return resolved{}
	case ref.store:
		return r.stored(ref, n, p)
	case ref.old:
		r.fault(n, p, "W-DEPRECATED", "has a reference in an old form", "write _env(NAME) or _env(NAME:fallback)")
	}
	if ref.app != "" {
		return r.foreignValue(ref, n, p, self)
	}
	if ref.service != "" {
		if self == nil {
			r.fault(n, p, "I-ENV-INDIRECT", "refers to a variable of another service", "give it to a variable, and refer to that: _env(NAME)")
		}
		if owner = r.vars.services[ref.service]; owner == nil {
			fix := "declare the service"
			if near := r.near(ref.service, slices.Sorted(maps.Keys(r.vars.services))); near != "" {
				fix = "write SERVICE[" + near + "]"
			}
			if ref.hasFallback {
				return resolved{value: text(ref.fallback), ok: true}
			}
			r.fault(n, p, "E-ENV-UNDEFINED", "refers to the unknown service %s", fix, shown(ref.service))
			return resolved{}
		}
	}
	if owner != nil {
		if v := owner.own[ref.name]; v != nil && v != self {
			return r.resolve(v)
		}
	}
	if _, generated := r.vars.generated[ref.name]; !generated {
		if value, ok := r.vars.api[ref.name]; ok {
			return resolved{value: text(value), secret: r.taggedSecret(ref.name), ok: true}
		}
	}
	for _, layer := range []map[string]*variable{r.vars.generated, r.vars.app} {
		if v := layer[ref.name]; v != nil && v != self {
			return r.resolve(v)
		}
	}
	return r.undefined(ref, n, p, owner, self)
}

// undefined answers a reference to a variable that nobody sets.
func (r *reader) undefined(ref *reference, n *node, p place, owner *scope, self *variable) resolved {
	if strings.HasPrefix(ref.name, "CLOUD66_") || ref.name == "CONTAINER_NOTIFY_URL" {
		r.fault(n, p, "W-ENV-PLATFORM", "refers to %s, which only the old platform sets; it is empty", "remove the reference", shown(ref.name))
		return resolved{value: text(ref.fallback), ok: true}
	}
	if isField(ref.name) {
		return resolved{value: text("$(" + ref.name + ")"), ok: true}
	}
	if value, ok := r.platform(ref.name); ok {
		return value
	}
	if ref.hasFallback {
		return resolved{value: text(ref.fallback), ok: true}
	}
	if r.vars.faulty[engineOf(ref.name)] {
		return resolved{} // the fault of the database is told, and this one goes with it
	}
	for _, typo := range []string{"POSTGRESDB_", "MONGODO_", "MONGO_ADDRESS"} {
		if strings.HasPrefix(ref.name, typo) {
			r.fault(n, p, "W-ENV-TYPO", "refers to %s, a misprint of old manuals", "write POSTGRESQL_… or MONGODB_…", shown(ref.name))
		}
	}
	fix := "define it in environment_variables, or give a fallback: _env(" + shown(ref.name) + ":…)"
	if framework := frameworkOf(ref.name); framework != "" {
		fix = "define it, or name the framework: " + framework + ": {}"
	} else if strings.HasPrefix(ref.name, "WEB_ADDRESS") {
		fix = "give a service traffic_matches: and a port for http or https"
	} else if self != nil && self.name == ref.name {
		fix = "write its value, or give a fallback: _env(" + shown(ref.name) + ":…)"
	} else if near := r.nearVariable(ref.name, owner); near != "" {
		fix = "write _env(" + near + "), or define " + shown(ref.name)
	} else if e := engineOf(ref.name); e != "" {
		fix = "add " + e + " to databases:, or define the variable"
		if r.vars.engines[e] {
			fix = "give " + e + " a host or service_dsn_secret, or define the variable"
		}
	}
	r.fault(n, p, "E-ENV-UNDEFINED", "refers to %s, which is not defined", fix, shown(ref.name))
	return resolved{}
}

// nearVariable is the defined variable that a name was probably meant to be.
func (r *reader) nearVariable(name string, owner *scope) string {
	if r.errors > maxSuggestions {
		return ""
	}
	known := slices.Concat(slices.Sorted(maps.Keys(r.vars.app)), slices.Sorted(maps.Keys(r.vars.generated)), slices.Sorted(maps.Keys(r.vars.api)))
	if owner != nil {
		known = append(known, owner.names...)
	}
	return r.near(name, known)
}

// textOf resolves a scalar that must be plain text when objects are made, such
// as an image. Without ok, the reason is reported.
func (r *reader) textOf(n *node, p place, s *service) (string, bool) {
	if n.shape != Text {
		r.fault(n, p, "E-TYPE", "is %s, not text", "write text", form(n))
		return "", false
	}
	got := r.expand(n.text, n, p, r.vars.services[s.name], nil)
	if !got.ok {
		return "", false
	}
	out, plain := got.value.Text()
	if !plain || got.secret {
		r.fault(n, p, "E-ENV-SECRET", "refers to a secret, which may not stand here", "put it in env_vars; a command can use it as $(NAME)")
		return "", false
	}
	return out, true
}

// defined reports whether a container of s has a variable of this name.
func (r *reader) defined(name string, s *service) bool {
	if own := r.vars.services[s.name]; own != nil && own.own[name] != nil {
		return true
	}
	return r.vars.app[name] != nil || r.vars.generated[name] != nil || r.overridden(name) || isField(name)
}

// isField reports whether Kubernetes knows the variable from the pod (spec 2.10).
func isField(name string) bool { return name == "SERVER_NAME" || name == "DOCKER_HOST_IP" }
