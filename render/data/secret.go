package data

import (
	"strconv"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// Lengths of what is made up, in characters.
const (
	userLength     = 12 // hex digits after "u"
	passwordLength = 32
)

// users are the keys of an engine with an application user, an administrator and
// a user for replication.
func users(administrator string) []render.GeneratedKey {
	return []render.GeneratedKey{
		{Name: "username", Length: userLength, Hex: true, Prefix: "u"},
		{Name: "password", Length: passwordLength},
		{Name: "admin_username", Text: administrator},
		{Name: "admin_password", Length: passwordLength},
		{Name: "replication_username", Text: "replicator"},
		{Name: "replication_password", Length: passwordLength},
	}
}

// schemes of the URLs of spec 3.4.1.
var schemes = map[string]string{"postgresql": "postgresql", "mysql": "mysql", "mongodb": "mongodb"}

// borrowed makes what the application signs in to another one's database with:
// nothing where nobody has to.
func borrowed(db manifest.Database) []render.Object {
	if db.From.Secret == "" {
		return nil
	}
	o := object("v1", "Secret", db.Secret(), map[string]any{"type": "Opaque"})
	o.Copy = &render.Copy{App: db.From.App, Database: db.From.Key, Secret: db.From.Secret, Keys: db.SharedKeys()}
	return []render.Object{o}
}

// secret makes what the engine and the application sign in with. It has the keys
// of a service_dsn_secret, and is made up once: data depends on it.
func secret(app *manifest.Application, db manifest.Database, s server) render.Object {
	host := Name(db)
	if app.Namespace != "" {
		host += "." + app.Namespace
	}
	keys := append([]render.GeneratedKey{{Name: "host", Text: host}, {Name: "port", Text: strconv.Itoa(db.Port)}}, s.secret...)
	if db.Engine != "redis" && db.Engine != "rabbitmq" {
		keys = append(keys, render.GeneratedKey{Name: "database", Text: db.Run.Database})
	}
	if scheme := schemes[db.Engine]; scheme != "" {
		url := scheme + "://$(username):$(password)@$(host):$(port)/$(database)"
		if db.Engine == "mongodb" {
			url += "?authSource=admin"
		}
		keys = append(keys, render.GeneratedKey{Name: "url", Text: url})
	}
	o := object("v1", "Secret", db.Secret(), map[string]any{"type": "Opaque"})
	o.Generate = &render.Generate{Keys: keys, Lasting: true}
	return o
}
