package manifest

import (
	"maps"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// usersOf reads who else may connect to a database, and who may use it as theirs,
// which connects as well.
func (r *reader) usersOf(g *group, in *Instance) {
	in.AllowFrom = r.peers(r.applications(g.allowFrom, g.place.key("allow_from")))
	for _, uid := range r.applications(g.shareWith, g.place.key("share_with")) {
		name, environment := r.apart(uid)
		in.ShareWith = append(in.ShareWith, name+"/"+environment)
	}
	for _, user := range r.peers(in.ShareWith) {
		if !slices.Contains(in.AllowFrom, user) {
			in.AllowFrom = append(in.AllowFrom, user)
		}
	}
}

// borrowedOf finds the database of another application that a group stands for
// (spec 3.4): its group of the same name, or else the only one of the engine.
func (r *reader) borrowedOf(g *group, db *Database) {
	at := g.place.key("share_from")
	if g.external() {
		r.fault(g.shareFrom, at, "E-VALUE", "stands beside an external server, and a database is in one place", "remove one of the two")
		return
	}
	const theirs = "remove it; the application that has the database decides"
	if g.configuration != nil {
		r.walk(g.configuration, g.place.key("configuration"), elsewhereSettings(g.engine, theirs))
	}
	r.notRunHere(g, theirs, map[string]*node{"port": g.port})
	names := r.applications(g.shareFrom, at)
	if len(names) == 0 || r.snap == nil { // of another environment
		return
	}
	uid := names[0]
	if render.Listed(names, r.o.App, r.o.Environment) {
		r.fault(g.shareFrom, at, "E-VALUE", "names this application itself", "name the one that runs the database")
		return
	}
	r.reads[uid] = true
	if r.o.Facts.Applications == nil {
		db.From = r.assumed(uid, db)
		db.Port = db.From.Port
		r.fault(g.shareFrom, at, "I-SHARE-UNKNOWN", "was not looked up: what others share is known to the daemon alone", "")
		return
	}
	readable, app := r.sharedBy(uid)
	theirKeys := slices.DeleteFunc(slices.Sorted(maps.Keys(readable.Databases)), func(key string) bool {
		engine, _, _ := strings.Cut(key, ".")
		return engine != db.Engine
	})
	key := db.Key()
	switch {
	case slices.Contains(theirKeys, key):
	case len(theirKeys) == 1:
		key = theirKeys[0]
	case len(theirKeys) > 1:
		r.fault(g.shareFrom, at, "E-DB-SHARE", "has several databases to share, and none of this name", "call the group like one of "+strings.Join(theirKeys, ", "))
		return
	default:
		fix := "list this application in share_with of the database there, and deploy that first"
		if near := r.near(uid, slices.Sorted(maps.Keys(r.o.Facts.Applications))); near != "" && app == "" {
			fix = "write " + near
		}
		r.fault(g.shareFrom, at, "E-DB-SHARE", "names application %s, which shares no %s with this one", fix, shown(uid), db.Engine)
		return
	}
	name, _, _ := strings.Cut(app, "/")
	db.From = &Borrowed{App: name, Key: key, SharedDatabase: readable.Databases[key]}
	db.Port = db.From.Port
}

// assumed is what an application most likely shares, where nobody knows.
func (r *reader) assumed(uid string, db *Database) *Borrowed {
	app, environment := r.apart(uid)
	out := &Borrowed{App: app, Key: db.Key(), SharedDatabase: render.SharedDatabase{
		Host: db.Object() + "." + r.namespaceOf(app, environment), Port: engines[db.Engine].port}}
	if engines[db.Engine].database {
		out.Database = databaseName(app, environment)
	}
	if !engines[db.Engine].open {
		out.Secret = db.Object()
	}
	return out
}

// SharedKeys are the keys of the Secret of a database that another application
// gets: those of its own user, never of an administrator.
func (d Database) SharedKeys() []string {
	facts := engines[d.Engine]
	keys := []string{"host", "port"}
	for _, key := range []struct {
		has  bool
		name string
	}{{facts.username, "username"}, {facts.password, "password"}, {facts.database, "database"}, {facts.url, "url"}} {
		if key.has {
			keys = append(keys, key.name)
		}
	}
	return keys
}

// share is what others are told of a database; false: it is not shared.
func (d Database) share(namespace string) (render.SharedDatabase, bool) {
	if d.Run == nil || len(d.Run.ShareWith) == 0 {
		return render.SharedDatabase{}, false
	}
	out := render.SharedDatabase{With: d.Run.ShareWith, Host: d.address(namespace), Followers: d.followers(namespace), Port: d.Port}
	if engines[d.Engine].database {
		out.Database = d.Run.Database
	}
	if !engines[d.Engine].open {
		out.Secret = d.Secret()
	}
	return out, true
}
