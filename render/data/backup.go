package data

import (
	"strconv"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

const (
	// neverDue is a schedule of a CronJob that is suspended: Kubernetes wants one.
	neverDue = "0 0 1 1 *"
	// verifySchedule is about every eleven hours, as the reference documents.
	verifySchedule = "30 1,12,23 * * *"
	// restorePort is where a copy of Redis is served from while it is put back.
	restorePort = 6380
	// startDeadline is how late a backup may still start, in seconds (spec 3.8).
	startDeadline = 900
)

// Backups makes what backs up the databases of app. Copies of a database lie in
// the object store, or on one volume, which stays when its backups go.
func Backups(app *manifest.Application) []render.Object {
	var out []render.Object
	for _, db := range app.Databases {
		first, volume := true, false
		for _, b := range app.Backups {
			if b.Database != db.Key() {
				continue
			}
			var objects []render.Object
			if b.Store == nil && !volume {
				objects, volume = append(objects, copies(db)), true
			}
			if first {
				objects = append(objects, backupScripts(db))
				if db.Engine == "redis" {
					objects = append(objects, restorePolicy(app, db))
				}
				first = false
			}
			if b.Verifier != "" {
				objects = append(objects, object("v1", "ConfigMap", jobName(db, b, "verify"), map[string]any{"data": map[string]any{"verifier.sql": b.Verifier}}))
			}
			objects = append(objects, cronJob(app, db, b, "backup", b.Schedule), cronJob(app, db, b, "restore", ""))
			if b.Verify {
				objects = append(objects, cronJob(app, db, b, "verify", verifySchedule))
			}
			for i := range objects {
				objects[i].Origin = b.Pos
			}
			out = append(out, objects...)
		}
	}
	return out
}

// jobName is "postgresql-default-restore", or "…-restore-nightly" for a backup
// of that name.
func jobName(db manifest.Database, b manifest.Backup, task string) string {
	return render.Name(Name(db), task+strings.TrimPrefix(b.Name, "backup"))
}

// copies is the volume of copies, as large as that of the database.
func copies(db manifest.Database) render.Object {
	o := object("v1", "PersistentVolumeClaim", copiesName(db), map[string]any{"spec": claim("ReadWriteOnce", db.Run.Disk.Current(), db.Run.Disk.Class)})
	o.Group = db.Key()
	return o
}

func copiesName(db manifest.Database) string { return render.Name(Name(db), "backup") }

func backupScripts(db manifest.Database) render.Object {
	text := map[string]any{}
	for _, name := range []string{"report.sh", "lib.sh", "backup.sh", "restore.sh", "verify.sh", "store.sh"} {
		text[name] = script(name)
	}
	return object("v1", "ConfigMap", copiesName(db), map[string]any{"data": text})
}

// restorePolicy lets the database fetch a copy from the Pod that puts it back.
func restorePolicy(app *manifest.Application, db manifest.Database) render.Object {
	return object("networking.k8s.io/v1", "NetworkPolicy", render.Name(Name(db), "restore"), map[string]any{"spec": map[string]any{
		"podSelector": map[string]any{"matchLabels": map[string]any{"app": app.App, "tier": render.Name(Name(db), "restore")}},
		"policyTypes": []any{"Ingress"},
		"ingress": []any{map[string]any{
			"from":  []any{map[string]any{"podSelector": map[string]any{"matchLabels": selector(app, db)}}},
			"ports": []any{map[string]any{"protocol": "TCP", "port": int64(restorePort)}},
		}},
	}})
}

// cronJob runs a script on a schedule; with none it waits to be asked:
// kubectl create job --from=cronjob/…. With an object store a container of its
// own takes the copy there after it is made, or back before it is used.
func cronJob(app *manifest.Application, db manifest.Database, b manifest.Backup, task, schedule string) render.Object {
	s := serverOf(db)
	copiesAt := map[string]any{"name": "copies", "mountPath": "/backup"}
	if task != "backup" {
		copiesAt["readOnly"] = true
	}
	mounts := []any{
		copiesAt,
		map[string]any{"name": "scripts", "mountPath": "/etc/rondo", "readOnly": true},
		map[string]any{"name": "work", "mountPath": "/work"},
	}
	kept := map[string]any{"name": "copies", "persistentVolumeClaim": map[string]any{"claimName": copiesName(db)}}
	if b.Store != nil {
		kept = map[string]any{"name": "copies", "emptyDir": map[string]any{"sizeLimit": db.Run.Disk.Current()}}
	}
	volumes := []any{
		kept,
		map[string]any{"name": "scripts", "configMap": map[string]any{"name": copiesName(db), "defaultMode": int64(0o555)}},
		map[string]any{"name": "work", "emptyDir": map[string]any{}},
	}
	env := settings(db, b)
	if task == "verify" && b.Verifier != "" {
		env = append(env, value("VERIFIER", "/etc/verifier/verifier.sql"))
		mounts = append(mounts, map[string]any{"name": "verifier", "mountPath": "/etc/verifier", "readOnly": true})
		volumes = append(volumes, map[string]any{"name": "verifier", "configMap": map[string]any{"name": jobName(db, b, "verify")}})
	}
	main := map[string]any{
		"name": task, "image": db.Run.Image, "command": []any{"bash", "/etc/rondo/" + task + ".sh"},
		"env": env, "volumeMounts": mounts, "securityContext": containerSecurity(),
	}
	pod := map[string]any{
		"restartPolicy": "Never", "automountServiceAccountToken": false, "enableServiceLinks": false,
		"securityContext": podSecurity(s.user, s.group), "volumes": volumes, "containers": []any{main},
	}
	switch {
	case b.Store == nil:
	case task == "backup":
		pod["initContainers"], pod["containers"] = []any{main}, []any{storeContainer(app, db, b, "put")}
	default:
		pod["initContainers"] = []any{storeContainer(app, db, b, "fetch")}
	}
	tier := render.Name(Name(db), task)
	spec := map[string]any{
		"schedule": schedule, "timeZone": "Etc/UTC", "concurrencyPolicy": "Forbid", "suspend": schedule == "",
		"startingDeadlineSeconds": int64(startDeadline), "successfulJobsHistoryLimit": int64(3), "failedJobsHistoryLimit": int64(3),
		"jobTemplate": map[string]any{"spec": map[string]any{"backoffLimit": int64(0), "template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": app.App, "tier": tier}},
			"spec":     pod,
		}}},
	}
	if schedule == "" {
		spec["schedule"] = neverDue
	}
	return object("batch/v1", "CronJob", jobName(db, b, task), map[string]any{"spec": spec})
}

// settings is the environment of the scripts; scripts/lib.sh tells what each is.
func settings(db manifest.Database, b manifest.Backup) []any {
	form := "text"
	if b.Binary {
		form = "binary"
	}
	env := []any{
		value("ENGINE", db.Engine), value("DB_HOST", Name(db)), value("DB_PORT", strconv.Itoa(db.Port)), value("DB_NAME", db.Run.Database),
		value("BACKUP_NAME", b.Name), value("BACKUP_FOLDER", "/backup"), value("BACKUP_KEEP", strconv.FormatInt(b.Keep, 10)), value("BACKUP_TYPE", form),
		value("BACKUP_GZIP", strconv.FormatBool(b.Gzip)), value("BACKUP_CHECK_SIZE", strconv.FormatBool(b.CheckSize)),
		value("TMPDIR", "/work"), value("HOME", "/work"),
	}
	for _, optional := range []struct{ name, text string }{
		{"BACKUP_EXCLUDE", strings.Join(b.Exclude, "\n")}, {"PRE_BACKUP_COMMAND", b.Before}, {"POST_BACKUP_COMMAND", b.After},
	} {
		if optional.text != "" {
			env = append(env, value(optional.name, optional.text))
		}
	}
	if b.Key != nil {
		env = append(env, map[string]any{"name": "BACKUP_KEY", "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": b.Key.Secret, "key": b.Key.Key}}})
	}
	if db.Engine == "redis" {
		return append(env, fromSecret(db, "REDISCLI_AUTH", "password"),
			map[string]any{"name": "POD_ADDRESS", "valueFrom": map[string]any{"fieldRef": map[string]any{"fieldPath": "status.podIP"}}})
	}
	return append(env,
		fromSecret(db, "ADMIN_USERNAME", "admin_username"), fromSecret(db, "ADMIN_PASSWORD", "admin_password"), fromSecret(db, "APP_USERNAME", "username"),
		fromSecret(db, "REPLICATION_USERNAME", "replication_username"), fromSecret(db, "REPLICATION_PASSWORD", "replication_password"))
}
