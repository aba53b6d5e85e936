package kustomize

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// way is how the objects of an application are made.
type way int

const (
	byManifest      way = iota // the inner Builder alone
	byOverlay                  // the inner Builder, then the kustomization in dir
	byKustomization            // the kustomization in dir
	byFiles                    // all YAML below dir
)

// choose decides by which names exist. It reads no file.
func choose(in render.Input) (w way, dir string) {
	if in.Path != "" {
		dir = path.Clean(in.Path)
		if isKustomization(in.Snapshot, dir) {
			return byKustomization, dir
		}
		return byFiles, dir
	}
	overlay := overlayOf(in.Environment)
	hasOverlay := overlay != "" && isKustomization(in.Snapshot, overlay)
	manifests, services := manifest.Places(in.Manifest)
	declared := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return exists(in.Snapshot, name) })
	}
	switch {
	case in.Manifest != "" || declared(manifests):
	case isKustomization(in.Snapshot, "."):
		// A service.yml beside it is a Service of Kubernetes.
		return byKustomization, "."
	case declared(services):
	case hasOverlay:
		return byKustomization, overlay
	default:
		return byManifest, ""
	}
	if hasOverlay {
		return byOverlay, overlay
	}
	return byManifest, ""
}

// overlayOf is the folder of an environment's overlay; empty where the name of
// the environment cannot be that of a folder.
func overlayOf(environment string) string {
	if environment == "" || environment == ".." || environment == "." || strings.ContainsAny(environment, "/\\\x00") {
		return ""
	}
	return ".rondo/overlays/" + environment
}

// exists reports whether something has this name, a link too: it is looked at later.
func exists(snap sources.Snapshot, name string) bool {
	f, err := snap.Open(name)
	if err == nil {
		f.Close()
		return true
	}
	return !isMissing(err)
}

func isKustomization(snap sources.Snapshot, dir string) bool {
	return slices.ContainsFunc(kustomizationNames[:], func(name string) bool { return exists(snap, path.Join(dir, name)) })
}

// inputs are the folders whose content decides the result: dir, or the whole
// repository where a kustomization at or below dir can lead out of it.
func inputs(snap sources.Snapshot, dir string) []string {
	left := 1000 // names that are looked at; a larger tree counts as leading out
	inside := true
	err := fs.WalkDir(snap, dir, func(name string, entry fs.DirEntry, err error) error {
		if left--; err != nil || left < 0 {
			inside = false
			return fs.SkipAll
		}
		if entry.IsDir() || !slices.Contains(kustomizationNames[:], entry.Name()) {
			return nil
		}
		b, _, err := open(snap, name)
		// A backslash could be the escape of a dot.
		if err == nil && (strings.Contains(string(b), "..") || strings.Contains(string(b), `\`)) {
			inside = false
			return fs.SkipAll
		}
		return nil
	})
	if err != nil || !inside {
		return []string{"."}
	}
	return []string{dir}
}
