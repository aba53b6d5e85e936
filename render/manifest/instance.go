package manifest

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// instanceOf reads how rondo runs a database (spec 3.2, 3.3).
func (r *reader) instanceOf(g *group, db *Database) *Instance {
	settings, at := r.settingsOfGroup(g)
	in := &Instance{Family: g.engine, Database: databaseName(r.o.App, r.o.Environment), Operator: r.operatorOf(g), Replicas: 1}
	db.Port = engines[db.Engine].port
	if g.port != nil {
		if g.engine == "memcached" {
			db.Port = r.port(g.port, g.place.key("port"))
		} else {
			r.fault(g.port, g.place.key("port"), "W-NOT-APPLICABLE", "has no effect here", "remove it; only an external database has a port of its own")
		}
	}
	if settings.port != nil {
		db.Port = r.port(settings.port, at.key("port"))
	}
	r.image(g, in, settings, at)
	if engines[db.Engine].encodings {
		in.Encoding = settings.encoding.plainText()
		if in.Encoding != "" && strings.Trim(strings.ToLower(in.Encoding), "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			r.fault(settings.encoding, at.key("encoding"), "E-VALUE", "is no character set", "write a name such as utf8")
		}
		in.Encoding = r.onceOf(g, "encoding", in.Encoding, settings.encoding, at.key("encoding"), "write the old one, or load a backup into a new group")
	}
	if db.Engine != "memcached" {
		in.Disk = r.disk(g, settings)
	} else {
		in.Memory = 64
		if settings.memory != nil {
			v, ok := integer(settings.memory)
			if !ok || v < 1 || v > 1<<20 {
				r.fault(settings.memory, at.key("memory"), "E-VALUE", "is not an amount of memory", "write a number of MB")
			}
			in.Memory = v
		}
	}
	if g.replicas != nil {
		switch v, ok := integer(g.replicas); {
		case !ok || v < 1:
			r.fault(g.replicas, g.place.key("replicas"), "E-VALUE", "is not a number of members", "write 1 or more")
		case v > maxMembers:
			r.fault(g.replicas, g.place.key("replicas"), "E-VALUE", "is more members than any database needs", "write at most "+itoa(maxMembers))
		case v > 1 && in.Operator == "":
			fix := "write 1, or declare an external database"
			if family(g.engine) == "postgresql" {
				fix = "write 1, or operator: " + cloudNativePG + " where that is installed"
			}
			r.fault(g.replicas, g.place.key("replicas"), "E-DB-REPLICAS", "asks for members that follow each other, which this image cannot", fix)
		default:
			in.Replicas = v
		}
	}
	in.Resources = r.resourcesOfGroup(g)
	in.Parameters = r.parameters(g, db.Engine)
	in.LogPaths = r.logPaths(settings.logs, at.key("custom_log_files"))
	r.usersOf(g, in)
	return in
}

const (
	// cloudNativePG is the operator of package render/data's Cluster.
	cloudNativePG = "cloudnative-pg"
	maxMembers    = 16
)

// operatorOf reads what runs a database. It is settled when the database is
// made: whoever takes over would begin with an empty one.
func (r *reader) operatorOf(g *group) string {
	want, p := g.operator.plainText(), g.place.key("operator")
	switch {
	case g.operator == nil:
	case family(g.engine) != "postgresql":
		r.fault(g.operator, p, "E-VALUE", "is for PostgreSQL", "remove it")
		return ""
	case want != cloudNativePG:
		r.fault(g.operator, p, "E-VALUE", "names no operator that rondo knows", "write "+cloudNativePG)
		return ""
	}
	// Every database of PostgreSQL has an encoding recorded, and an operator if it has one.
	at := "postgresql." + g.name + "."
	if _, made := r.o.Facts.Once[at+"encoding"]; made && r.o.Facts.Once[at+"operator"] != want {
		pos := g.pos
		if g.operator != nil {
			pos = g.operator.pos
		}
		r.add(pos, p.path, "W-ONCE-CHANGED", g.place.object+" has another operator than it was made with, which is kept", "change it back; for another, load a backup into a new group")
		want = r.o.Facts.Once[at+"operator"]
	}
	if want != "" {
		record(&r.once, at+"operator", want)
	}
	return want
}

// plainText is the text of a scalar; empty where there is none.
func (n *node) plainText() string {
	if n == nil || n.shape != Text {
		return ""
	}
	return n.text
}

// settingsOfGroup reads configuration and what describes the server; a setting
// in databases wins over one in configuration. The place is that of settings.
func (r *reader) settingsOfGroup(g *group) (*engineSettings, place) {
	var conf, described engineSettings
	at := g.place
	if g.configuration != nil {
		at = g.place.key("configuration")
		r.walk(g.configuration, at, conf.options(g.engine))
	}
	g.settings.places(g, g.place)
	conf.places(g, at)
	for i, item := range append(items(g.servers), items(g.server)...) {
		p := g.place.key("servers").index(i)
		if item.shape != Mapping {
			r.fault(item, p, "E-VALUE", "does not say what the server is", "write external, or server: with root_disk_size")
			continue
		}
		var s, inner rawServer
		if g.engine == "memcached" {
			r.walk(item, p, serverEntry())
			continue
		}
		r.walk(item, p, s.entry())
		if s.server != nil && s.server.shape == Mapping {
			r.walk(s.server, p.key("server"), inner.options())
		}
		s.places(g, p)
		inner.places(g, p.key("server"))
		described.size = either(described.size, either(inner.size, s.size))
		described.kind = either(described.kind, either(inner.kind, s.kind))
		if i > 0 {
			r.fault(item, p, "W-NOT-APPLICABLE", "has no effect here", "remove it; a group has one server")
		}
	}
	settings := g.settings
	settings.inherit(&described)
	settings.inherit(&conf)
	return &settings, at
}

// places remembers where the rows of a disk stand: there are several places.
func (s *rawServer) places(g *group, p place) {
	if g.disk == nil {
		g.disk = map[*node]place{}
	}
	if s.size != nil {
		g.disk[s.size] = p.key("root_disk_size")
	}
	if s.kind != nil {
		g.disk[s.kind] = p.key("root_disk_type")
	}
}

// databaseName is the database of an application: <app>_<environment>.
func databaseName(app, environment string) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '_'
	}, strings.ToLower(strings.Trim(app+"_"+environment, "_")))
	return name[:min(len(name), 63)]
}

// image finds the image of a database: the one that is written, else that of
// the version in the catalogue.
func (r *reader) image(g *group, in *Instance, settings *engineSettings, at place) {
	n, where := settings.postgis, at.key("postgis")
	if is, ok := boolean(settings.postgis); is || settings.postgis != nil && !ok {
		in.Family = "postgis"
	}
	if settings.family != nil {
		n, where, in.Family = settings.family, at.key("engine"), settings.family.text
	}
	in.Family = r.onceOf(g, "engine", in.Family, n, where, "change it back, or load a backup into a new group")
	images := in.Family
	if in.Operator != "" { // whose images have its own program in them
		images = strings.Replace(in.Operator+"-"+in.Family, "-postgresql", "", 1)
	}
	catalogue := r.o.Facts.Images[images]
	p := at.key("version")
	if settings.version != nil {
		in.Version = settings.version.text
	} else if g.image == nil {
		in.Version = newest(catalogue)
	}
	if in.Version != "" {
		in.Version = r.onceOf(g, "version", in.Version, settings.version, p, "write the old one; for another, load a backup into a new group")
	}
	if g.image != nil {
		in.Image, _ = r.textOf(g.image, g.place.key("image"), &service{})
		if in.Image == "" || strings.ContainsAny(in.Image, " \t\n") {
			r.fault(g.image, g.place.key("image"), "E-VALUE", "is no image", "write registry/name:tag")
		}
		return
	}
	in.Image = catalogue[in.Version]
	if in.Image != "" {
		return
	}
	fix := "set image:, or have the operator of rondo add one to the catalogue"
	if len(catalogue) > 0 {
		fix = "write one of " + strings.Join(versions(catalogue), ", ") + ", or set image:"
	}
	pos := g.pos
	if settings.version != nil {
		pos = settings.version.pos
	}
	r.add(pos, p.path, "E-DB-VERSION", g.place.object+" has a version of which there is no image", fix)
}

// versions lists the versions of a catalogue, newest first.
func versions(catalogue map[string]string) []string {
	return slices.SortedFunc(maps.Keys(catalogue), func(a, b string) int { return compareVersions(b, a) })
}

func newest(catalogue map[string]string) string {
	if all := versions(catalogue); len(all) > 0 {
		return all[0]
	}
	return ""
}

// compareVersions compares number by number: 8.0 is before 8.4 and 10.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, _ := digits(as[i])
		y, _ := digits(bs[i])
		if c := cmp.Or(cmp.Compare(x, y), strings.Compare(as[i], bs[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

func (r *reader) resourcesOfGroup(g *group) Resources {
	at, nobody := g.place.key("resources"), &service{}
	requests, limits := at.key("requests"), at.key("limits")
	requestCPU, limitCPU := r.cpu(g.resources.requestCPU, requests.key("cpu"), nobody), r.cpu(g.resources.limitCPU, limits.key("cpu"), nobody)
	requestMemory := r.memory(g.resources.requestMemory, requests.key("memory"), nobody)
	limitMemory := r.memory(g.resources.limitMemory, limits.key("memory"), nobody)
	r.ordered(&requestCPU, limitCPU, g.resources.requestCPU, requests.key("cpu"))
	r.ordered(&requestMemory, limitMemory, g.resources.requestMemory, requests.key("memory"))
	return Resources{RequestCPU: requestCPU.text, RequestMemory: requestMemory.text, LimitCPU: limitCPU.text, LimitMemory: limitMemory.text}
}

// parameters reads the settings of the server. Those that rondo itself relies on
// are refused.
func (r *reader) parameters(g *group, engine string) []Parameter {
	if g.parameters == nil {
		return nil
	}
	var out []Parameter
	at := g.place.key("parameters")
	for _, f := range g.parameters.fields {
		p := at.key(f.key)
		switch name := strings.ReplaceAll(strings.ToLower(f.key), "-", "_"); {
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" || name == "" || f.key[0] == '-':
			r.add(f.pos, p.path, "E-VALUE", p.String()+" has a name that no setting can have", "use letters, digits, _, - and .")
		case slices.Contains(engines[engine].own, name):
			r.add(f.pos, p.path, "E-VALUE", p.String()+" is set by rondo", "remove it")
		default:
			value, ok := r.textOf(f.value, p, &service{})
			if strings.ContainsAny(value, "\n\r\x00") {
				r.fault(f.value, p, "E-VALUE", "has more than one line", "write it on one line")
			} else if ok {
				out = append(out, Parameter{f.key, value})
			}
		}
	}
	slices.SortFunc(out, func(a, b Parameter) int { return strings.Compare(a.Name, b.Name) })
	return out
}
