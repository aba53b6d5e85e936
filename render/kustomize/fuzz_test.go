package kustomize

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"rondo.dev/rondo/render"
)

// FuzzKustomize renders a repository that is written as a txtar archive. Nothing
// may crash, and nothing of what lies outside may come in.
func FuzzKustomize(f *testing.F) {
	outside := filepath.Join(f.TempDir(), "outside.yaml")
	if err := os.WriteFile(outside, []byte(canary), 0o600); err != nil {
		f.Fatal(err)
	}
	paths, err := filepath.Glob("../../testdata/kustomize/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, text := range pathFields {
		f.Add([]byte("-- repo/kustomization.yaml --\n" + strings.ReplaceAll(text, "PATH", outside)))
	}
	b := Builder{Inner: shop(), Workers: workers(f)}
	f.Fuzz(func(t *testing.T, archive []byte) {
		files := map[string]string{}
		for _, file := range txtar.Parse(archive).Files {
			if name, ok := strings.CutPrefix(file.Name, "repo/"); ok {
				files[name] = string(file.Data)
			}
		}
		in := input(repo(files))
		bundle, err := render.Render(t.Context(), in, b)
		var invalid *render.Invalid
		switch {
		case errors.As(err, &invalid):
			for _, p := range invalid.Problems {
				if p.What == "" || p.Pos.File == "" || strings.Contains(p.Error(), canary) || strings.Contains(p.What, "ended without an answer") {
					t.Errorf("problem %+v", p)
				}
			}
		case err != nil:
			t.Fatal(err)
		}
		for _, o := range bundle.Objects {
			if o.Origin.File == "" || o.ID.Namespace != in.Namespace || strings.Contains(string(mustJSON(t, o.Body)), canary) {
				t.Errorf("object %+v", o)
			}
		}
	})
}
