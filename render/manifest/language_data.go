package manifest

import "rondo.dev/rondo/render"

// engineNames are the data components, in the order of the reference.
var engineNames = [...]string{"mysql", "postgresql", "postgis", "redis", "mongodb", "elasticsearch", "memcached", "rabbitmq", "influxdb", "glusterfs"}

// component holds the values of an engine's node, of one of its groups, or of
// its entry in databases.
type component struct {
	servers, server, configuration, groups *node
	host, port, secret, isDefault          *node
}

// options is the table of an engine's node: its default group, and groups.
func (c *component) options(engine string) []Option {
	return append(c.group(engine),
		opt("groups", Mapping, "", "a mapping of group names", "Separate instances of the engine.").
			named(func() []Option { return new(component).group(engine) }).into(&c.groups),
		opt("shared_group", List|Text, "", "", "Sharing of memcached.").inapplicable(""))
}

// group is the table of one group. Where a database runs is read; how rondo
// would run it is not built yet, which the reader says once for the group.
func (c *component) group(engine string) []Option {
	return []Option{
		opt("servers", List|Mapping|Text, "", "a list, or external", "Where the database runs.").keys(serverEntry).into(&c.servers),
		opt("server", Mapping|Text, "", "a mapping or external", "Where the database runs.").keys(serverOptions).into(&c.server),
		opt("configuration", Mapping, "", "a mapping", "Settings.").
			keys(func() []Option { return engineConfiguration(engine) }).into(&c.configuration),
		opt("host", Text, "", "DNS name or IP address", "Address of an external database.").ext().into(&c.host),
		opt("port", Integer, "the engine's usual port", "1 to 65535", "Port of an external database.").ext().into(&c.port),
		opt("service_dsn_secret", Text, "", "name of a Secret", "Secret with the keys host, port, username, password, database and url.").ext().into(&c.secret),
		opt("default", Bool, "", "", "Makes this the engine's default group.").ext().into(&c.isDefault),
		opt("replicas", Integer, "1", "", "Members.").ext().later("1"),
		opt("storage", Mapping, "", "size and class", "Disk.").ext().later(),
		opt("resources", Mapping, "", "requests and limits", "CPU and memory.").ext().later(),
		opt("parameters", Mapping, "", "", "Settings of the server.").ext().later(),
		opt("operator", Text, "", "", "Operator that runs it.").ext().later(),
		opt("image", Text, "", "", "Image that runs.").ext().later(),
		opt("share_from", Text, "", "app/environment", "Application that owns the database.").ext().later(),
		opt("share_with", List, "", "", "Applications that may use it.").ext().later(),
		opt("allow_from", List, "", "", "Applications that may connect.").ext().later(),

		no("version", "move it under configuration:"),
		no("unique_name", "move it under server:"),
	}
}

// databaseEntry is the table of a map in databases: a group, with its
// configuration beside it.
func databaseEntry() []Option { return new(component).entry("postgresql") }

func (c *component) entry(engine string) []Option {
	rows := c.group(engine)
	for _, o := range engineConfiguration(engine) {
		if row := find(rows, o.Name); row == nil {
			rows = append(rows, o)
		} else if row.Disposition == render.Unknown {
			*row = o
		}
	}
	return rows
}

// engineConfiguration is the table of spec 3.2. It only matters for a database
// that rondo runs; for an external one it has no effect.
func engineConfiguration(engine string) []Option {
	rows := append(serverSettings(),
		opt("operating_system", Text, "", "", "System of the server.").inapplicable(""),
		opt("custom_log_files", List, "", "glob paths", "Log files to collect.").inapplicable(""))
	if engine != "memcached" {
		rows = append(rows, opt("version", Text, "newest", "", "Version of the engine.").version().inapplicable(""))
	}
	switch engine {
	case "mysql":
		rows = append(rows,
			opt("engine", Text, "mysql", "", "Family.").words("mysql", "percona").inapplicable(""),
			opt("encoding", Text, "", "character set", "Encoding.").inapplicable(""),
			opt("tamper_with_yml", Bool, "yes", "", "Edits database.yml.").inapplicable(""))
	case "postgresql", "postgis":
		rows = append(rows,
			opt("postgis", Bool|Mapping, "false", "true or {version: x}", "Adds PostGIS.").inapplicable(""),
			opt("encoding", Text, "", "character set", "Encoding.").inapplicable(""),
			opt("tamper_with_yml", Bool, "yes", "", "Edits database.yml.").inapplicable(""))
	case "memcached":
		rows = append(rows,
			opt("memory", Integer, "64", "MB", "Memory.").inapplicable(""),
			opt("port", Integer, "11211", "", "Port.").inapplicable(""),
			opt("listen_ip", Text, "0.0.0.0", "IP address", "Address it listens on.").inapplicable(""),
			opt("shared_group", List|Text, "", "", "Sharing.").inapplicable(""))
	case "glusterfs":
		rows = append(rows,
			opt("replica_count", Integer, "1", "", "Copies.").inapplicable(""),
			opt("mount_targets", List, "app", "", "Who mounts it.").inapplicable(""),
			opt("volumes", List, "", "", "Volumes.").inapplicable(""))
	}
	for i := range rows {
		rows[i].Hint = "remove it; an external database is set up elsewhere"
	}
	return rows
}

func backupOptions() []Option {
	return []Option{
		opt("component", Text, "all", "", "What is backed up."),
		opt("schedule", Text, "hourly", "cron", "When."),
		opt("keep", Integer, "100", "1 to 1000", "Copies kept."),
		opt("kind", Text, "managed", "", "Where it goes.").words("managed", "unmanaged"),
		opt("type", Text, "text", "", "Dump or physical copy.").words("text", "binary"),
		opt("gzip", Bool, "true", "", "Compression."),
		opt("exclude_tables", List|Text, "[]", "", "Tables left out."),
		opt("run_on_replica", Bool, "true", "", "Uses a replica."),
		opt("encrypt_with", Text, "", "", "Key."),
		opt("pre_backup_command", Text, "", "", "Runs before."),
		opt("post_backup_command", Text, "", "", "Runs after."),
		opt("verify", Text, "auto", "", "Test of the copy."),
		opt("check_size", Bool, "true", "", "Checks free space."),
	}
}

// dataDocument holds the backups of databases (spec 3.8).
type dataDocument struct{}

func (d *dataDocument) rows() []Option {
	return []Option{
		opt("backups", List|Mapping, "", "a list or a mapping", "Backups of databases.").named(backupOptions).ext().later(),
	}
}
