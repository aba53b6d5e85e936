package git

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"

	"rondo.dev/rondo/sources"
)

// maxFolders bounds the folders that a snapshot remembers, in bytes as git stores them; in memory they take some four times that.
const maxFolders = maxTree

// snapshot is the files of one commit. Folders are remembered once read, up to maxFolders.
type snapshot struct {
	*view
	root plumbing.Hash

	fsMu    sync.Mutex
	closed  bool
	folders map[plumbing.Hash]folder
	size    int // of folders
}

func (s *snapshot) Revision() sources.Revision { return s.rev }

// Close lets go of the mirror. Open files stay readable, folders and further files do not.
func (s *snapshot) Close() error {
	s.fsMu.Lock()
	s.closed, s.folders = true, nil
	s.fsMu.Unlock()
	s.release()
	return nil
}

// Open gives a file, which is read whole at once, or a folder.
func (s *snapshot) Open(name string) (fs.File, error) {
	e, err := s.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if e.IsDir() {
		f, err := s.folder(e.hash)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return &openFolder{entry: e, rest: f.list}, nil
	}
	b, err := s.view.read(e.hash, plumbing.BlobObject, sources.MaxFileSize)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{info: info{e, int64(len(b))}, Reader: bytes.NewReader(b)}, nil
}

// ReadFile is Open and read, for fs.ReadFile. The bytes are the caller's.
func (s *snapshot) ReadFile(name string) ([]byte, error) {
	e, err := s.lookup("open", name)
	if err == nil && e.IsDir() {
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	if err != nil {
		return nil, err
	}
	b, err := s.view.read(e.hash, plumbing.BlobObject, sources.MaxFileSize)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return bytes.Clone(b), nil
}

// ReadDir lists a folder by name, for fs.ReadDir. Links and submodules are listed, with types of their own.
func (s *snapshot) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := s.lookup("open", name)
	if err == nil && !e.IsDir() {
		err = &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	if err != nil {
		return nil, err
	}
	f, err := s.folder(e.hash)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return slices.Clone(f.list), nil
}

// Stat does not read the file, for fs.Stat. What Open refuses, it refuses.
func (s *snapshot) Stat(name string) (fs.FileInfo, error) {
	e, err := s.lookup("stat", name)
	if err != nil {
		return nil, err
	}
	i, err := e.Info()
	if err == nil && i.Size() > sources.MaxFileSize {
		err = sources.ErrTooBig
	}
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return i, nil
}

// Hash is the id of git's blob or tree at name.
func (s *snapshot) Hash(name string) (string, error) {
	e, err := s.lookup("hash", name)
	if err != nil {
		return "", err
	}
	return e.hash.String(), nil
}

// lookup walks to name and refuses links and submodules, at its end and on the way.
func (s *snapshot) lookup(op, name string) (*entryInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	at := &entryInfo{s: s, name: ".", mode: fs.ModeDir | 0o555, hash: s.root}
	if name == "." {
		if err := s.alive(); err != nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
		return at, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		err := error(fs.ErrNotExist)
		var f folder
		if at.IsDir() {
			f, err = s.folder(at.hash)
		}
		if err == nil {
			if at = f.names[part]; at == nil {
				err = fs.ErrNotExist
			} else {
				err = at.refuse()
			}
		}
		if err != nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	return at, nil
}

func (s *snapshot) alive() error {
	s.fsMu.Lock()
	defer s.fsMu.Unlock()
	if s.closed {
		return fs.ErrClosed
	}
	return nil
}

func (s *snapshot) folder(h plumbing.Hash) (folder, error) {
	s.fsMu.Lock()
	defer s.fsMu.Unlock()
	if s.closed {
		return folder{}, fs.ErrClosed
	}
	if f, ok := s.folders[h]; ok {
		return f, nil
	}
	b, err := s.view.read(h, plumbing.TreeObject, maxTree)
	if err != nil {
		return folder{}, err
	}
	f, err := parseTree(b)
	if err != nil {
		return folder{}, err
	}
	for _, e := range f.names {
		e.s = s
	}
	if s.size += len(b); s.size > maxFolders {
		clear(s.folders)
		s.size = len(b)
	}
	s.folders[h] = f
	return f, nil
}

type openFile struct {
	info
	*bytes.Reader
}

func (f *openFile) Size() int64                { return f.info.size }
func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	entry *entryInfo
	rest  []fs.DirEntry
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return info{entryInfo: f.entry}, nil }
func (f *openFolder) Close() error               { return nil }
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.entry.name, Err: errors.New("is a directory")}
}

func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(f.rest)
	} else if len(f.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.rest))
	list := slices.Clone(f.rest[:n])
	f.rest = f.rest[n:]
	return list, nil
}
