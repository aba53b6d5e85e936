package manifest

import (
	"net/netip"
	"slices"
	"strings"
)

// isExternal recognises all shapes of external servers (spec 3.5).
func isExternal(n *node) bool {
	switch {
	case n == nil:
		return false
	case n.shape == Text:
		return n.text == "external"
	case n.shape == List:
		return slices.ContainsFunc(n.items, isExternal)
	}
	return isExternal(n.get("server"))
}

// external reports whether the database runs elsewhere. An address or a Secret
// says so as well.
func (c *component) external() bool {
	return isExternal(c.servers) || isExternal(c.server) || c.host != nil || c.secret != nil
}

// elsewhereOf reads where a database is that rondo does not run.
func (r *reader) elsewhereOf(g *group, db *Database) {
	if g.configuration != nil {
		r.walk(g.configuration, g.place.key("configuration"), elsewhereSettings(g.engine, setUpElsewhere))
	}
	r.notRunHere(g, setUpElsewhere, nil)
	db.Port = engines[db.Engine].port
	if g.host != nil {
		db.Host = strings.TrimSuffix(strings.ToLower(g.host.text), ".")
		if _, err := netip.ParseAddr(db.Host); err != nil && !validHost(db.Host) {
			r.fault(g.host, g.place.key("host"), "E-HOST-SYNTAX", "is neither a DNS name nor an IP address", "write the name alone, without scheme and port")
		}
	}
	if g.port != nil {
		db.Port = r.port(g.port, g.place.key("port"))
	}
	if g.secret != nil {
		db.DSNSecret = g.secret.text
		if !validHost(db.DSNSecret) {
			// Also what would lead into another namespace (threats T22).
			r.fault(g.secret, g.place.key("service_dsn_secret"), "E-VALUE", "is no name of a Secret", "name a Secret of the application's own namespace")
		}
	}
}

const setUpElsewhere = "remove it; an external database is set up elsewhere"

// notRunHere tells of options that are for databases which rondo runs, and of more.
func (r *reader) notRunHere(g *group, fix string, more map[string]*node) {
	var idle inapplicable
	add := func(options map[string]*node) {
		for name, n := range options {
			if n != nil {
				idle.add(field{key: name, pos: n.pos, value: n}, fix)
			}
		}
	}
	add(map[string]*node{
		"replicas": g.replicas, "parameters": g.parameters, "operator": g.operator, "image": g.image,
		"allow_from": g.allowFrom, "share_with": g.shareWith,
		"storage":   either(g.storageSize, g.storageClass),
		"resources": either(either(g.resources.requestCPU, g.resources.requestMemory), either(g.resources.limitCPU, g.resources.limitMemory)),
	})
	add(more)
	slices.SortFunc(idle.fields, func(a, b field) int { return strings.Compare(a.key, b.key) })
	idle.report(r, g.place)
}

// port reads a port of a database.
func (r *reader) port(n *node, p place) int {
	v, ok := integer(n)
	if !ok || v < 1 || v > 65535 {
		r.fault(n, p, "E-VALUE", "is not a port", "write a number from 1 to 65535")
	}
	return int(v)
}
