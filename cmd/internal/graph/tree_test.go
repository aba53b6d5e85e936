package graph

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// skipped are folders that hold no source.
var skipped = map[string]bool{".git": true, "bin": true, "dist": true, "node_modules": true}

func TestNoFileNamesAMachineOrARegistry(t *testing.T) {
	// In parts, so that this file does not hold what it looks for.
	words := []string{
		"proxy." + "golang.org", "sum." + "golang.org", "registry." + "npmjs", "deb." + "debian.org",
		"/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/",
	}
	if home, err := os.UserHomeDir(); err == nil && len(home) > 1 {
		words = append(words, home+"/")
	}
	if here, err := filepath.Abs(root); err == nil {
		words = append(words, here+"/")
	}
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skipped[entry.Name()]:
			return fs.SkipDir
		case !entry.Type().IsRegular(), entry.Name() == ".git": // a file where the tree is a work tree of another
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil || bytes.IndexByte(content, 0) >= 0 {
			return err
		}
		files++
		for n, line := range strings.Split(string(content), "\n") {
			for _, word := range words {
				if strings.Contains(line, word) {
					t.Errorf("%s:%d holds %q", path, n+1, word)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files were read; the walk is broken", files)
	}
}
