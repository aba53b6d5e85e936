package manifest

import (
	"cmp"
	"slices"
	"strings"

	"rondo.dev/rondo/sources"
)

// maxDatabases bounds what a short list can make: each has sixteen variables.
const maxDatabases = 100

// group is one instance of an engine while it is being read.
type group struct {
	component
	engine string // as written: postgis is postgresql later
	name   string
	pos    sources.Position
	place  place
	used   bool // not only configured
	disk   map[*node]place
}

// databases reads the data components (spec 3.1, 3.5), and declares the
// variables that they generate.
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
		if g.used {
			used = append(used, g)
			if have := root[family(g.engine)]; have == nil || g.rank() > have.rank() {
				root[family(g.engine)] = g
			}
			continue
		}
		if g.configuration != nil {
			// Its options have no effect; misspelt ones are told all the same.
			at := g.place.key("configuration")
			at.quiet = true
			r.walk(g.configuration, at, new(engineSettings).options(g.engine))
		}
		if slices.ContainsFunc(append(g.fields(), &g.configuration), func(n **node) bool { return *n != nil }) {
			r.add(g.pos, g.place.path, "W-DB-UNUSED", g.place.object+" is configured but not used", "add it to databases:, or remove it")
		}
	}
	if len(used) > maxDatabases {
		g := used[maxDatabases]
		r.add(g.pos, g.place.path, "E-VALUE", g.place.object+" is one of more than "+itoa(maxDatabases)+" databases", "split the application")
		used = used[:maxDatabases]
	}
	var out []Database
	first := map[string]bool{}
	for _, g := range used {
		db, ok := r.database(g, root[family(g.engine)] == g)
		if !ok {
			r.vars.faulty[db.Engine] = true
			continue
		}
		if first[db.Object()] {
			r.add(g.pos, g.place.path, "E-NAME-COLLISION", g.place.object+" is declared twice", "keep one of the two; postgis is postgresql as well")
			continue
		}
		first[db.Object()] = true
		r.vars.databases[db.Object()], r.vars.engines[db.Engine] = true, true
		if db.Engine == "glusterfs" {
			continue // is volumes alone
		}
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
		used: present(n) || c.used()}
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
			used: present(f.value) || own.used()}
		if f.key == "default" {
			// Wins key by key over what stands outside of groups.
			g.inherit(&def.component)
			g.used = g.used || def.used
			out[0] = g
			continue
		}
		out = append(out, g)
	}
	if out[0] == def && !def.used && def.configuration == nil {
		out = out[1:] // only named groups
	}
	return out
}

// validGroup accepts names that are part of variable and object names.
func validGroup(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && s[0] != '_' && s[len(s)-1] != '_'
}

// used reports whether c says where the database is without naming servers.
func (c *component) used() bool { return c.host != nil || c.secret != nil || c.shareFrom != nil }

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
		var c, peek component
		settings := c.settings.options(engine)
		fill(value, peek.entry(engine, nil))
		if peek.external() {
			settings = elsewhereSettings(engine, setUpElsewhere)
		}
		r.walk(value, p.of("database "+name), c.entry(engine, settings))
		c.inherit(&g.component)
		g.component = c
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

// database checks a group that is used.
func (r *reader) database(g *group, root bool) (Database, bool) {
	db := Database{Pos: g.pos, Engine: family(g.engine), Group: g.name, Root: root}
	errors := r.errors
	switch {
	case g.external() && g.engine == "glusterfs":
		r.add(g.pos, g.place.path, "E-VALUE", g.place.object+" is external", "mount a volume of your own instead: a persistent volume of a service")
	case g.shareFrom != nil:
		r.borrowedOf(g, &db)
	case g.external():
		r.elsewhereOf(g, &db)
	case g.engine == "glusterfs":
		r.sharedOf(g)
	default:
		db.Run = r.instanceOf(g, &db)
	}
	return db, r.errors == errors
}
