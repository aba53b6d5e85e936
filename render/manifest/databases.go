package manifest

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// group is one instance of an engine while it is being read.
type group struct {
	component
	engine string // as written: postgis is postgresql later
	name   string
	pos    sources.Position
	place  place
	used   bool // not only configured
}

// object is the name of the Service in front of d, the same for render/data.
func (d Database) object() string {
	return render.Name(d.Engine, strings.ReplaceAll(strings.ToLower(d.Group), "_", "-"))
}

// databases reads the data components (spec 3.1, 3.5), and declares the
// variables that external ones generate.
func (r *reader) databases(d *document) []Database {
	var groups []*group
	for i, engine := range engineNames {
		if n := d.engines[i]; n != nil {
			groups = append(groups, r.component(engine, n)...)
		}
	}
	groups = r.entries(d.databases, groups)
	slices.SortStableFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.pos.File, b.pos.File), cmp.Compare(a.pos.Line, b.pos.Line))
	})
	root := map[string]*group{} // by engine: the group that says so, else the one called default, else the first
	var used []*group
	for _, g := range groups {
		if g.configuration != nil && !g.external() {
			// Its options have no effect yet; misspelt ones are told all the same.
			at := g.place.key("configuration")
			at.quiet = true
			r.walk(g.configuration, at, engineConfiguration(g.engine))
		}
		switch {
		case !g.used && g.configuration != nil:
			r.add(g.pos, g.place.path, "W-DB-UNUSED", g.place.object+" is configured but not used", "add it to databases:, or remove it")
		case g.used:
			used = append(used, g)
			if have := root[family(g.engine)]; have == nil || g.rank() > have.rank() {
				root[family(g.engine)] = g
			}
		}
	}
	var out []Database
	first := map[string]bool{}
	for _, g := range used {
		db, ok := r.database(g, root[family(g.engine)] == g)
		if !ok {
			continue
		}
		if first[db.object()] {
			r.add(g.pos, g.place.path, "E-NAME-COLLISION", g.place.object+" is declared twice", "keep one of the two; postgis is postgresql as well")
			continue
		}
		first[db.object()] = true
		r.vars.databases[db.object()] = true
		out = append(out, db)
		r.generate(db)
	}
	return out
}

// rank is how much speaks for g as the engine's default group (spec 3.1 rule 7).
func (g *group) rank() int {
	switch is, _ := boolean(g.isDefault); {
	case is:
		return 2
	case g.name == "default":
		return 1
	}
	return 0
}

// family is the engine that shares objects and variables.
func family(engine string) string {
	if engine == "postgis" {
		return "postgresql"
	}
	return engine
}

// component reads an engine's node: the default group and the named ones.
func (r *reader) component(engine string, n *node) []*group {
	at := place{}.key(engine).of("database " + engine)
	var c component
	r.walk(n, at, c.options(engine))
	def := &group{component: c, engine: engine, name: "default", pos: n.pos, place: at,
		used: present(n) || c.host != nil || c.secret != nil}
	out := []*group{def}
	if c.groups == nil {
		return out
	}
	for _, f := range c.groups.fields {
		p := at.key("groups").key(f.key).of("database " + engine + "." + shown(f.key))
		if f.value.isNull() {
			continue
		}
		if f.value.shape != Mapping {
			r.fault(f.value, p, "E-TYPE", "is %s, not a mapping", "write servers: below it", form(f.value))
			continue
		}
		if !validGroup(f.key) {
			r.add(f.pos, p.path, "E-NAME-SYNTAX", p.object+" has a name that no group can have", "use letters, digits and _ between them; at most 40")
			continue
		}
		var own component
		r.walk(f.value, p, own.group(engine))
		g := &group{component: own, engine: engine, name: f.key, pos: f.pos, place: p,
			used: present(f.value) || own.host != nil || own.secret != nil}
		if f.key == "default" {
			// Wins key by key over what stands outside of groups.
			g.servers, g.server = either(g.servers, def.servers), either(g.server, def.server)
			g.host, g.port, g.secret = either(g.host, def.host), either(g.port, def.port), either(g.secret, def.secret)
			g.configuration, g.isDefault = either(g.configuration, def.configuration), either(g.isDefault, def.isDefault)
			g.used = g.used || def.used
			out[0] = g
			continue
		}
		out = append(out, g)
	}
	if c.groups.get("default") == nil && !def.used && def.configuration == nil {
		out = out[1:] // only named groups
	}
	return out
}

// validGroup accepts names that are part of variable and object names.
func validGroup(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && s[0] != '_' && s[len(s)-1] != '_'
}

// present reports whether a node says where its servers are, even with none.
func present(n *node) bool { return n.get("servers") != nil || n.get("server") != nil }

// entries reads databases: names, or names with a mapping.
func (r *reader) entries(n *node, groups []*group) []*group {
	at := place{}.key("databases")
	index := map[string]*group{}
	for _, g := range groups {
		index[g.engine+"."+g.name] = g
	}
	one := func(name string, pos sources.Position, value *node, p place) {
		if name == "postgres" {
			r.add(pos, p.path, "W-DEPRECATED", p.String()+" spells the engine postgres", "write postgresql")
			name = "postgresql"
		}
		engine, sub, named := strings.Cut(name, ".")
		if !slices.Contains(engineNames[:], engine) || named && !validGroup(sub) {
			fix := "write one of " + strings.Join(engineNames[:], ", ")
			if near := r.near(engine, engineNames[:]); near != "" {
				fix = "write " + near
			}
			r.add(pos, p.path, "E-DB-ENGINE", p.String()+" names an engine that does not exist", fix)
			return
		}
		if !named {
			sub = "default"
		}
		g := index[engine+"."+sub]
		if g == nil {
			g = &group{engine: engine, name: sub, pos: pos, place: p.of("database " + name)}
			groups = append(groups, g)
			index[engine+"."+sub] = g
		}
		g.used = true
		if value.isNull() {
			return
		}
		if value.shape == Text && value.text == "external" {
			g.server = value
			return
		}
		if value.shape != Mapping {
			r.fault(value, p, "E-TYPE", "is %s, not a mapping", "write {server: external, host: …}", form(value))
			return
		}
		var c component
		inner := p.of("database " + name)
		var peek component
		fill(value, peek.entry(engine))
		inner.quiet = !peek.external()
		r.walk(value, inner, c.entry(engine))
		g.servers, g.server = either(c.servers, g.servers), either(c.server, g.server)
		g.host, g.port, g.secret = either(c.host, g.host), either(c.port, g.port), either(c.secret, g.secret)
		g.isDefault = either(c.isDefault, g.isDefault)
	}
	switch {
	case n == nil:
	case n.shape == Mapping:
		for _, f := range n.fields {
			one(f.key, f.pos, f.value, at.key(f.key))
		}
	default:
		for i, item := range items(n) {
			p := at.index(i)
			switch {
			case item.shape == Text:
				one(item.text, item.pos, nil, p)
			case item.shape == Mapping:
				for _, f := range item.fields {
					one(f.key, f.pos, f.value, p)
				}
			default:
				r.fault(item, p, "E-TYPE", "is a list, not an engine", "write the name of an engine")
			}
		}
	}
	return groups
}

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

// database checks a group that is used. Only external ones are built.
func (r *reader) database(g *group, root bool) (Database, bool) {
	db := Database{Pos: g.pos, Engine: family(g.engine), Group: g.name, Root: root}
	if !g.external() {
		r.notBuilt(g.pos, g.place, "running "+g.place.object, "declare it external: server: external, with host or service_dsn_secret")
		return db, false
	}
	if g.engine == "glusterfs" {
		r.notBuilt(g.pos, g.place, g.place.object, "")
		return db, false
	}
	if g.configuration != nil {
		r.walk(g.configuration, g.place.key("configuration"), engineConfiguration(g.engine))
	}
	errors := r.errors
	db.Port = engines[db.Engine].port
	if g.host != nil {
		db.Host = strings.TrimSuffix(strings.ToLower(g.host.text), ".")
		if _, err := netip.ParseAddr(db.Host); err != nil && !validHost(db.Host) {
			r.fault(g.host, g.place.key("host"), "E-HOST-SYNTAX", "is neither a DNS name nor an IP address", "write the name alone, without scheme and port")
		}
	}
	if g.port != nil {
		v, ok := integer(g.port)
		if !ok || v < 1 || v > 65535 {
			r.fault(g.port, g.place.key("port"), "E-VALUE", "is not a port", "write a number from 1 to 65535")
		}
		db.Port = int(v)
	}
	if g.secret != nil {
		db.DSNSecret = g.secret.text
		if !validHost(db.DSNSecret) {
			// Also what would lead into another namespace (threats T22).
			r.fault(g.secret, g.place.key("service_dsn_secret"), "E-VALUE", "is no name of a Secret", "name a Secret of the application's own namespace")
		}
	}
	return db, r.errors == errors
}
