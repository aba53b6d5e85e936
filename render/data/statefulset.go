package data

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// gracePeriod is how long a server may write before it is killed, in seconds.
const gracePeriod = 120

// statefulSet makes the one Pod of db. Nothing but its own deletion restarts it
// (spec 3.3): neither a deployment nor a new image.
func statefulSet(app *manifest.Application, db manifest.Database, s server) render.Object {
	labels := selector(app, db)
	labels[render.LabelComponent] = db.Engine
	pod := map[string]any{
		"containers":                    []any{container(db, s)},
		"securityContext":               podSecurity(s.user, s.group),
		"terminationGracePeriodSeconds": int64(gracePeriod),
		"automountServiceAccountToken":  false,
		// Variables such as REDIS_PORT=tcp://… would be taken for settings.
		"enableServiceLinks": false,
	}
	if volumes := volumes(db, s); len(volumes) > 0 {
		pod["volumes"] = volumes
	}
	spec := map[string]any{
		"serviceName":    headlessName(db),
		"replicas":       int64(1),
		"selector":       map[string]any{"matchLabels": selector(app, db)},
		"updateStrategy": map[string]any{"type": "OnDelete"},
		"template":       map[string]any{"metadata": map[string]any{"labels": labels}, "spec": pod},
	}
	if s.mount != "" {
		spec["persistentVolumeClaimRetentionPolicy"] = map[string]any{"whenDeleted": "Retain", "whenScaled": "Retain"}
		spec["volumeClaimTemplates"] = []any{map[string]any{
			"apiVersion": "v1", "kind": "PersistentVolumeClaim",
			"metadata": map[string]any{"name": "data"},
			"spec":     claim("ReadWriteOnce", db.Run.Disk.Size, db.Run.Disk.Class),
		}}
	}
	return logged(object("apps/v1", "StatefulSet", Name(db), map[string]any{"spec": spec}), db)
}

// logged names the log files of db on what runs it.
func logged(o render.Object, db manifest.Database) render.Object {
	if len(db.Run.LogPaths) > 0 {
		o.Body["metadata"].(map[string]any)["annotations"] = map[string]any{render.AnnotationLogPaths: strings.Join(db.Run.LogPaths, ",")}
	}
	return o
}

// claim is the spec of a PersistentVolumeClaim.
func claim(mode, size, class string) map[string]any {
	spec := map[string]any{
		"accessModes": []any{mode},
		"resources":   map[string]any{"requests": map[string]any{"storage": size}},
	}
	if class != "" {
		spec["storageClassName"] = class
	}
	return spec
}

// grown makes the claim of db larger than the template that made it, which
// cannot change.
func grown(db manifest.Database) render.Object {
	return object("v1", "PersistentVolumeClaim", render.Name("data", Name(db), "0"), map[string]any{
		"spec": claim("ReadWriteOnce", db.Run.Disk.Grown, db.Run.Disk.Class)})
}

func podSecurity(user, group int64) map[string]any {
	return map[string]any{
		"runAsNonRoot": true, "runAsUser": user, "runAsGroup": group, "fsGroup": group,
		"fsGroupChangePolicy": "OnRootMismatch", // a large disk is not walked at each start
		"seccompProfile":      map[string]any{"type": "RuntimeDefault"},
	}
}

func containerSecurity() map[string]any {
	return map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []any{"ALL"}}}
}

func container(db manifest.Database, s server) map[string]any {
	c := map[string]any{
		"name": db.Engine, "image": db.Run.Image, "securityContext": containerSecurity(),
		"startupProbe":   probe(s.ready, 5, 360), // half an hour: recovery after a crash reads a lot
		"readinessProbe": probe(s.ready, 10, 3),
		"livenessProbe":  probe(map[string]any{"tcpSocket": map[string]any{"port": s.ports[0].number}}, 10, 6),
	}
	var ports []any
	for _, p := range s.ports {
		ports = append(ports, map[string]any{"name": p.name, "containerPort": p.number, "protocol": "TCP"})
	}
	c["ports"] = ports
	if s.command != nil {
		c["command"] = list(s.command)
	}
	if s.args != nil {
		c["args"] = list(literal(s.args))
	}
	if s.env != nil {
		c["env"] = s.env
	}
	var mounts []any
	if s.mount != "" {
		mounts = append(mounts, map[string]any{"name": "data", "mountPath": s.mount})
	}
	if len(s.scripts) > 0 {
		m := map[string]any{"name": "scripts", "mountPath": s.scriptsAt, "readOnly": true}
		if file := slices.Sorted(maps.Keys(s.scripts))[0]; strings.HasSuffix(s.scriptsAt, file) {
			m["subPath"] = file
		}
		mounts = append(mounts, m)
	}
	if db.Engine == "redis" {
		mounts = append(mounts, map[string]any{"name": "run", "mountPath": "/run/rondo"})
	}
	if mounts != nil {
		c["volumeMounts"] = mounts
	}
	if r := resources(db); len(r) > 0 {
		c["resources"] = r
	}
	return c
}

// literal doubles dollars where Kubernetes would fill in $(NAME).
func literal(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ReplaceAll(w, "$(", "$$(")
	}
	return out
}

func probe(handler map[string]any, period, failures int64) map[string]any {
	out := map[string]any{"periodSeconds": period, "timeoutSeconds": int64(5), "failureThreshold": failures}
	maps.Copy(out, handler)
	return out
}

func volumes(db manifest.Database, s server) []any {
	var out []any
	if len(s.scripts) > 0 {
		out = append(out, map[string]any{"name": "scripts",
			"configMap": map[string]any{"name": scriptsName(db), "defaultMode": int64(0o555)}})
	}
	if db.Engine == "redis" {
		out = append(out, map[string]any{"name": "run", "emptyDir": map[string]any{"medium": "Memory"}})
	}
	return out
}

func scriptsName(db manifest.Database) string { return render.Name(Name(db), "scripts") }

// scripts is the ConfigMap with the files of the server.
func scripts(db manifest.Database, s server) render.Object {
	files := map[string]any{}
	for name, text := range s.scripts {
		files[name] = text
	}
	return object("v1", "ConfigMap", scriptsName(db), map[string]any{"data": files})
}

// resources are those that were asked for. memcached is told how much memory it
// may fill, and needs some for itself.
func resources(db manifest.Database) map[string]any {
	r := db.Run.Resources
	if db.Engine == "memcached" && r.LimitMemory == "" {
		r.LimitMemory = strconv.FormatInt(db.Run.Memory+32, 10) + "Mi"
		if r.RequestMemory == "" {
			r.RequestMemory = r.LimitMemory
		}
	}
	out := map[string]any{}
	for kind, amounts := range map[string]map[string]string{
		"requests": {"cpu": r.RequestCPU, "memory": r.RequestMemory},
		"limits":   {"cpu": r.LimitCPU, "memory": r.LimitMemory},
	} {
		set := map[string]any{}
		for name, amount := range amounts {
			if amount != "" {
				set[name] = amount
			}
		}
		if len(set) > 0 {
			out[kind] = set
		}
	}
	return out
}
