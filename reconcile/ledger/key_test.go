package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"
)

func TestAKeyFileIsMadeOnceAndReadAfterwards(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	var g errgroup.Group
	keys := make([][]byte, 8)
	for i := range keys {
		g.Go(func() (err error) {
			keys[i], err = KeyFile(path)
			return err
		})
	}
	must(t, g.Wait())
	for _, k := range keys {
		if len(k) != KeySize || !bytes.Equal(k, keys[0]) || bytes.Equal(k, make([]byte, KeySize)) {
			t.Errorf("key %x, the first is %x", k, keys[0])
		}
	}
	info, err := os.Stat(path)
	must(t, err)
	left, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if info.Mode().Perm() != 0o600 || len(left) != 1 {
		t.Errorf("mode %v, %d files in the folder; want 0600, 1", info.Mode().Perm(), len(left))
	}
	if other, err := KeyFile(path + "2"); err != nil || bytes.Equal(other, keys[0]) {
		t.Errorf("another file has the same key, or none: %v", err)
	}
}

func TestABadKeyFileIsRefused(t *testing.T) {
	const canary = "canary-canary-canary-canary-cana" // 32 bytes
	for name, tc := range map[string]struct {
		content string
		mode    os.FileMode
		want    string
	}{
		"too short":                  {canary[:31], 0o600, "exactly 32 bytes"},
		"too long":                   {canary + "\n", 0o600, "exactly 32 bytes"},
		"empty":                      {"", 0o600, "exactly 32 bytes"},
		"readable by everybody":      {canary, 0o644, "chmod 0600"},
		"writable by everybody":      {canary, 0o602, "chmod 0600"},
		"readable by the group only": {canary, 0o440, ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			must(t, os.WriteFile(path, []byte(tc.content), tc.mode))
			must(t, os.Chmod(path, tc.mode))
			_, err := KeyFile(path)
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (!contains(err, tc.want) || !contains(err, path) || contains(err, "canary")):
				t.Errorf("got %v, want %q, the path, and no part of the key", err, tc.want)
			}
		})
	}
	if _, err := KeyFile(t.TempDir()); !contains(err, "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := KeyFile(filepath.Join(t.TempDir(), "missing", "key")); !contains(err, "no such file") {
		t.Errorf("in a missing folder: %v", err)
	}
}
