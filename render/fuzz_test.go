package render_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/workload"
)

// Whatever stands in a manifest, Render answers; and what the manifest language
// accepts makes objects of which Kubernetes accepts the form.
func FuzzManifest(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.file("repo/manifest.yml"))
	}
	f.Add(twelve())
	f.Fuzz(func(t *testing.T, text string) {
		in := shop
		in.Incomplete = true
		in.Snapshot = commitOf(map[string]string{"manifest.yml": text})
		bundle, err := render.Render(t.Context(), in, workload.Builder{})
		problems := bundle.Problems
		if err != nil {
			if problems = render.AsProblems(err); problems == nil {
				t.Fatal(err)
			}
		}
		for i := range problems {
			if strings.HasPrefix(problems[i].Code, "E-OBJECT-") {
				t.Error(problems[i].Error())
			}
		}
		for _, o := range bundle.Objects {
			runtime.DeepCopyJSON(o.Body)
		}
	})
}
