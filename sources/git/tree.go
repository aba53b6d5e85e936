package git

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"rondo.dev/rondo/sources"
)

// maxTree bounds one folder, in bytes; some 200,000 files.
const maxTree = 8 << 20

// folder is a tree, sorted by name.
type folder struct {
	list  []fs.DirEntry
	names map[string]*entryInfo
}

// parseTree reads a tree: "<mode> <name>\0<hash>". Names that are no single component of a path, or that git would take
// for its own folder, are left out as if they were not there; of two equal names the first counts (threats T17).
func parseTree(b []byte) (folder, error) {
	f := folder{names: map[string]*entryInfo{}}
	for len(b) > 0 {
		head, rest, ok := bytes.Cut(b, []byte{0})
		mode, name, named := strings.Cut(string(head), " ")
		if !ok || !named || len(rest) < len(plumbing.ZeroHash) {
			return folder{}, fmt.Errorf("%w: a folder ends in the middle of an entry", errPack)
		}
		e := &entryInfo{name: name, mode: fileMode(mode)}
		copy(e.hash[:], rest)
		b = rest[len(e.hash):]
		if f.names[name] != nil || !fs.ValidPath(name) || path.Base(name) != name || name == "." || dotGit(name) {
			continue
		}
		f.names[name] = e
		f.list = append(f.list, e)
	}
	slices.SortFunc(f.list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return f, nil
}

func dotGit(name string) bool {
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1") || strings.Contains(name, `\`)
}

// fileMode translates git's modes; it knows no others (gitformat-index).
func fileMode(mode string) fs.FileMode {
	switch mode {
	case "40000", "040000":
		return fs.ModeDir | 0o555
	case "100755":
		return 0o555
	case "100644", "100664":
		return 0o444
	case "120000":
		return fs.ModeSymlink | 0o777
	case "160000":
		return fs.ModeIrregular
	default:
		return fs.ModeDevice
	}
}

// entryInfo is one entry of a folder: an fs.DirEntry.
type entryInfo struct {
	s    *snapshot
	name string
	mode fs.FileMode
	hash plumbing.Hash
}

func (e *entryInfo) Name() string      { return e.name }
func (e *entryInfo) IsDir() bool       { return e.mode.IsDir() }
func (e *entryInfo) Type() fs.FileMode { return e.mode.Type() }
func (e *entryInfo) String() string    { return fs.FormatDirEntry(e) }

// Info asks git for the size; of what is no file it is 0.
func (e *entryInfo) Info() (fs.FileInfo, error) {
	i := info{entryInfo: e}
	if !e.mode.IsRegular() {
		return i, nil
	}
	if err := e.s.alive(); err != nil {
		return nil, err
	}
	var err error
	func() {
		defer e.s.guard(&err)
		i.size, err = e.s.objects.size(e.hash)
	}()
	return i, err
}

// refuse says why an entry cannot be opened, nil if it can.
func (e *entryInfo) refuse() error {
	switch e.mode.Type() {
	case 0, fs.ModeDir:
		return nil
	case fs.ModeSymlink:
		return sources.ErrLink
	case fs.ModeIrregular:
		return sources.ErrModule
	default:
		return sources.ErrUnusual
	}
}

// info is the fs.FileInfo of an entry. Git keeps no times for files: ModTime is zero.
type info struct {
	*entryInfo
	size int64
}

func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }
func (i info) String() string     { return fs.FormatFileInfo(i) }
