package manifest

import (
	"slices"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// Database is a group of a data component: one that rondo runs, one that runs
// elsewhere (spec 3.3, 3.5), or one that another application shares (3.4).
type Database struct {
	Pos    sources.Position
	Engine string // "postgresql", "mysql", "redis", …
	Group  string // "default" when none is named
	// Root says that this is the engine's default group: its variables exist
	// without the group's name as well, and a Service <engine>.
	Root bool
	// Run says how rondo runs it; nil: it runs elsewhere.
	Run *Instance
	// From says whose it is; nil: it is no other application's.
	From *Borrowed

	Host      string // of one that runs elsewhere: DNS name or IP address; empty: unknown
	Port      int    // the engine's usual port unless written
	DSNSecret string // name of the Secret with host, port, username, password, database, url; may be empty
}

// Object is the name of what stands for d in the cluster, its Service among it:
// "postgresql-default".
func (d Database) Object() string {
	return render.Name(d.Engine, strings.ReplaceAll(strings.ToLower(d.Group), "_", "-"))
}

// Secret is the name of the Secret that signs in to d.
func (d Database) Secret() string {
	if d.From != nil { // not that of a database of its own, whose data may still be there
		return render.Name(d.Object(), "shared")
	}
	return d.Object()
}

// Key names the data of d: "postgresql.default".
func (d Database) Key() string { return d.Engine + "." + d.Group }

// Instance is how rondo runs a database.
type Instance struct {
	Family   string // whose image: the engine itself, "postgis" or "percona"
	Version  string // as written; empty where only image is given
	Image    string
	Database string // name of the database inside; the same for every engine that has any
	Encoding string // empty: the server's own
	Disk     Disk
	Operator string // what runs it instead of rondo: "cloudnative-pg"; empty: nothing
	Replicas int64  // members; above 1 only with an Operator
	// Resources of one member.
	Resources  Resources
	Parameters []Parameter // sorted by name
	Memory     int64       // of memcached, MB
	AllowFrom  []App       // those that may connect, ShareWith among them
	ShareWith  []string    // "<app>/<environment>": those that may use it as theirs
	LogPaths   []string    // globs of log files, as written
}

// Borrowed is a database of another application.
type Borrowed struct {
	App string // name of the application
	Key string // of the database there: "postgresql.default"
	render.SharedDatabase
}

// Disk is a volume that was made with a size and maybe grew since.
type Disk struct {
	Size  string // quantity it is made with
	Grown string // quantity it has by now; empty: Size
	Class string // StorageClass; empty: the cluster's default
}

// Current is the size by now.
func (d Disk) Current() string {
	if d.Grown != "" {
		return d.Grown
	}
	return d.Size
}

// Parameter is a setting of a server.
type Parameter struct{ Name, Value string }

// SharedVolume is a volume of glusterfs, which many Pods mount at once (spec 3.6).
type SharedVolume struct {
	Pos   sources.Position
	Group string // of glusterfs: "default"
	Name  string
	Claim string   // name of the PersistentVolumeClaim, which render/data makes
	Mount []string // paths whose beginning in a service's volume means this volume
	Disk  Disk
	// Services that may read and write; nil: all. Targets are the words of
	// mount_targets, of which "app" and "docker" mean every service.
	Readers, Writers, Targets []string
}

// Access tells what the service of this name, as written, may do with v.
func (v SharedVolume) Access(service string) (read, write bool) {
	if !slices.ContainsFunc(v.Targets, func(t string) bool { return t == "app" || t == "docker" || t == service }) {
		return false, false
	}
	write = v.Writers == nil || slices.Contains(v.Writers, service)
	return write || v.Readers == nil || slices.Contains(v.Readers, service), write
}

// Backup says how one database is backed up (spec 3.8): an entry of backups makes
// one for each database that it covers.
type Backup struct {
	Pos      sources.Position
	Database string // key of the database: "postgresql.default"
	Name     string // of the copies: "backup", "backup-2", or "backup-<name>"
	Schedule string // cron, in UTC
	Keep     int64
	Binary   bool // a copy of the whole server
	Gzip     bool
	// CheckSize demands free space of twice the database's size.
	CheckSize bool
	Verify    bool
	Verifier  string     // SQL that answers one row with the column result; empty: is there a table
	Exclude   []string   // tables
	Key       *SecretRef // encrypts copies; nil: they are not
	// Store is where copies go; nil: a volume beside the database.
	Store *render.ObjectStore
	// Shell lines around it; empty: none.
	Before, After string
}
