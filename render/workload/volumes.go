package workload

import (
	"encoding/base64"
	"slices"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// annotationLogFolder stands on the Pods of a service with log_folder: where a
// collector finds files.
const annotationLogFolder = render.Domain + "/log-folder"

// mount gives a Pod the volumes of svc, and its container c their mounts. Those
// that a StatefulSet makes for each Pod are in claimTemplates.
func (m *maker) mount(svc manifest.Service, pod, c map[string]any) {
	var volumes, mounts []any
	add := func(name string, source map[string]any, mount map[string]any) {
		if source != nil {
			source["name"] = name
			volumes = append(volumes, source)
		}
		mount["name"] = name
		mounts = append(mounts, mount)
	}
	for _, v := range svc.Mount.Volumes {
		mount := map[string]any{"mountPath": v.Path}
		if v.ReadOnly {
			mount["readOnly"] = true
		}
		for field, text := range map[string]string{"subPath": v.SubPath, "subPathExpr": v.SubPathExpr, "mountPropagation": v.Propagation} {
			if text != "" {
				mount[field] = text
			}
		}
		add(v.Name, m.source(svc, v), mount)
	}
	if logs := svc.Mount.Logs; logs != nil {
		source := map[string]any{"emptyDir": map[string]any{}}
		if logs.Host != "" {
			source = map[string]any{"hostPath": map[string]any{"path": logs.Host, "type": "DirectoryOrCreate"}}
		}
		add(manifest.VolumeLogs, source, map[string]any{"mountPath": logs.Path})
	}
	if names := m.app.Storage.SecretFiles; names != nil {
		var sources []any
		for _, name := range names {
			sources = append(sources, map[string]any{"secret": map[string]any{"name": name, "optional": true}})
		}
		add(manifest.VolumeSecrets, map[string]any{"projected": map[string]any{"sources": sources}},
			map[string]any{"mountPath": manifest.SecretFilesPath, "readOnly": true})
	}
	if len(volumes) > 0 {
		pod["volumes"] = volumes
	}
	if len(mounts) > 0 {
		c["volumeMounts"] = mounts
	}
}

// source is what stands in the Pod for v, without its name; nil: the claim
// template of a StatefulSet.
func (m *maker) source(svc manifest.Service, v manifest.Volume) map[string]any {
	switch {
	case v.Files != nil:
		return map[string]any{"projected": map[string]any{"sources": m.files(svc, v)}}
	case v.Claim != nil && svc.Pod.Kind == manifest.KindStatefulSet:
		return nil
	case v.Claim != nil:
		return map[string]any{"persistentVolumeClaim": map[string]any{"claimName": render.Name(svc.Name, v.Name)}}
	case v.Shared != "":
		return map[string]any{"persistentVolumeClaim": map[string]any{"claimName": v.Shared}}
	}
	out := make(map[string]any, len(v.Source)+1)
	for kind, body := range v.Source {
		out[kind] = body
	}
	return out
}

// claims makes the PersistentVolumeClaims of svc, unless each Pod has its own.
func claims(svc manifest.Service) []render.Object {
	if svc.Pod.Kind == manifest.KindStatefulSet {
		return nil
	}
	var objects []render.Object
	for _, v := range svc.Mount.Volumes {
		if v.Claim != nil {
			o := object("v1", "PersistentVolumeClaim", render.Name(svc.Name, v.Name), map[string]any{"spec": claimSpec(*v.Claim)})
			o.Keep = v.Claim.Retain
			objects = append(objects, o)
		}
	}
	return objects
}

// claimTemplates gives the spec of a StatefulSet of svc its claims. They outlive
// it unless all of them may go.
func claimTemplates(svc manifest.Service, spec map[string]any) {
	var templates []any
	retain := false
	for _, v := range svc.Mount.Volumes {
		if v.Claim != nil {
			templates = append(templates, map[string]any{
				"apiVersion": "v1", "kind": "PersistentVolumeClaim",
				"metadata": map[string]any{"name": v.Name},
				"spec":     claimSpec(*v.Claim),
			})
			retain = retain || v.Claim.Retain
		}
	}
	if len(templates) == 0 {
		return
	}
	deleted := "Delete"
	if retain {
		deleted = "Retain"
	}
	spec["volumeClaimTemplates"] = templates
	spec["persistentVolumeClaimRetentionPolicy"] = map[string]any{"whenDeleted": deleted, "whenScaled": "Retain"}
}

func claimSpec(c manifest.Claim) map[string]any {
	spec := map[string]any{
		"accessModes": list(c.Modes),
		"resources":   map[string]any{"requests": map[string]any{"storage": c.Size}},
	}
	if c.Class != "" {
		spec["storageClassName"] = c.Class
	}
	return spec
}

// files lists where the files of v come from: a later one wins.
func (m *maker) files(svc manifest.Service, v manifest.Volume) []any {
	sources := []any{}
	fromSecret := func(name string, keys [][2]string, optional bool) {
		source := map[string]any{"name": name}
		var items []any
		for _, key := range keys {
			items = append(items, map[string]any{"key": key[0], "path": key[1]})
		}
		if items != nil {
			source["items"] = items
		}
		if optional {
			source["optional"] = true
		}
		sources = append(sources, map[string]any{"secret": source})
	}
	texts, refs := m.fileTexts(v)
	if len(texts) > 0 {
		kind := "configMap"
		if v.Files.Secret {
			kind = "secret"
		}
		sources = append(sources, map[string]any{kind: map[string]any{"name": render.Name(svc.Name, v.Name)}})
	}
	for _, ref := range refs {
		fromSecret(ref.secret.Secret, [][2]string{{ref.secret.Key, ref.name}}, ref.secret.Optional)
	}
	for _, store := range v.Files.Store {
		var keys [][2]string
		for _, key := range store.Keys {
			keys = append(keys, [2]string{key, key})
		}
		fromSecret(store.Secret, keys, store.Optional)
	}
	return sources
}

// fileRef is a file that is a key of a Secret.
type fileRef struct {
	name   string
	secret manifest.SecretRef
}

// fileTexts sorts the variables of v: those that are text, as they stand in an
// object, and those that are a key of a Secret.
func (m *maker) fileTexts(v manifest.Volume) (texts map[string]any, refs []fileRef) {
	texts = make(map[string]any)
	for _, variable := range m.app.Variables {
		if !slices.Contains(v.Files.Variables, variable.Name) {
			continue
		}
		if text, ok := variable.Value.Text(); !ok {
			refs = append(refs, fileRef{variable.Name, *variable.Value.Parts[0].SecretRef})
		} else if v.Files.Secret {
			texts[variable.Name] = base64.StdEncoding.EncodeToString([]byte(text))
		} else {
			texts[variable.Name] = text
		}
	}
	return texts, refs
}

// fileObjects makes the ConfigMaps and Secrets that files of svc come from.
func (m *maker) fileObjects(svc manifest.Service) []render.Object {
	var objects []render.Object
	for _, v := range svc.Mount.Volumes {
		if v.Files == nil {
			continue
		}
		texts, _ := m.fileTexts(v)
		name := render.Name(svc.Name, v.Name)
		switch {
		case len(texts) == 0:
		case v.Files.Secret:
			objects = append(objects, object("v1", "Secret", name, map[string]any{"type": "Opaque", "data": texts}))
		default:
			objects = append(objects, object("v1", "ConfigMap", name, map[string]any{"data": texts}))
		}
	}
	return objects
}
