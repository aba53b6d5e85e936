package sources_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"rondo.dev/rondo/sources"
)

// folder writes files, path to content, and opens them as a Snapshot.
func folder(t *testing.T, files map[string]string) (string, sources.Snapshot) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := sources.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return dir, s
}

func TestFolderIsAFileSystem(t *testing.T) {
	_, s := folder(t, map[string]string{"manifest.yml": "a: 1\n", "config/app.env": "A=1\n"})
	if err := fstest.TestFS(s, "manifest.yml", "config/app.env"); err != nil {
		t.Error(err)
	}
	if !s.Revision().IsZero() {
		t.Errorf("a folder has the revision %s", s.Revision())
	}
	// "printf 'a: 1\n' | git hash-object --stdin"
	if got, err := s.Hash("manifest.yml"); err != nil || got != "a8926a52d8dcba5c4386945476ab6a2ad008afd4" {
		t.Errorf("hash %s, %v", got, err)
	}
	if _, err := s.Hash("nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("hash of nothing: %v", err)
	}
	for _, name := range []string{".", "config"} {
		if _, err := s.Hash(name); !errors.Is(err, sources.ErrUnusual) {
			t.Errorf("hash of the folder %s: %v", name, err)
		}
	}
	if _, err := sources.Dir(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestT01_LinksLeadOutOfNoFolder(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir, s := folder(t, map[string]string{"real": "plain", "real-dir/f": "plain"})
	for name, target := range map[string]string{
		"absolute": filepath.Join(outside, "secret"), "chain1": "chain2", "chain2": "real", "dir": "real-dir", "loop": "loop",
		"outside": outside, "real-dir/up": "../real", "dangling": "nothing",
	} {
		if err := os.Symlink(target, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]error{
		"absolute": sources.ErrLink, "chain1": sources.ErrLink, "chain2": sources.ErrLink, "dir": sources.ErrLink, "dir/f": sources.ErrLink,
		"loop": sources.ErrLink, "loop/x": sources.ErrLink, "outside/secret": sources.ErrLink, "outside/nothing": sources.ErrLink,
		"real-dir/up": sources.ErrLink, "dangling": sources.ErrLink, "../x": fs.ErrInvalid, "/real": fs.ErrInvalid, "real-dir/../real": fs.ErrInvalid,
	} {
		_, err1 := fs.ReadFile(s, name)
		_, err2 := fs.Stat(s, name)
		_, err3 := s.Hash(name)
		for _, err := range []error{err1, err2, err3} {
			var pe *fs.PathError
			if !errors.Is(err, want) || !errors.As(err, &pe) || pe.Path != name || strings.Contains(err.Error(), dir) {
				t.Errorf("%s: %v, want %v with its path inside the folder", name, err, want)
			}
		}
	}
	if b, err := fs.ReadFile(s, "real-dir/f"); err != nil || string(b) != "plain" {
		t.Errorf("a plain file is %q, %v", b, err)
	}
}

func TestWhatIsNoPlainFileIsRefused(t *testing.T) {
	dir, s := folder(t, map[string]string{
		"limit": strings.Repeat("x", sources.MaxFileSize), "over": strings.Repeat("x", sources.MaxFileSize+1),
	})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	if b, err := fs.ReadFile(s, "limit"); err != nil || len(b) != sources.MaxFileSize {
		t.Errorf("a file of the largest size: %d bytes, %v", len(b), err)
	}
	for name, want := range map[string]error{"over": sources.ErrTooBig, "pipe": sources.ErrUnusual, "limit/x": fs.ErrNotExist} {
		if _, err := s.Open(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
