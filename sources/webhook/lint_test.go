package webhook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sourceFiles parses our non-test code below root.
func sourceFiles(t *testing.T, root string, visit func(set *token.FileSet, path string, file *ast.File)) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() {
			if name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") && name != ".." && name != "." {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		visit(set, path, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func imports(file *ast.File, path string) bool {
	for _, spec := range file.Imports {
		if spec.Path.Value == `"`+path+`"` {
			return true
		}
	}
	return false
}

var secretName = regexp.MustCompile(`(?i)(mac|sig|signature|^sum)$`)

// names is the last name of an expression that stands for a value.
func names(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return names(e.X)
	case *ast.SliceExpr:
		return names(e.X)
	case *ast.CallExpr: // h.Sum(nil); but len(sum) is no signature
		if s, ok := e.Fun.(*ast.SelectorExpr); ok {
			return s.Sel.Name
		}
	}
	return ""
}

// variableTime lists the comparisons of signatures that leak time, in a file
// that makes signatures.
func variableTime(file *ast.File) (found []ast.Node) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			_, literal := n.Y.(*ast.BasicLit)
			if (n.Op == token.EQL || n.Op == token.NEQ) && !literal && names(n.Y) != "nil" &&
				(secretName.MatchString(names(n.X)) || secretName.MatchString(names(n.Y))) {
				found = append(found, n)
			}
		case *ast.CallExpr:
			selector, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			switch names(selector.X) + "." + selector.Sel.Name {
			case "bytes.Equal", "bytes.Compare", "reflect.DeepEqual", "strings.EqualFold", "strings.Compare", "slices.Equal":
				if slices.ContainsFunc(n.Args, func(e ast.Expr) bool { return secretName.MatchString(names(e)) }) {
					found = append(found, n)
				}
			}
		}
		return true
	})
	return found
}

func TestT11_SignaturesAreComparedInConstantTime(t *testing.T) {
	checked, equal := 0, false
	sourceFiles(t, "../..", func(set *token.FileSet, path string, file *ast.File) {
		if !imports(file, "crypto/hmac") {
			return
		}
		checked++
		for _, n := range variableTime(file) {
			t.Errorf("%s compares a signature in variable time; use hmac.Equal", set.Position(n.Pos()))
		}
		if strings.HasSuffix(path, filepath.Join("webhook", "signature.go")) {
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && names(s.X) == "hmac" && s.Sel.Name == "Equal" {
					equal = true
				}
				return true
			})
		}
	})
	if checked == 0 || !equal {
		t.Errorf("%d files make signatures, hmac.Equal in signature.go: %v", checked, equal)
	}
}

func TestT11_TheCheckFindsWhatItLooksFor(t *testing.T) {
	for code, want := range map[string]int{
		"func f(gotMAC, want []byte) bool { return string(gotMAC) == string(want) || bytes.Equal(gotMAC, want) }": 1,
		"func f(h hash.Hash, want []byte) bool { return bytes.Equal(h.Sum(nil), want) }":                          1,
		"func f(a, b []byte) bool { return bytes.Equal(a, b) }":                                                   0,
		"func f(sig, want string) bool { return sig == want }":                                                    1,
		"func f(r R, want [32]byte) bool { return r.Signature != want }":                                          1,
		"func f(sig []byte) bool { return sig == nil || len(sig) == 32 || hmac.Equal(sig, sig) }":                 0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+code, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(variableTime(file)); got != want {
			t.Errorf("%d findings, want %d, in %s", got, want, code)
		}
	}
}

func TestT13_NoPatternIsMadeOfABody(t *testing.T) {
	sourceFiles(t, ".", func(_ *token.FileSet, path string, file *ast.File) {
		if imports(file, "regexp") {
			t.Errorf("%s imports regexp; names are compared, never compiled", path)
		}
	})
}
