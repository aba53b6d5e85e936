package manifest

import (
	"slices"
	"strings"
)

// frameworks declares the variables of the frameworks that the manifest names by
// a component: the environment, under the name that each looks for (spec 2.10).
func (r *reader) frameworks(tree *node) {
	if r.o.Environment == "" {
		return
	}
	for _, f := range []struct {
		component string
		variables []string
	}{
		{"rails", []string{"RAILS_ENV", "RACK_ENV"}},
		{"rack", []string{"RACK_ENV"}},
		{"sinatra", []string{"RACK_ENV"}},
		{"padrino", []string{"RACK_ENV"}},
		{"node", []string{"NODE_ENV"}},
	} {
		n := tree.get(f.component)
		if n == nil {
			continue
		}
		for _, name := range f.variables {
			if !r.overridden(name) {
				r.vars.generated[name] = &variable{name: name, n: &node{pos: n.pos}, state: 2, out: resolved{value: text(r.o.Environment), ok: true}}
			}
		}
	}
	r.vars.ports = tree.get("node") != nil
}

// frameworkOf is the component that sets a variable; empty: none.
func frameworkOf(variable string) string {
	switch variable {
	case "RAILS_ENV":
		return "rails"
	case "RACK_ENV":
		return "rack"
	case "NODE_ENV", "PORT":
		return "node"
	}
	return ""
}

// ownPort declares PORT for a service of a node application: its first container
// port, unless the service or the API says otherwise.
func (r *reader) ownPort(s *service, own *scope) {
	if !r.vars.ports || own.own["PORT"] != nil || r.overridden("PORT") || r.vars.app["PORT"] != nil {
		return
	}
	first := items(s.ports)
	if len(first) == 0 {
		return
	}
	number := first[0].text
	if first[0].shape == Mapping {
		n := first[0].get("container")
		for _, key := range [...]string{"http", "https", "tcp", "udp"} {
			n = either(n, first[0].get(key))
		}
		if n == nil {
			return
		}
		number = n.text
	}
	number, _, _ = strings.Cut(number, ":")
	if _, ok := digits(strings.TrimSpace(number)); !ok {
		return // told by whoever reads the ports
	}
	own.own["PORT"] = &variable{name: "PORT", n: first[0], owner: own, state: 2, out: resolved{value: text(strings.TrimSpace(number)), ok: true}}
	own.names = append(own.names, "PORT")
}

// platform gives the value of a variable that rondo knows and sets nowhere: it
// has one where something refers to it (spec 2.10).
func (r *reader) platform(name string) (resolved, bool) {
	switch name {
	case "STACK_GIT_BRANCH":
		return resolved{value: text(r.revision.Ref), ok: true}, r.revision.Ref != ""
	case "PRIMARY":
		return resolved{value: text("false"), ok: true}, true // Jobs have another one
	}
	if base, ok := strings.CutPrefix(name, "WEB_ADDRESS"); ok && !r.vars.asking {
		r.vars.asking = true // a host that refers to WEB_ADDRESS is no address
		defer func() { r.vars.asking = false }()
		hosts, inside := r.webAddresses()
		list, rest := hosts, strings.TrimPrefix(base, "ES")
		if rest == "_INT" {
			list = inside
		} else if rest != "" && rest != "_EXT" {
			return resolved{}, false
		}
		if len(list) == 0 {
			return resolved{}, false
		}
		if !strings.HasPrefix(base, "ES") {
			list = list[:1]
		}
		return resolved{value: text(strings.Join(list, ",")), ok: true}, true
	}
	return resolved{}, false
}

// addresses are the values of WEB_ADDRESS and its kin; nil where no service is
// reached over http.
func (r *reader) addresses() map[string]string {
	var out map[string]string
	for _, name := range [...]string{"WEB_ADDRESS", "WEB_ADDRESS_INT", "WEB_ADDRESS_EXT", "WEB_ADDRESSES", "WEB_ADDRESSES_INT", "WEB_ADDRESSES_EXT"} {
		if value, ok := r.platform(name); ok {
			s, _ := value.value.Text()
			record(&out, name, s)
		}
	}
	return out
}

// webAddresses are the exact hosts of the services with a port for http or
// https, and the names of these services in the cluster, in file order.
func (r *reader) webAddresses() (hosts, inside []string) {
	for _, s := range r.all {
		if !slices.ContainsFunc(items(s.ports), isWeb) {
			continue
		}
		name := s.name
		if r.o.Namespace != "" {
			name += "." + r.o.Namespace
		}
		inside = append(inside, name)
		for i, item := range items(s.hosts) {
			if item.shape != Text {
				continue
			}
			got := r.expand(item.text, item, s.place.key("traffic_matches").index(i), r.vars.services[s.name], nil)
			host, plain := got.value.Text()
			if got.ok && plain && !got.secret && validHost(strings.ToLower(host)) {
				hosts = append(hosts, strings.ToLower(host))
			}
		}
	}
	return hosts, inside
}

// isWeb reports whether an entry of ports opens http or https.
func isWeb(port *node) bool {
	if port.shape == Mapping {
		return !port.get("http").isNull() || !port.get("https").isNull()
	}
	return strings.Contains(port.text, ":")
}
