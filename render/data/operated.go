package data

import (
	"maps"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// statusPort is where CloudNativePG and the members of a Cluster ask each other
// how they are.
const statusPort = 8000

// addVector is SQL that adds pgvector where the image has it: spec 3.2 promises
// it with PostGIS, and a missing extension must not keep a database from starting.
const addVector = `DO $$ BEGIN IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN CREATE EXTENSION IF NOT EXISTS vector; END IF; END $$`

// operated makes db as a Cluster of CloudNativePG (API postgresql.cnpg.io/v1),
// with the Services and the Secret under the names that code knows. The
// operator makes the Service of the followers by itself, <engine>-<group>-ro.
func operated(app *manifest.Application, db manifest.Database) []render.Object {
	storage := map[string]any{"size": db.Run.Disk.Current()}
	if db.Run.Disk.Class != "" {
		storage["storageClass"] = db.Run.Disk.Class
	}
	initial := map[string]any{"database": db.Run.Database, "owner": db.Run.Database, "secret": map[string]any{"name": Name(db)}}
	if db.Run.Encoding != "" {
		initial["encoding"] = db.Run.Encoding
	}
	if db.Run.Family == "postgis" {
		initial["postInitApplicationSQL"] = []any{"CREATE EXTENSION IF NOT EXISTS postgis", addVector}
	}
	labels := selector(app, db)
	labels[render.LabelComponent] = db.Engine
	spec := map[string]any{
		"instances":         db.Run.Replicas,
		"imageName":         db.Run.Image,
		"bootstrap":         map[string]any{"initdb": initial},
		"storage":           storage,
		"inheritedMetadata": map[string]any{"labels": labels},
	}
	if r := resources(db); len(r) > 0 {
		spec["resources"] = r
	}
	if len(db.Run.Parameters) > 0 {
		parameters := map[string]any{}
		for _, p := range db.Run.Parameters {
			parameters[p.Name] = p.Value
		}
		spec["postgresql"] = map[string]any{"parameters": parameters}
	}

	s := server{ports: []namedPort{{"postgresql", int64(db.Port)}}, secret: []render.GeneratedKey{
		{Name: "username", Text: db.Run.Database}, {Name: "password", Length: passwordLength}}} // the operator compares the name with the owner
	members := map[string]any{"cnpg.io/cluster": Name(db)}
	primary := map[string]any{"cnpg.io/instanceRole": "primary"}
	maps.Copy(primary, members)
	objects := []render.Object{logged(object("postgresql.cnpg.io/v1", "Cluster", Name(db), map[string]any{"spec": spec}), db), secret(app, db, s)}
	objects = append(objects, named(db, s, primary)...) // members know each other from the operator

	p := policy(app, db, s)
	rules := p.Body["spec"].(map[string]any)
	rules["podSelector"] = map[string]any{"matchLabels": members}
	rules["ingress"] = append(rules["ingress"].([]any),
		map[string]any{"from": []any{map[string]any{"podSelector": map[string]any{"matchLabels": members}}}},
		map[string]any{
			"from": []any{map[string]any{"namespaceSelector": map[string]any{}, "podSelector": map[string]any{
				"matchLabels": map[string]any{"app.kubernetes.io/name": "cloudnative-pg"}}}},
			"ports": []any{map[string]any{"protocol": "TCP", "port": int64(statusPort)}},
		})
	return append(objects, p)
}
