package render_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/workload"
	"rondo.dev/rondo/sources"
)

// golden is one file of testdata/render: a repository, what else decides the
// result, and what must come of it.
type golden struct {
	path    string
	archive *txtar.Archive
	input   render.Input
}

// commit is a Snapshot in memory.
type commit struct{ fstest.MapFS }

func (commit) Revision() sources.Revision {
	return sources.Revision{Ref: "main", Hash: strings.Repeat("c", 40)}
}
func (commit) Close() error { return nil }
func (c commit) Hash(name string) (string, error) {
	b, err := c.ReadFile(name)
	return fmt.Sprintf("%x", sha256.Sum256(b)), err
}

func commitOf(files map[string]string) commit {
	c := commit{make(fstest.MapFS)}
	for name, text := range files {
		c.MapFS[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return c
}

// goldens reads all files of testdata/render, and the whole applications.
func goldens(t testing.TB) map[string]golden {
	t.Helper()
	var paths []string
	for _, folder := range []string{"render", "applications"} {
		found, err := filepath.Glob("../testdata/" + folder + "/*.txtar")
		if err != nil || len(found) == 0 {
			t.Fatalf("testdata/%s: %d files, %v", folder, len(found), err)
		}
		paths = append(paths, found...)
	}
	out := make(map[string]golden)
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		g := golden{path: path, archive: archive, input: shop}
		g.input.Facts.Images = data.Catalogue()
		repo := make(map[string]string)
		for _, f := range archive.Files {
			if name, ok := strings.CutPrefix(f.Name, "repo/"); ok {
				repo[name] = string(f.Data)
			}
			if f.Name == "input" {
				if err := yaml.UnmarshalStrict(f.Data, &g.input); err != nil {
					t.Fatalf("%s: input: %v", path, err)
				}
			}
		}
		g.input.Snapshot = commitOf(repo)
		out[strings.TrimSuffix(filepath.Base(path), ".txtar")] = g
	}
	return out
}

// file is the content of a file of the archive; empty if there is none.
func (g golden) file(name string) string {
	for _, f := range g.archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// ofServices reports whether a NetworkPolicy is one of the isolation that every
// application has.
func ofServices(b render.Bundle, name string) bool {
	return name == shop.App+"-default" || slices.ContainsFunc(b.Objects, func(o render.Object) bool {
		return o.ID.Name == name && o.Stage == render.StageWorkload && o.ID.Kind != "Service"
	})
}

// bare is b without the policies of isolation. They are alike everywhere, so only
// what is about them shows them.
func bare(b render.Bundle) render.Bundle {
	of := b
	b.Objects = slices.DeleteFunc(slices.Clone(b.Objects), func(o render.Object) bool {
		return o.ID.Kind == "NetworkPolicy" && ofServices(of, o.ID.Name)
	})
	return b
}

// objectText writes a Bundle as want/objects has it.
func objectText(t *testing.T, b render.Bundle) string {
	t.Helper()
	var out bytes.Buffer
	for _, o := range b.Objects {
		fmt.Fprintf(&out, "# %s, %s, stage %s", o.ID, o.Origin, o.Stage)
		if o.Wave > 0 {
			fmt.Fprintf(&out, ", wave %d", o.Wave)
		}
		if o.Command {
			fmt.Fprint(&out, ", waited for")
			if o.Tolerate {
				fmt.Fprint(&out, ", may fail")
			}
		}
		if r := o.Replicas; r != nil {
			fmt.Fprintf(&out, ", seeded %d", r.Min)
			if r.Max > 0 {
				fmt.Fprintf(&out, " to %d", r.Max)
			} else {
				fmt.Fprint(&out, " and up")
			}
		}
		if o.Keep {
			fmt.Fprint(&out, ", kept")
		}
		if o.Generate != nil {
			for _, k := range o.Generate.Keys {
				fmt.Fprintf(&out, ", makes %s %d", k.Name, k.Length)
			}
		}
		body, err := yaml.Marshal(o.Body)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "\n%s---\n", body)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	for name, g := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			bundle, err := render.Render(t.Context(), g.input, workload.Builder{})
			problems := bundle.Problems
			if err != nil {
				if problems = render.AsProblems(err); problems == nil {
					t.Fatal(err)
				}
			}
			var lines strings.Builder
			for i := range problems {
				fmt.Fprintln(&lines, problems[i].Error())
			}
			if !strings.HasPrefix(name, "isolation") {
				bundle = bare(bundle)
			}
			got := map[string]string{"want/objects": objectText(t, bundle), "want/problems": lines.String()}
			if *update {
				g.write(t, got)
				return
			}
			for file, got := range got {
				if diff := cmp.Diff(g.file(file), got); diff != "" {
					t.Errorf("%s of %s; run with -update to accept:\n%s", file, g.path, diff)
				}
			}
		})
	}
}

// write replaces the want/ files that are not empty.
func (g golden) write(t *testing.T, want map[string]string) {
	t.Helper()
	out := &txtar.Archive{Comment: g.archive.Comment}
	for _, f := range g.archive.Files {
		if !strings.HasPrefix(f.Name, "want/") {
			out.Files = append(out.Files, f)
		}
	}
	for _, name := range []string{"want/objects", "want/problems"} {
		if want[name] != "" {
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(want[name])})
		}
	}
	if err := os.WriteFile(g.path, txtar.Format(out), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	for name, g := range goldens(t) {
		first := ""
		for range 50 {
			bundle, err := render.Render(t.Context(), g.input, workload.Builder{Key: []byte("k")})
			b, jsonErr := json.Marshal(bundle)
			if jsonErr != nil {
				t.Fatal(jsonErr)
			}
			text := string(b) + bundle.Digest([]byte("k")) + fmt.Sprint(err)
			if first == "" {
				first = text
			}
			if text != first {
				t.Fatalf("%s: two runs differ:\n%s", name, cmp.Diff(first, text))
			}
		}
	}
}

// Bodies must hold what JSON gives back: DeepCopyJSON panics at anything else,
// an int for example.
func TestBodiesSurviveJSON(t *testing.T) {
	for name, g := range goldens(t) {
		bundle, err := render.Render(t.Context(), g.input, workload.Builder{})
		if err != nil {
			continue // has want/problems
		}
		for _, o := range bundle.Objects {
			func() {
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("%s: %s: %v", name, o.ID, r)
					}
				}()
				if diff := cmp.Diff(o.Body, runtime.DeepCopyJSON(o.Body)); diff != "" {
					t.Errorf("%s: %s: %s", name, o.ID, diff)
				}
			}()
		}
	}
}
