package data

import (
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// Name is the name of the Service of db, and of what else is db: "postgresql-default".
func Name(db manifest.Database) string { return db.Object() }

// Objects makes db: what runs it, or what lets services of the namespace reach
// it where it runs elsewhere.
func Objects(app *manifest.Application, db manifest.Database) ([]render.Object, []render.Problem) {
	if db.From != nil {
		return place(borrowed(db), db.Pos, ""), nil
	}
	if db.Run == nil {
		objects, problems := external(db, app.Namespace)
		return place(objects, db.Pos, ""), problems
	}
	if db.Run.Operator != "" {
		return place(operated(app, db), db.Pos, db.Key()), nil
	}
	s := serverOf(db)
	objects := append(services(app, db, s), statefulSet(app, db, s), policy(app, db, s))
	if s.secret != nil {
		objects = append(objects, secret(app, db, s))
	}
	if len(s.scripts) > 0 {
		objects = append(objects, scripts(db, s))
	}
	if db.Run.Disk.Grown != "" {
		objects = append(objects, grown(db))
	}
	return place(objects, db.Pos, db.Key()), nil
}

// Shared makes the claim of a volume that many Pods mount.
func Shared(v manifest.SharedVolume) render.Object {
	o := object("v1", "PersistentVolumeClaim", v.Claim, map[string]any{"spec": claim("ReadWriteMany", v.Disk.Current(), v.Disk.Class)})
	return place([]render.Object{o}, v.Pos, "glusterfs."+v.Group)[0]
}

func object(apiVersion, kind, name string, fields map[string]any) render.Object {
	fields["apiVersion"], fields["kind"], fields["metadata"] = apiVersion, kind, map[string]any{"name": name}
	return render.Object{Body: fields}
}

// place gives objects their origin and the name of their data, and puts Services
// with what they stand for before all workloads.
func place(objects []render.Object, pos sources.Position, group string) []render.Object {
	for i := range objects {
		objects[i].Origin, objects[i].Group = pos, group
		if kind := objects[i].Body["kind"]; kind == "Service" || kind == "EndpointSlice" || kind == "Cluster" {
			objects[i].Stage = render.StageData
		}
	}
	return objects
}
