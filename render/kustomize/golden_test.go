package kustomize

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
)

// TestGolden renders each repository of testdata/kustomize: repo/ are its files,
// input may say more of the render.Input, want/ is what comes of it. A
// repository with a manifest has the objects of shop in the place of those that
// its manifest would make.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/kustomize/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	ws := workers(t)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files, want := map[string]string{}, map[string]string{}
			in := input(nil)
			kept := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				if strings.HasPrefix(f.Name, "want/") {
					want[f.Name] = string(f.Data)
					continue
				}
				kept.Files = append(kept.Files, f)
				if name, ok := strings.CutPrefix(f.Name, "repo/"); ok {
					files[name] = string(f.Data)
				} else if err := yaml.UnmarshalStrict(f.Data, &in); err != nil {
					t.Fatal(err)
				}
			}
			in.Snapshot = repo(files)
			b := Builder{Inner: inner{}, Workers: ws}
			if files["manifest.yml"] != "" {
				b.Inner = shop()
			}
			bundle, problems := rendered(t, b, in)
			got := map[string]string{"want/objects": objectText(t, bundle), "want/problems": problems}
			if *update {
				for _, name := range []string{"want/objects", "want/problems"} {
					if got[name] != "" {
						kept.Files = append(kept.Files, txtar.File{Name: name, Data: []byte(got[name])})
					}
				}
				if err := os.WriteFile(path, txtar.Format(kept), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for name, text := range got {
				if diff := cmp.Diff(want[name], text); diff != "" {
					t.Errorf("%s; run with -update to accept:\n%s", name, diff)
				}
			}
		})
	}
}

func objectText(t *testing.T, b render.Bundle) string {
	t.Helper()
	var out bytes.Buffer
	for _, o := range b.Objects {
		body, err := yaml.Marshal(o.Body)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "# %s, %s, stage %s\n%s---\n", o.ID, o.Origin, o.Stage, body)
	}
	return out.String()
}
