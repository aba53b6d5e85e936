package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "rondo.dev/rondo"

// root is the tree, seen from this folder.
var root = filepath.Join("..", "..", "..")

// pkg is what the go command says of a package.
type pkg struct {
	ImportPath   string
	Dir          string
	Standard     bool
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string // imports of imports, too
	Module       *struct {
		Path, Version string
		Main          bool
	}
}

// packages are those of rondo and all they are built from, by import path.
var packages = sync.OnceValues(func() (map[string]pkg, error) {
	cmd := exec.Command("go", "list", "-deps",
		"-json=ImportPath,Dir,Standard,GoFiles,Imports,TestImports,XTestImports,Deps,Module", module+"/...")
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.New("go list: " + stderr.String())
	}
	found := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		found[p.ImportPath] = p
	}
})

func all(t *testing.T) map[string]pkg {
	t.Helper()
	found, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// ours gives the packages of rondo by their path below the module: "" is none,
// "render/manifest" one.
func ours(t *testing.T) map[string]pkg {
	t.Helper()
	found := map[string]pkg{}
	for path, p := range all(t) {
		if name, ok := below(path); ok {
			found[name] = p
		}
	}
	return found
}

// below cuts the module off an import path; false for a package of others.
func below(path string) (string, bool) { return strings.CutPrefix(path, module+"/") }

// within reports whether path is tree or lies below it.
func within(path, tree string) bool { return path == tree || strings.HasPrefix(path, tree+"/") }
