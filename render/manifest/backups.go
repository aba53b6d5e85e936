package manifest

import (
	"io/fs"
	"slices"
	"strings"

	"rondo.dev/rondo/sources"
)

// can tells what a backup of an engine can do. One that is not listed has none:
// memcached keeps nothing, and the others have no tool in their image.
var can = map[string]struct{ text, binary, exclude, encrypt bool }{
	"postgresql": {text: true, binary: true, exclude: true, encrypt: true},
	"mysql":      {text: true, exclude: true, encrypt: true},
	"redis":      {text: true, binary: true}, // always a copy of the whole
	"mongodb":    {text: true, binary: true},
}

// backupsOf reads the backups of the databases of app.
func (r *reader) backupsOf(d *document, app *Application) {
	at := place{}.key("backups")
	taken := map[string]int{} // backups of a database that have no name of their own
	if d.data.backups == nil {
		return
	}
	if d.data.backups.shape == Mapping {
		for _, f := range d.data.backups.fields {
			p := at.key(f.key).of("backup " + shown(f.key))
			if strings.Trim(f.key, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(f.key) == 0 || len(f.key) > 20 || strings.Trim(f.key, "-") != f.key {
				r.add(f.pos, p.path, "E-NAME-SYNTAX", p.object+" has a name that no backup can have", "use lower-case letters, digits and dashes between them; at most 20")
				continue
			}
			r.backup(f.value, p, app, func(string) string { return "backup-" + f.key })
		}
		return
	}
	for i, item := range d.data.backups.items {
		r.backup(item, at.index(i), app, func(database string) string {
			if taken[database]++; taken[database] == 1 {
				return "backup"
			}
			return "backup-" + itoa(taken[database])
		})
	}
}

// backup reads one entry, for each database that it covers.
func (r *reader) backup(n *node, p place, app *Application, name func(database string) string) {
	if !n.isNull() && n.shape != Mapping {
		r.fault(n, p, "E-TYPE", "is %s, not a mapping", "write component: and schedule:", form(n))
		return
	}
	var raw rawBackup
	r.walk(n, p, raw.options())
	covered := r.covered(&raw, n, p, app)
	if len(covered) == 0 {
		return
	}
	if raw.kind == nil && n.get("kind") != nil {
		return // its word was refused
	}
	b := Backup{Pos: n.pos, Keep: 10, Schedule: "0 * * * *", Gzip: true, CheckSize: true,
		Before: raw.before.plainText(), After: raw.after.plainText(), Exclude: texts(raw.exclude),
		Binary: raw.form != nil && raw.form.text == "binary", Verify: raw.verify == nil || raw.verify.text == "auto"}
	if raw.kind.plainText() != "unmanaged" {
		if b.Store, b.Keep = r.o.Facts.ObjectStore, 100; b.Store == nil {
			r.fault(n, p, "E-BACKUP-STORE", "goes to an object store, and rondo knows none",
				"have the operator of rondo set object_store, or write kind: unmanaged")
		}
	}
	if raw.keep != nil {
		var ok bool
		if b.Keep, ok = integer(raw.keep); !ok || b.Keep < 1 || b.Keep > 1000 {
			r.fault(raw.keep, p.key("keep"), "E-VALUE", "is not a number of copies", "write 1 to 1000")
		}
	}
	if raw.schedule != nil {
		words := map[string]string{"hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * 0", "monthly": "0 0 1 * *"}
		if b.Schedule = words[raw.schedule.text]; b.Schedule == "" {
			b.Schedule = r.schedule(raw.schedule, p.key("schedule"))
		}
	}
	if raw.gzip != nil {
		b.Gzip, _ = boolean(raw.gzip)
	}
	if raw.checkSize != nil {
		b.CheckSize, _ = boolean(raw.checkSize)
	}
	if raw.key != nil {
		secret, key, named := strings.Cut(raw.key.text, "/")
		if !named {
			key = "key"
		}
		if !validHost(secret) || key == "" || strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			r.fault(raw.key, p.key("encrypt_with"), "E-VALUE", "is no name of a Secret", "name a Secret of the application's own namespace, or name/key")
		}
		b.Key = &SecretRef{Secret: secret, Key: key}
	}
	for _, db := range covered {
		r.able(&raw, p, db)
		one := b
		one.Database, one.Name = db.Key(), name(db.Key())
		one.Verify = b.Verify && db.Engine == "postgresql" && !b.Binary
		if one.Verify {
			one.Verifier = r.verifier(db.Group)
		}
		app.Backups = append(app.Backups, one)
	}
}

// covered lists the databases of an entry: all that can be, or those named.
func (r *reader) covered(raw *rawBackup, n *node, p place, app *Application) []Database {
	engine, group, named := strings.Cut(raw.component.plainText(), ".")
	all := engine == "" || engine == "all"
	var out []Database
	found := false
	for _, db := range app.Databases {
		if !all && (db.Engine != family(engine) || named && db.Group != group) {
			continue
		}
		_, able := can[db.Engine]
		if db.Run != nil && db.Run.Operator == "" && able {
			out = append(out, db)
		}
		found = true
	}
	pos, path := n, p
	if raw.component != nil {
		pos, path = raw.component, p.key("component")
	}
	switch {
	case len(out) > 0:
	case found:
		r.fault(pos, path, "E-VALUE", "covers no database that rondo can back up", "name one of mysql, postgresql, redis or mongodb that rondo itself runs; an operator has backups of its own")
	default:
		r.fault(pos, path, "E-VALUE", "covers no database of this application", "name one of databases:, as engine or engine.group")
	}
	return out
}

// able tells what a backup of db cannot do.
func (r *reader) able(raw *rawBackup, p place, db Database) {
	able := can[db.Engine]
	for _, option := range []struct {
		name string
		n    *node
		can  bool
		fix  string
	}{
		{"type", raw.form, able.binary || raw.form.plainText() != "binary", "write type: text"},
		{"exclude_tables", raw.exclude, able.exclude && raw.form.plainText() != "binary", "remove it, or name a component of text copies"},
		{"encrypt_with", raw.key, able.encrypt, "remove it, or name a component whose image has openssl: postgresql or mysql"},
	} {
		if option.n != nil && !option.can {
			r.fault(option.n, p.key(option.name), "E-VALUE", "is not possible for %s.%s", option.fix, db.Engine, db.Group)
		}
	}
}

// verifierFiles are where the SQL that tries a copy may be, the most specific
// first; group may be a pattern.
func verifierFiles(environment, group string) []string {
	const base = ".cloud66/backup_verifier_pg"
	var out []string
	for _, env := range []string{"_" + environment, ""} {
		if env != "_" {
			out = append(out, base+env+"."+group+".sql", base+env+".sql")
		}
	}
	return out
}

// verifierInputs are those that decide for any group.
func verifierInputs(snap sources.Snapshot, environment string) []string {
	out := verifierFiles(environment, "default")
	if entries, err := fs.ReadDir(snap, ".cloud66"); err == nil {
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "backup_verifier_pg") {
				out = append(out, ".cloud66/"+e.Name())
			}
		}
	}
	return out
}

// verifier is the SQL that tries a copy of a group; empty where there is none.
func (r *reader) verifier(group string) string {
	if r.snap == nil { // of another environment
		return ""
	}
	name, text, err := r.firstFile(r.snap, verifierFiles(r.o.Environment, group), "the verifier of backups")
	if err != nil {
		r.broken = err
	}
	if len(text) > maxVerifier {
		r.add(sources.Position{File: name}, "", "E-FILE-SIZE", "the verifier of backups is larger than "+itoa(maxVerifier>>10)+" KiB", "make it smaller")
		return ""
	}
	return string(slices.Clone(text))
}

// maxVerifier bounds the SQL of a verifier, in bytes: it travels in a ConfigMap.
const maxVerifier = 64 << 10
