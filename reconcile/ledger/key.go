package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the length of a key, in bytes.
const KeySize = chacha20poly1305.KeySize

// KeyFile reads the key at path, and makes one, of mode 0600, where there is no
// file. Of two processes that make it at once, both get the one that stays.
//
// A key of another length and a file that everybody can read or write are
// refused. The group may read it: Kubernetes gives files of a mounted volume to
// the group of the pod.
func KeyFile(path string) ([]byte, error) {
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(path); err == nil {
			key, err = readKey(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return key, nil
}

func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer func() { _ = f.Close() }() // read only
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, cause(err)
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a regular file")
	case info.Mode().Perm()&0o007 != 0:
		return nil, fmt.Errorf("mode %04o lets everybody at it; chmod 0600", info.Mode().Perm())
	}
	key, err := io.ReadAll(io.LimitReader(f, KeySize+1))
	if err != nil {
		return nil, cause(err)
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("does not hold exactly %d bytes; restore it, or remove it where no ledger exists yet", KeySize)
	}
	return key, nil
}

// makeKey gives a whole key its name in one step, and never takes the name from
// another: a crash leaves no short key, a race no lost one.
func makeKey(path string) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return cause(err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	key := make([]byte, KeySize)
	rand.Read(key) // never fails
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// cause is err without the path, which the caller names.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
