package sources

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// MaxFileSize is the largest file a Snapshot hands out, in bytes (spec 1.1 rule 5).
const MaxFileSize = 1 << 20

// Errors of a Snapshot's Open and Hash. They name no content and no target, so
// that they can be shown to anybody; a *fs.PathError carries the path.
var (
	ErrLink    = errors.New("is a symbolic link")
	ErrModule  = errors.New("is a submodule")
	ErrTooBig  = fmt.Errorf("is larger than %d KiB", MaxFileSize>>10)
	ErrUnusual = errors.New("is neither a file nor a folder")
)

// Snapshot is a read-only view of the files of one Revision. Whoever asked for
// it closes it. Paths are those of fs.FS: slash-separated, without a leading
// slash and without "..".
//
// Open fails with [ErrLink] on a symbolic link, also as a component on the way,
// with [ErrModule] on a submodule and with [ErrTooBig] on a file above
// [MaxFileSize]: an application's files are plain files, and what is not cannot
// lead out of the repository (threats T1).
type Snapshot interface {
	fs.FS
	// Revision is the commit the files belong to; zero for a folder.
	Revision() Revision
	// Hash identifies the content at name: the id of git's blob or tree. It
	// costs no read of the content where git has it. A name that does not exist
	// gives fs.ErrNotExist. A [Dir] reads the file, with the errors of Open, and
	// has no trees: a folder gives [ErrUnusual].
	Hash(name string) (string, error)
	Close() error
}

// Dir makes a Snapshot of a folder on disk, for lint, render and score. It ends
// at the folder: links are refused as in git.
func Dir(dir string) (Snapshot, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &dirSnapshot{root: root}, nil
}

type dirSnapshot struct{ root *os.Root }

func (d *dirSnapshot) Revision() Revision { return Revision{} }
func (d *dirSnapshot) Close() error       { return d.root.Close() }

func (d *dirSnapshot) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	info, err := d.lstat(name)
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
	case !mode.IsRegular():
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrUnusual}
	case info.Size() > MaxFileSize:
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrTooBig}
	}
	return d.root.Open(filepath.FromSlash(name))
}

// lstat walks name component by component and refuses links on the way.
func (d *dirSnapshot) lstat(name string) (fs.FileInfo, error) {
	var info fs.FileInfo
	walked := ""
	for part := range strings.SplitSeq(name, "/") {
		walked = path.Join(walked, part)
		var err error
		info, err = d.root.Lstat(filepath.FromSlash(walked))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		case err != nil:
			return nil, err
		case info.Mode()&fs.ModeSymlink != 0:
			return nil, &fs.PathError{Op: "open", Path: name, Err: ErrLink}
		}
	}
	return info, nil
}

func (d *dirSnapshot) Hash(name string) (string, error) {
	if info, err := fs.Stat(d, name); err == nil && info.IsDir() {
		return "", &fs.PathError{Op: "hash", Path: name, Err: ErrUnusual}
	}
	b, err := fs.ReadFile(d, name)
	if err != nil {
		return "", err
	}
	h := sha1.New() // git's blob id, so that a folder and a commit agree
	fmt.Fprintf(h, "blob %d\x00", len(b))
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil)), nil
}
