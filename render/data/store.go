package data

import (
	"strconv"
	"strings"

	"rondo.dev/rondo/render/manifest"
)

// storeContainer takes copies to the object store, or back: scripts/store.sh.
// rclone takes all that it must know from its environment; no file has the key.
func storeContainer(app *manifest.Application, db manifest.Database, b manifest.Backup, task string) map[string]any {
	s := b.Store
	of := func(name, key string) map[string]any {
		return map[string]any{"name": name, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": s.Secret, "key": key}}}
	}
	copies := map[string]any{"name": "copies", "mountPath": "/backup"}
	if task == "put" {
		copies["readOnly"] = true
	}
	return map[string]any{
		"name": "store", "image": s.Image, "command": []any{"sh", "/etc/rondo/store.sh", task},
		"env": []any{
			value("BACKUP_NAME", b.Name), value("BACKUP_FOLDER", "/backup"), value("BACKUP_KEEP", strconv.FormatInt(b.Keep, 10)),
			value("STORE_FOLDER", strings.Join([]string{s.Bucket, s.Prefix, app.App, app.Environment, Name(db), b.Name}, "/")),
			value("RCLONE_CONFIG_STORE_TYPE", "s3"), value("RCLONE_CONFIG_STORE_PROVIDER", s.Provider),
			value("RCLONE_CONFIG_STORE_ENDPOINT", s.Endpoint), value("RCLONE_CONFIG_STORE_REGION", s.Region),
			// The bucket is there; a key for one folder could not ask for it.
			value("RCLONE_CONFIG_STORE_NO_CHECK_BUCKET", "true"),
			of("RCLONE_CONFIG_STORE_ACCESS_KEY_ID", "access_key_id"), of("RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY", "secret_access_key"),
			value("TMPDIR", "/work"), value("HOME", "/work"),
		},
		"volumeMounts": []any{
			copies,
			map[string]any{"name": "scripts", "mountPath": "/etc/rondo", "readOnly": true},
			map[string]any{"name": "work", "mountPath": "/work"},
		},
		"securityContext": containerSecurity(),
	}
}
