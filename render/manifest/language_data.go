package manifest

import (
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// engineNames are the data components, in the order of the reference.
var engineNames = [...]string{"mysql", "postgresql", "postgis", "redis", "mongodb", "elasticsearch", "memcached", "rabbitmq", "influxdb", "glusterfs"}

// component holds the values of an engine's node, of one of its groups, or of
// its entry in databases.
type component struct {
	servers, server, configuration, groups *node
	host, port, secret, isDefault          *node
	replicas, parameters, operator, image  *node
	storageSize, storageClass              *node
	shareFrom, shareWith, allowFrom        *node
	resources                              rawResources
	settings                               engineSettings // of an entry in databases, where configuration is not a level of its own
}

// fields are the places of all values but those of settings.
func (c *component) fields() []**node {
	return []**node{&c.servers, &c.server, &c.host, &c.port, &c.secret, &c.isDefault, &c.replicas, &c.parameters, &c.operator, &c.image,
		&c.storageSize, &c.storageClass, &c.shareFrom, &c.shareWith, &c.allowFrom,
		&c.resources.requestCPU, &c.resources.requestMemory, &c.resources.limitCPU, &c.resources.limitMemory}
}

// inherit takes what c does not say itself from outer, key by key.
func (c *component) inherit(outer *component) {
	theirs := outer.fields()
	for i, field := range c.fields() {
		*field = either(*field, *theirs[i])
	}
	if c.configuration != nil && outer.configuration != nil {
		c.configuration = overlay(outer.configuration, c.configuration)
	}
	c.configuration = either(c.configuration, outer.configuration)
	c.settings.inherit(&outer.settings)
}

// options is the table of an engine's node: its default group, and groups.
func (c *component) options(engine string) []Option {
	return append(c.group(engine),
		opt("groups", Mapping, "", "a mapping of group names", "Separate instances of the engine.").
			named(func() []Option { return new(component).group(engine) }).into(&c.groups),
		opt("shared_group", List|Text, "", "", "Sharing of memcached.").inapplicable(""))
}

// group is the table of one group.
func (c *component) group(engine string) []Option {
	rows := []Option{
		opt("servers", List|Mapping|Text, "", "a list, or external", "Where the database runs.").keys(dataServerEntry).into(&c.servers),
		opt("server", Mapping|Text, "", "a mapping or external", "Where the database runs.").keys(dataServer).into(&c.server),
		opt("configuration", Mapping, "", "a mapping", "Settings.").
			keys(func() []Option { return new(engineSettings).options(engine) }).into(&c.configuration),
		opt("storage", Mapping, "", "size and class", "Disk.").ext().keys(func() []Option { return c.storage(engine) }),
		opt("default", Bool, "", "", "Makes this the engine's default group.").ext().into(&c.isDefault),

		no("version", "move it under configuration:"),
		no("unique_name", "move it under server:"),
	}
	switch engine {
	case "glusterfs":
		rows[0], rows[1] = rows[0].keys(sharedDisk(dataServerEntry)), rows[1].keys(sharedDisk(dataServer))
		return slices.DeleteFunc(rows, func(o Option) bool { return o.Name == "default" }) // there are no variables
	case "memcached": // keeps nothing
		rows[0], rows[1] = rows[0].keys(serverEntry), rows[1].keys(serverOptions)
		rows = slices.DeleteFunc(rows, func(o Option) bool { return o.Name == "storage" })
	}
	return append(rows,
		opt("host", Text, "", "DNS name or IP address", "Address of an external database.").ext().into(&c.host),
		opt("port", Integer, "the engine's usual port", "1 to 65535", "Port of an external database.").ext().into(&c.port),
		opt("service_dsn_secret", Text, "", "name of a Secret", "Secret with the keys host, port, username, password, database and url.").ext().into(&c.secret),
		opt("replicas", Integer, "1", "1, or more with an operator", "Members.").ext().into(&c.replicas),
		opt("resources", Mapping, "", "requests and limits", "CPU and memory.").ext().keys(c.resources.options),
		opt("parameters", Mapping, "", "names and values", "Settings of the server.").ext().into(&c.parameters),
		opt("operator", Text, "", "cloudnative-pg, for postgresql", "Operator of the cluster that runs it, instead of rondo itself.").ext().into(&c.operator),
		opt("image", Text, "the catalogue's", "", "Image that runs.").ext().into(&c.image),
		opt("share_from", Text, "", "app/environment", "Application whose database this is.").ext().into(&c.shareFrom),
		opt("share_with", List|Text, "", "app or app/environment", "Applications that may use the database as theirs.").ext().into(&c.shareWith),
		opt("allow_from", List|Text, "", "app or app/environment", "Applications that may connect.").ext().into(&c.allowFrom))
}

func (c *component) storage(engine string) []Option {
	rows := []Option{
		opt("size", Text, "root_disk_size", "20Gi, or GB as a number", "Size of the disk.").ext().into(&c.storageSize),
		opt("class", Text, "that of root_disk_type", "name of a StorageClass", "Class of the disk.").ext().into(&c.storageClass),
	}
	if engine == "glusterfs" {
		rows[1] = rows[1].inapplicable("remove it; the operator of rondo names the class")
	}
	return rows
}

// rawResources holds requests and limits.
type rawResources struct{ requestCPU, requestMemory, limitCPU, limitMemory *node }

func (w *rawResources) options() []Option {
	return []Option{
		opt("requests", Mapping, "", "cpu and memory", "What is set aside.").ext().keys(func() []Option {
			return []Option{
				opt("cpu", Text, "", "500m, or cores", "CPU.").ext().into(&w.requestCPU),
				opt("memory", Text, "", "512Mi", "Memory.").ext().into(&w.requestMemory),
			}
		}),
		opt("limits", Mapping, "", "cpu and memory", "What may be used.").ext().keys(func() []Option {
			return []Option{
				opt("cpu", Text, "", "500m, or cores", "CPU.").ext().into(&w.limitCPU),
				opt("memory", Text, "", "512Mi", "Memory.").ext().into(&w.limitMemory),
			}
		}),
	}
}

// rawServer holds what a described server says about the disk.
type rawServer struct{ server, size, kind *node }

func dataServer() []Option      { return new(rawServer).options() }
func dataServerEntry() []Option { return new(rawServer).entry() }

// sharedDisk is the table of a server of glusterfs, whose class is the operator's.
func sharedDisk(keys func() []Option) func() []Option {
	return func() []Option {
		rows := keys()
		for i := range rows {
			switch rows[i].Name {
			case "root_disk_type":
				rows[i] = rows[i].inapplicable("remove it; the operator of rondo names the class")
			case "server":
				rows[i] = rows[i].keys(sharedDisk(dataServer))
			}
		}
		return rows
	}
}

func (s *rawServer) entry() []Option {
	return append(s.options(), opt("server", Mapping|Text, "", "a mapping or external", "One server.").keys(dataServer).into(&s.server))
}

func (s *rawServer) options() []Option { return s.disk(serverOptions()) }

// disk makes the rows of a disk count: a database has one.
func (s *rawServer) disk(rows []Option) []Option {
	for i := range rows {
		switch rows[i].Name {
		case "root_disk_size":
			rows[i] = rows[i].once().into(&s.size)
		case "root_disk_type":
			rows[i] = rows[i].once().into(&s.kind)
		}
	}
	return rows
}

// databaseEntry is the table of a map in databases: a group, with its
// configuration beside it. Without a name it is that of postgresql.
func databaseEntry(name string) []Option {
	engine, _, _ := strings.Cut(name, ".")
	if !slices.Contains(engineNames[:], engine) {
		engine = "postgresql"
	}
	c := new(component)
	return c.entry(engine, c.settings.options(engine))
}

func (c *component) entry(engine string, settings []Option) []Option {
	rows := c.group(engine)
	for _, o := range settings {
		if row := find(rows, o.Name); row == nil {
			rows = append(rows, o)
		} else if row.Disposition == render.Unknown {
			*row = o
		}
	}
	return rows
}

// engineSettings holds what stands under configuration.
type engineSettings struct {
	rawServer
	version, family, encoding, postgis, memory, port *node
	targets, volumes, logs                           *node
}

func (e *engineSettings) fields() []**node {
	return []**node{&e.size, &e.kind, &e.version, &e.family, &e.encoding, &e.postgis, &e.memory, &e.port, &e.targets, &e.volumes, &e.logs}
}

func (e *engineSettings) inherit(outer *engineSettings) {
	theirs := outer.fields()
	for i, field := range e.fields() {
		*field = either(*field, *theirs[i])
	}
}

// options is the table of spec 3.2.
func (e *engineSettings) options(engine string) []Option {
	rows := serverSettings()
	if engine != "memcached" {
		rows = e.disk(rows)
	}
	rows = append(rows,
		opt("operating_system", Text, "", "", "System of the server.").inapplicable(""))
	logs := logFiles().into(&e.logs)
	if engine == "glusterfs" { // nothing runs
		logs = logFiles().inapplicable("")
	}
	rows = append(rows, logs)
	encoding := opt("encoding", Text, "the server's", "character set", "Encoding.").once().into(&e.encoding)
	tamper := opt("tamper_with_yml", Bool, "yes", "", "Edits database.yml.").inapplicable("read the generated variables instead")
	switch engine {
	case "memcached":
		return append(rows,
			opt("memory", Integer, "64", "MB", "Memory.").into(&e.memory),
			opt("port", Integer, "11211", "1 to 65535", "Port.").into(&e.port),
			opt("listen_ip", Text, "0.0.0.0", "IP address", "Address it listens on.").inapplicable("remove it; a pod listens on its own address"),
			opt("shared_group", List|Text, "", "", "Sharing.").inapplicable(""))
	case "glusterfs":
		rows = sharedDisk(func() []Option { return rows })()
		return append(rows,
			opt("version", Text, "newest", "", "Version of the server.").version().inapplicable("remove it; the StorageClass decides"),
			opt("replica_count", Integer, "1", "", "Copies.").inapplicable("remove it; the StorageClass decides"),
			opt("mount_targets", List|Text, "app", "app, or names of services", "Who mounts it.").into(&e.targets),
			opt("volumes", List, "cloud66-vol", "a list of volume: mappings", "Volumes.").keys(new(rawShared).entry).into(&e.volumes))
	}
	rows = append(rows, opt("version", Text, "newest", "one of the catalogue", "Version of the engine.").version().once().into(&e.version))
	switch engine {
	case "mysql":
		rows = append(rows, opt("engine", Text, "mysql", "", "Family.").words("mysql", "percona").once().into(&e.family), encoding, tamper)
	case "postgresql", "postgis":
		rows = append(rows,
			opt("postgis", Bool|Mapping, "false", "true or {version: x}", "Adds PostGIS.").once().
				keys(func() []Option {
					return []Option{opt("version", Text, "that of the image", "", "Version of PostGIS.").version().inapplicable("remove it; the image decides")}
				}).into(&e.postgis),
			encoding, tamper)
	}
	if engine == "postgis" {
		*find(rows, "postgis") = find(rows, "postgis").inapplicable("remove it; the component has PostGIS already")
	}
	return rows
}

// elsewhereSettings is the same table for a database that rondo does not run
// here, where nothing of it has an effect.
func elsewhereSettings(engine, fix string) []Option {
	rows := new(engineSettings).options(engine)
	for i := range rows {
		rows[i] = rows[i].inapplicable(fix)
		rows[i].at = nil
	}
	return rows
}

// rawShared holds one volume of glusterfs.
type rawShared struct{ volume, name, mount, read, write *node }

func (v *rawShared) entry() []Option {
	return append(v.options(), opt("volume", Mapping, "", "name and mount", "One volume.").keys(new(rawShared).options).into(&v.volume))
}

func (v *rawShared) options() []Option {
	return []Option{
		opt("name", Text, "cloud66-vol", "", "Name of the volume.").into(&v.name),
		opt("mount", Text, "/mnt/gfs/<name>", "an absolute path", "Path that volumes of services name.").into(&v.mount),
		opt("access_control", Mapping, "", "read and write", "Services that may use it.").keys(func() []Option {
			return []Option{
				opt("read", List|Text, "all", "names of services", "Services that may read.").into(&v.read),
				opt("write", List|Text, "all", "names of services", "Services that may write.").into(&v.write),
			}
		}),
	}
}
