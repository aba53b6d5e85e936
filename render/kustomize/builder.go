package kustomize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/validate"
	"rondo.dev/rondo/sources"
)

// Builder makes the objects of any repository: of one with a manifest by the
// inner Builder, changed by the overlay of the environment if there is one; of
// others by kustomize or from plain YAML. It implements [render.Builder].
type Builder struct {
	Inner   render.Builder // reads the manifest
	Workers *Workers       // run kustomize
}

var _ render.Builder = Builder{}

// Inputs are those of the inner Builder, the places that decide which way is
// taken, and the folder that is built, see [inputs].
func (b Builder) Inputs(in render.Input) []string {
	var out []string
	w, dir := choose(in)
	if w != byManifest {
		out = inputs(in.Snapshot, dir)
	}
	if in.Path == "" {
		out = append(out, b.Inner.Inputs(in)...)
		for _, folder := range []string{".", overlayOf(in.Environment)} {
			if folder == "" {
				continue
			}
			for _, name := range kustomizationNames {
				out = append(out, path.Join(folder, name))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Build makes the objects. The Origin of one that came from a file is its
// document there; one of the manifest keeps its own.
func (b Builder) Build(ctx context.Context, in render.Input) (render.Draft, error) {
	if err := ctx.Err(); err != nil {
		return render.Draft{}, err
	}
	w, dir := choose(in)
	switch w {
	case byOverlay:
		draft, err := b.Inner.Build(ctx, in)
		if errs, _, _ := render.CountProblems(draft.Problems); err != nil || errs > 0 {
			return draft, err
		}
		objects, problems, err := b.kustomize(ctx, in, dir, draft.Objects, true)
		draft.Objects = objects
		for _, p := range problems {
			// Most objects are checked before and after the overlay.
			if !slices.ContainsFunc(draft.Problems, func(q render.Problem) bool { return q.Error() == p.Error() }) {
				draft.Problems = append(draft.Problems, p)
			}
		}
		return draft, err
	case byKustomization:
		objects, problems, err := b.kustomize(ctx, in, dir, nil, false)
		return render.Draft{Objects: objects, Problems: problems}, err
	case byFiles:
		r := newReader(in.Snapshot)
		objects := r.plain(dir)
		if !r.ok() {
			return render.Draft{Problems: r.problems}, r.failed
		}
		return render.Draft{Objects: objects, Problems: append(r.problems, check(objects, in)...)}, nil
	default:
		draft, err := b.Inner.Build(ctx, in)
		hint(in.Snapshot, &draft)
		return draft, err
	}
}

// check looks over objects that people wrote.
func check(objects []render.Object, in render.Input) []render.Problem {
	return validate.Objects(objects, validate.Options{ClusterVersion: in.Facts.ClusterVersion, Foreign: true})
}

// hint says where objects may be meant to come from when there is no manifest.
func hint(snap sources.Snapshot, draft *render.Draft) {
	if len(draft.Problems) != 1 || draft.Problems[0].Code != "E-FILE-NONE" {
		return
	}
	for _, dir := range []string{"deploy", "k8s", "kubernetes", "manifests"} {
		if _, isFolder, err := open(snap, dir); err == nil && isFolder {
			draft.Problems[0].Fix = "add one, or set path: " + dir + " in rondo.yaml to deploy the YAML there"
			return
		}
	}
}

// kustomize builds the kustomization in dir, with the objects of the manifest as
// rondo-base if there is one.
func (b Builder) kustomize(ctx context.Context, in render.Input, dir string, inner []render.Object, manifest bool) ([]render.Object, []render.Problem, error) {
	u := &build{
		reader: newReader(in.Snapshot), files: map[string][]byte{}, seen: map[string]string{}, sizes: map[string]size{},
		byName: map[string][]sources.Position{}, patch: map[string]sources.Position{},
	}
	u.kustomization(dir, sources.Position{File: path.Join(dir, kustomizationNames[0])}, nil)
	switch {
	case !u.ok():
	case manifest && len(u.bases) == 0:
		u.fault(u.root, "E-OVERLAY-BASE", "the overlay does not name "+base+", so nothing of the manifest would be deployed", "add "+base+" to its resources")
	case !manifest && len(u.bases) > 0:
		u.fault(u.bases[0], "E-OVERLAY-BASE", "there is no manifest that "+base+" could stand for", "add a manifest.yml, or take it out")
	}
	if !u.ok() {
		return nil, u.problems, u.failed
	}
	if err := u.write(inner); err != nil {
		return nil, nil, err
	}
	answer, err := b.Workers.build(ctx, request{Files: u.files, Dir: dir})
	var limit errLimit
	switch {
	case errors.As(err, &limit):
		u.fault(u.root, "E-KUSTOMIZE-LIMIT", "kustomize "+limit.Error()+" to build this", "make it smaller")
		return nil, u.problems, nil
	case errors.Is(err, errDied):
		u.fault(u.root, "E-KUSTOMIZE", "kustomize ended without an answer, twice", "run kustomize build "+shown(dir)+" to see why")
		return nil, u.problems, nil
	case err != nil:
		return nil, nil, fmt.Errorf("build %s: %w", dir, err)
	case answer.Error != "":
		u.report(u.explain(answer.Error, dir))
		return nil, u.problems, nil
	}
	objects := u.adopt(answer.Objects, inner)
	return objects, append(u.problems, check(objects, in)...), u.failed
}

// write puts the objects of the manifest wherever rondo-base is named.
func (u *build) write(inner []render.Object) error {
	var all []byte
	for i, o := range inner {
		body := maps.Clone(o.Body)
		meta, _ := body["metadata"].(map[string]any)
		meta = maps.Clone(meta)
		annotations, _ := meta["annotations"].(map[string]any)
		if annotations = maps.Clone(annotations); annotations == nil {
			annotations = map[string]any{}
		}
		annotations[tag] = baseTag(i)
		meta["annotations"] = annotations
		body["metadata"] = meta
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write %s: %w", o.ID, err)
		}
		all = append(append(append(all, "---\n"...), raw...), '\n')
	}
	for name, content := range u.files {
		if content == nil {
			u.files[name] = all
		}
	}
	return nil
}
