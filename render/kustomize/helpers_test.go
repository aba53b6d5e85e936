package kustomize

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// memory is a snapshot of files in memory. A file of the mode fs.ModeSymlink is a
// link, one of fs.ModeIrregular a submodule.
type memory struct{ fstest.MapFS }

func (memory) Revision() sources.Revision  { return sources.Revision{} }
func (memory) Close() error                { return nil }
func (memory) Hash(string) (string, error) { return "", fs.ErrNotExist }

func (m memory) Open(name string) (fs.File, error) {
	for at, f := range m.MapFS {
		if name != at && !strings.HasPrefix(name, at+"/") {
			continue
		}
		switch {
		case f.Mode&fs.ModeSymlink != 0:
			return nil, &fs.PathError{Op: "open", Path: name, Err: sources.ErrLink}
		case f.Mode&fs.ModeIrregular != 0:
			return nil, &fs.PathError{Op: "open", Path: name, Err: sources.ErrModule}
		case name == at && len(f.Data) > sources.MaxFileSize:
			return nil, &fs.PathError{Op: "open", Path: name, Err: sources.ErrTooBig}
		}
	}
	return m.MapFS.Open(name)
}

// ReadDir lists links too, which MapFS would follow.
func (m memory) ReadDir(name string) ([]fs.DirEntry, error) { return m.MapFS.ReadDir(name) }

func repo(files map[string]string) memory {
	m := memory{make(fstest.MapFS)}
	for name, text := range files {
		m.MapFS[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return m
}

// inner is a Builder that has made these objects of the manifest.
type inner []render.Object

func (i inner) Inputs(in render.Input) []string {
	return manifest.Inputs(in.Snapshot, in.Manifest, in.Environment)
}
func (i inner) Build(_ context.Context, in render.Input) (render.Draft, error) {
	if len(i) == 0 {
		return render.Draft{Problems: []render.Problem{{Pos: sources.Position{File: "manifest.yml"}, Code: "E-FILE-NONE", What: "no manifest in the repository"}}}, nil
	}
	return render.Draft{Objects: i}, nil
}

// workers are those of one test.
func workers(t testing.TB) *Workers {
	t.Helper()
	w := NewWorkers()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func input(snap sources.Snapshot) render.Input {
	return render.Input{Snapshot: snap, App: "shop", Environment: "production", Namespace: "shop-production"}
}

// rendered renders and gives the objects and the Problems as text.
func rendered(t testing.TB, b Builder, in render.Input) (render.Bundle, string) {
	t.Helper()
	bundle, err := render.Render(t.Context(), in, b)
	problems := bundle.Problems
	var invalid *render.Invalid
	switch {
	case errors.As(err, &invalid):
		problems = invalid.Problems
	case err != nil:
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range problems {
		fmt.Fprintln(&text, problems[i].Error())
	}
	return bundle, text.String()
}

// refusal wants in to be refused with the code, and gives the text.
func refusal(t testing.TB, b Builder, in render.Input, code string) string {
	t.Helper()
	bundle, text := rendered(t, b, in)
	if len(bundle.Objects) > 0 || !strings.Contains(text, "["+code+"]") {
		t.Fatalf("%d objects, problems:\n%swant %s", len(bundle.Objects), text, code)
	}
	return text
}
