package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// environment is what the containers of one service have beyond the shared settings.
type environment struct {
	own   settings // ConfigMap and Secret <service>-env
	env   []any    // entries of the container, each after those it refers to
	known func(string) bool

	entries map[string]entry
	private map[manifest.SecretRef]string
}

// entry is one element of a container's env and the variables it needs before it.
type entry struct {
	body  map[string]any
	needs []string
}

// field is the place in the Pod that a variable comes from unless somebody set
// it (spec 2.10); empty for all others.
func field(name string) string {
	switch name {
	case "DOCKER_HOST_IP":
		return "status.hostIP"
	case "SERVER_NAME":
		return "spec.nodeName"
	}
	return ""
}

// names tells which variables a container has. Most containers never ask.
func names(layers ...[]manifest.Variable) func(string) bool {
	set := sync.OnceValue(func() map[string]bool {
		set := make(map[string]bool)
		for _, layer := range layers {
			for _, v := range layer {
				set[v.Name] = true
			}
		}
		return set
	})
	return func(name string) bool { return field(name) != "" || set()[name] }
}

// verbatim reports whether a value is text in which no container fills anything
// in: what all services share of it is right for each.
func verbatim(v manifest.Variable) bool {
	return !slices.ContainsFunc(v.Value.Parts, func(p manifest.Part) bool { return p.SecretRef != nil || strings.Contains(p.Text, "$") })
}

func declares(layer []manifest.Variable, name string) bool {
	return slices.ContainsFunc(layer, func(v manifest.Variable) bool { return v.Name == name })
}

// take gives the pieces of a value.
func take(v manifest.Value, known func(string) bool) []piece {
	var pieces []piece
	for _, part := range v.Parts {
		if part.SecretRef != nil {
			pieces = append(pieces, piece{secret: part.SecretRef})
		} else {
			pieces = append(pieces, split(part.Text, known)...)
		}
	}
	return pieces
}

// plain gives the text of a value in which nothing needs to be filled in.
func plain(pieces []piece) (string, bool) {
	text := ""
	for _, p := range pieces {
		if p.variable != "" || p.secret != nil {
			return "", false
		}
		text += p.text
	}
	return text, true
}

// newEnvironment lays the variables of svc over those of the application.
func newEnvironment(app []manifest.Variable, common settings, svc manifest.Service) (*environment, []render.Problem) {
	e := &environment{
		own:     newSettings(),
		known:   names(app, svc.Env),
		entries: make(map[string]entry),
		private: make(map[manifest.SecretRef]string),
	}
	variables, mine := make(map[string]manifest.Variable), make(map[string]bool)
	for _, v := range app {
		if !verbatim(v) {
			variables[v.Name] = v
		}
	}
	for _, v := range svc.Env {
		variables[v.Name], mine[v.Name] = v, true
	}
	for _, name := range [...]string{"DOCKER_HOST_IP", "SERVER_NAME"} {
		if !declares(app, name) && !declares(svc.Env, name) {
			e.entries[name] = entry{body: map[string]any{"name": name,
				"valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": field(name)}}}}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		v, pieces := variables[name], take(variables[name].Value, e.known)
		below, hasBelow := common.get(name)
		text, ok := plain(pieces)
		switch {
		case !ok:
			// In a service's own variable the same name is the application's value.
			e.add(v, pieces, mine[name] && hasBelow)
		case mine[name] || !hasBelow || text != below:
			e.own.put(v, text)
		}
	}
	if name := e.order(); name != "" {
		return e, []render.Problem{{Pos: variables[name].Pos, Code: "E-ENV-CYCLE",
			What: fmt.Sprintf("variable %s of service %s refers to itself", name, svc.RawName),
			Fix:  "break the circle of $(…)"}}
	}
	return e, nil
}

// add makes the entry of a variable that Kubernetes fills in.
func (e *environment) add(v manifest.Variable, pieces []piece, hasBelow bool) {
	if len(pieces) == 1 && pieces[0].secret != nil {
		e.entries[v.Name] = entry{body: fromSecret(v.Name, *pieces[0].secret)}
		return
	}
	var needs []string
	for i, p := range pieces {
		switch {
		case p.secret != nil:
			name, ok := e.private[*p.secret]
			if !ok {
				name = e.unused()
				e.private[*p.secret] = name
				e.entries[name] = entry{body: fromSecret(name, *p.secret)}
			}
			pieces[i] = piece{variable: name}
			needs = append(needs, name)
		case p.variable != "":
			if p.variable != v.Name || !hasBelow {
				needs = append(needs, p.variable)
			}
		case v.Secret:
			// The text between the references is secret too.
			name := e.unused()
			e.own.secret[name] = p.text
			pieces[i] = piece{variable: name}
		}
	}
	e.entries[v.Name] = entry{body: map[string]any{"name": v.Name, "value": join(pieces)}, needs: needs}
}

// unused is a name for a private variable that nothing else has.
func (e *environment) unused() string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("RONDO_REF_%d", n)
		_, entry := e.entries[name]
		_, secret := e.own.secret[name]
		if !entry && !secret && !e.known(name) {
			return name
		}
	}
}

// order writes the entries by name, but each after those it needs: Kubernetes
// fills in from the entries above and from the ConfigMaps and Secrets. It returns
// the name of a variable that needs itself; empty when there is none.
func (e *environment) order() (cycle string) {
	const waiting, done = 1, 2
	state := make(map[string]int)
	var visit func(name string) bool
	visit = func(name string) bool {
		entry, ok := e.entries[name]
		if !ok || state[name] == done {
			return true
		}
		if state[name] == waiting {
			return false
		}
		state[name] = waiting
		for _, need := range entry.needs {
			if !visit(need) {
				return false
			}
		}
		state[name] = done
		e.env = append(e.env, entry.body)
		return true
	}
	for _, name := range slices.Sorted(maps.Keys(e.entries)) {
		if !visit(name) {
			return name
		}
	}
	return ""
}

func fromSecret(name string, ref manifest.SecretRef) map[string]any {
	key := map[string]any{"name": ref.Secret, "key": ref.Key}
	if ref.Optional {
		key["optional"] = true
	}
	return map[string]any{"name": name, "valueFrom": map[string]any{"secretKeyRef": key}}
}
