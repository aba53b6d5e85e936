package manifest

// dataDocument holds the backups of databases (spec 3.8).
type dataDocument struct{ backups *node }

func (d *dataDocument) rows() []Option {
	return []Option{
		opt("backups", List|Mapping, "", "a list or a mapping", "Backups of databases.").named(new(rawBackup).options).ext().into(&d.backups),
	}
}

// rawBackup holds one entry of backups.
type rawBackup struct {
	component, schedule, keep, kind, form, gzip, exclude *node
	key, before, after, verify, checkSize                *node
}

func (b *rawBackup) options() []Option {
	return []Option{
		opt("component", Text, "all", "an engine, or engine.group", "What is backed up.").ext().into(&b.component),
		opt("schedule", Text, "hourly", "a cron expression, or hourly, daily, weekly or monthly", "When, in UTC.").ext().into(&b.schedule),
		opt("keep", Integer, "100, unmanaged 10", "1 to 1000", "Copies kept; the oldest go first.").ext().into(&b.keep),
		opt("kind", Text, "managed", "", "Where copies go: the operator's object store, or a volume beside the database.").words("managed", "unmanaged").ext().into(&b.kind),
		opt("type", Text, "text", "", "Dump of the database, or copy of the whole server.").words("text", "binary").ext().into(&b.form),
		opt("gzip", Bool, "true", "", "Compression.").ext().into(&b.gzip),
		opt("exclude_tables", List|Text, "[]", "a list, or names with commas", "Tables left out; text copies of PostgreSQL and MySQL only.").ext().into(&b.exclude),
		opt("run_on_replica", Bool, "true", "", "Uses a replica.").ext().inapplicable("remove it; a database has no replicas"),
		opt("encrypt_with", Text, "", "name of a Secret, or name/key", "Secret with the key that copies are encrypted with; PostgreSQL and MySQL only.").ext().into(&b.key),
		opt("pre_backup_command", Text, "", "a shell line", "Runs before, beside the copies.").ext().into(&b.before),
		opt("post_backup_command", Text, "", "a shell line", "Runs after, with BACKUP_FILE.").ext().into(&b.after),
		opt("verify", Text, "auto", "", "Tries the newest copy twice a day; text copies of PostgreSQL only.").words("auto", "off").ext().into(&b.verify),
		opt("check_size", Bool, "true", "", "Demands free space of twice the database's size.").ext().into(&b.checkSize),
	}
}
