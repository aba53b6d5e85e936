package render_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/render/workload"
)

// effect is one entry of testdata/effects: what an option does, and that it is
// this option that does it. README.md there tells the format.
type effect struct {
	Option   string            `json:"option"`
	Each     []string          `json:"each"`
	Manifest string            `json:"manifest"`
	Files    map[string]string `json:"files"`
	Images   map[string]string `json:"images"`
	Facts    render.Facts      `json:"facts"`
	Object   string            `json:"object"`
	Path     string            `json:"path"`
	Want     any               `json:"want"`
	With     string            `json:"with"`
	Without  string            `json:"without"`

	file string
}

// effects reads all entries; one with each: becomes several.
func effects(t *testing.T) []effect {
	t.Helper()
	paths, err := filepath.Glob("../testdata/effects/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("testdata/effects: %d files, %v", len(paths), err)
	}
	var out []effect
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var raw []json.RawMessage
		if err := yaml.UnmarshalStrict(text, &raw); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for i, entry := range raw {
			var first effect
			if err := yaml.UnmarshalStrict(entry, &first); err != nil {
				t.Fatalf("%s: entry %d: %v", path, i, err)
			}
			for _, word := range append(first.Each, "EACH")[:max(1, len(first.Each))] {
				var e effect
				if err := yaml.UnmarshalStrict([]byte(strings.NewReplacer("EACH", word, "UPPER", strings.ToUpper(word)).Replace(string(entry))), &e); err != nil {
					t.Fatalf("%s: entry %d: %v", path, i, err)
				}
				e.file = filepath.Base(path)
				out = append(out, e)
			}
		}
	}
	return out
}

// render is the Bundle of a manifest text beside the entry's files.
func (e effect) render(t *testing.T, text string) (render.Bundle, error) {
	t.Helper()
	in := shop
	in.Facts, in.Images = e.Facts, e.Images
	if in.Facts.Images == nil {
		in.Facts.Images = data.Catalogue()
	}
	files := map[string]string{"manifest.yml": text}
	for name, content := range e.Files {
		files[name] = content
	}
	in.Snapshot = commitOf(files)
	bundle, err := render.Render(t.Context(), in, workload.Builder{})
	if invalid := (*render.Invalid)(nil); err != nil && !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	return bundle, err
}

// value is what stands at the entry's pointer: in the body of the object, or
// else in what render says about the object (replicas, wave, generate, command).
func (e effect) value(t *testing.T, b render.Bundle) (any, bool) {
	t.Helper()
	if e.Object == "Bundle" {
		return pointed(asJSON(t, b), e.Path)
	}
	for _, o := range b.Objects {
		if o.ID.Kind+"/"+o.ID.Name != e.Object {
			continue
		}
		if v, ok := pointed(asJSON(t, o.Body), e.Path); ok {
			return v, true
		}
		return pointed(asJSON(t, o), e.Path)
	}
	return nil, false
}

func asJSON(t *testing.T, v any) any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// pointed follows a JSON pointer (RFC 6901), in which an item of a list may
// also be told by its name, as in /spec/containers/web/image.
func pointed(v any, pointer string) (any, bool) {
	if pointer == "" {
		return v, true
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch in := v.(type) {
		case map[string]any:
			inner, ok := in[token]
			if !ok {
				return nil, false
			}
			v = inner
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil {
				i = slices.IndexFunc(in, func(item any) bool {
					m, _ := item.(map[string]any)
					return m["name"] == token
				})
			}
			if i < 0 || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// without removes an option from a tree: "<name>" stands for each key, and the
// items of a list share one path. It counts what it removed.
func without(v any, path []string) int {
	removed := 0
	switch in := v.(type) {
	case []any:
		for _, item := range in {
			removed += without(item, path)
		}
	case map[string]any:
		_, has := in[path[0]]
		switch {
		case len(path) == 1 && has:
			delete(in, path[0])
			removed++
		case path[0] == "<name>" && len(path) > 1:
			for _, inner := range in {
				removed += without(inner, path[1:])
			}
		case has:
			removed += without(in[path[0]], path[1:])
		}
	}
	return removed
}

// Each option does what its entry says, and no longer does when it is left out.
func TestOptionsHaveTheirEffect(t *testing.T) {
	for _, e := range effects(t) {
		t.Run(e.file+"/"+e.Option, func(t *testing.T) {
			var tree any
			if err := yaml.Unmarshal([]byte(e.Manifest), &tree); err != nil {
				t.Fatal(err)
			}
			if without(tree, strings.Split(e.Option, ".")) == 0 {
				t.Fatalf("the manifest has no %s:\n%s", e.Option, e.Manifest)
			}
			rest, err := yaml.Marshal(tree)
			if err != nil {
				t.Fatal(err)
			}
			with, withErr := e.render(t, e.Manifest)
			bare, bareErr := e.render(t, string(rest))
			switch {
			case e.With != "" && e.With != "rejected" || e.Without != "" && e.Without != "rejected":
				t.Fatal("with and without are rejected, or left out")
			case (withErr != nil) != (e.With == "rejected"):
				t.Fatalf("with %s: %v\n%s", e.Option, withErr, e.Manifest)
			case (bareErr != nil) != (e.Without == "rejected"):
				t.Fatalf("without %s: %v\n%s", e.Option, bareErr, rest)
			case e.With != "":
				if e.Without != "" {
					t.Fatal("it is rejected either way, which shows nothing")
				}
				return
			}
			got, ok := e.value(t, with)
			if !ok {
				t.Fatalf("%s has no %q; the objects:\n%s", e.Object, e.Path, objectText(t, with))
			}
			if e.Want != nil {
				if diff := cmp.Diff(e.Want, got); diff != "" {
					t.Errorf("%s %s (-want +got):\n%s", e.Object, e.Path, diff)
				}
			}
			if e.Without != "" {
				return
			}
			if other, ok := e.value(t, bare); ok && cmp.Equal(other, got) {
				t.Errorf("%s %s is %v with %s and without it", e.Object, e.Path, got, e.Option)
			}
		})
	}
}

// Whoever adds a row that has an effect shows the effect.
func TestEveryBuiltOptionHasAnEffect(t *testing.T) {
	have := map[string]bool{}
	for _, e := range effects(t) {
		have[e.Option] = true
	}
	want := map[string]bool{}
	var missing []string
	effective(manifest.Language(), "", func(path string) {
		want[path] = true
		if !have[path] {
			missing = append(missing, path)
		}
	})
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("%d options lack an entry in testdata/effects:\n%s", len(missing), strings.Join(missing, "\n"))
	}
	for path := range have {
		if !want[path] {
			t.Errorf("testdata/effects has %s, which is no option with an effect", path)
		}
	}
}

// effective visits the options that are built and have an effect of their own:
// those with a value, not mere groups of further options.
func effective(options []manifest.Option, path string, visit func(path string)) {
	for _, o := range options {
		at := strings.TrimPrefix(path+"."+o.Name, ".")
		switch o.Disposition {
		case render.Applied, render.Translated, render.Once, render.Deprecated:
		default:
			continue
		}
		if o.NotBuilt {
			continue
		}
		group := o.Keys != nil && !o.Named && o.Shape == manifest.Mapping
		if o.Disposition != render.Deprecated && !group && (o.Read() || o.Keys == nil) {
			visit(at)
		}
		if o.Keys != nil {
			if o.Named {
				at = fmt.Sprintf("%s.<name>", at)
			}
			effective(o.Keys(), at, visit)
		}
	}
}
