package kustomize

import (
	stdjson "encoding/json"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"

	"rondo.dev/rondo/render"
)

// tag is the annotation that follows an object through kustomize: "base/<n>" for
// the n-th object of the manifest, "place/<n>" for the n-th place in files. It
// is on no object that leaves this package.
const tag = "internal.rondo.dev/origin"

func baseTag(n int) string { return "base/" + strconv.Itoa(n) }

// adopt turns the answer of a worker into objects again.
func (u *build) adopt(raw []stdjson.RawMessage, inner []render.Object) []render.Object {
	out := make([]render.Object, 0, len(raw))
	found := make([]bool, len(inner))
	var lost []int // of out, without a tag
	for _, r := range raw {
		var body map[string]any
		if err := json.Unmarshal(r, &body); err != nil {
			u.failed = err
			return nil
		}
		o := render.Object{Body: body, Origin: u.root}
		where, number, _ := strings.Cut(takeTag(body), "/")
		n, err := strconv.Atoi(number)
		switch {
		case err == nil && where == "base" && n >= 0 && n < len(inner):
			o = follow(inner[n], body)
			found[n] = true
		case err == nil && where == "place" && n >= 0 && n < len(u.places):
			o.Origin = u.places[n]
		default:
			lost = append(lost, len(out))
		}
		out = append(out, o)
	}
	for _, i := range lost {
		kind, name := id(out[i].Body)
		for n := range inner {
			was, called := id(inner[n].Body)
			switch {
			case found[n] || was != kind:
			case called == name:
				out[i] = follow(inner[n], out[i].Body)
				found[n] = true
			default:
				u.fault(u.root, "E-OVERLAY-BASE", "the overlay takes all annotations from "+kind+"/"+name+", by which it is known",
					"remove single annotations instead")
			}
		}
	}
	return out
}

// follow is the object of the manifest with the body that an overlay gave it.
func follow(o render.Object, body map[string]any) render.Object {
	was, _ := id(o.Body)
	if kind, _ := id(body); kind != was {
		return render.Object{Body: body, Origin: o.Origin}
	}
	o.ID, o.Body = render.ID{}, body
	spec, _ := body["spec"].(map[string]any)
	if n, ok := spec["replicas"].(int64); ok && o.Replicas != nil {
		// The overlay says how many: the range is that one number, and stays
		// with the manager that has it.
		o.Replicas = &render.Range{Min: n, Max: n}
		delete(spec, "replicas")
	}
	return o
}

// takeTag removes the tag, and annotations that are empty without it.
func takeTag(body map[string]any) string {
	meta, _ := body["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	value, _ := annotations[tag].(string)
	delete(annotations, tag)
	if annotations != nil && len(annotations) == 0 {
		delete(meta, "annotations")
	}
	return value
}
