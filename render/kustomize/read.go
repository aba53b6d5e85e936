package kustomize

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/bounds"
	"rondo.dev/rondo/sources"
)

// Caps on what one build may read, all files together (threats T7).
const (
	maxFiles     = 1000
	maxBytes     = 8 << 20
	maxDocuments = 5000    // a base that is used twice counts twice
	maxValues    = 400_000 // aliases expanded
	maxProblems  = 50      // kept; more help nobody
)

// reader reads the files of one build from the snapshot and nowhere else. It
// keeps what it read, and the Problems.
type reader struct {
	snap     sources.Snapshot
	read     map[string][]byte
	bytes    int
	values   int
	problems []render.Problem
	failed   error // the snapshot cannot be read at all
}

func newReader(snap sources.Snapshot) *reader {
	return &reader{snap: snap, read: map[string][]byte{}}
}

func (r *reader) report(p render.Problem) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, p)
	}
}

func (r *reader) fault(pos sources.Position, code, what, fix string) {
	r.report(render.Problem{Pos: pos, Code: code, What: what, Fix: fix})
}

// ok reports whether nothing was found so far that keeps the build from starting.
func (r *reader) ok() bool {
	errs, _, _ := render.CountProblems(r.problems)
	return errs == 0 && r.failed == nil
}

// kind is what a name of the snapshot is.
type kind int

const (
	missing kind = iota
	file
	folder
	refused // a link, a submodule, too large: reported
)

// look says what name is, and gives the content of a file. The texts are the
// same whether what a link leads to exists or not (threats T3).
func (r *reader) look(name string, from sources.Position) (kind, []byte) {
	if b, ok := r.read[name]; ok {
		return file, b
	}
	b, isFolder, err := open(r.snap, name)
	switch {
	case err == nil && isFolder:
		return folder, nil
	case err == nil:
		return r.keep(name, b, from)
	case isMissing(err):
		return missing, nil
	case errors.Is(err, sources.ErrLink):
		r.fault(from, "E-FILE-LINK", shown(name)+" is a link, or lies behind one", "commit plain files")
	case errors.Is(err, sources.ErrModule):
		r.fault(from, "E-FILE-LINK", shown(name)+" is a submodule, or lies in one", "commit plain files")
	case errors.Is(err, sources.ErrUnusual):
		r.fault(from, "E-FILE-LINK", shown(name)+" is no plain file", "commit plain files")
	case errors.Is(err, sources.ErrTooBig):
		r.fault(from, "E-FILE-SIZE", shown(name)+" is larger than "+strconv.Itoa(sources.MaxFileSize>>10)+" KiB", "make it smaller")
	default:
		r.failed = errors.Join(r.failed, fmt.Errorf("read %s: %w", name, err))
	}
	return refused, nil
}

// isMissing reports an error that says that nothing has the name.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, syscall.ENOTDIR)
}

// keep counts a file that was read.
func (r *reader) keep(name string, b []byte, from sources.Position) (kind, []byte) {
	r.bytes += len(b)
	switch {
	case bounds.IsLFS(b):
		r.fault(sources.Position{File: name, Line: 1}, "E-GIT-LFS", "the file is a Git LFS pointer, not the file itself",
			"take it out of LFS: git lfs untrack "+shown(name)+", then commit the file")
	case len(r.read) >= maxFiles:
		r.fault(from, "E-FILE-SIZE", "the application reads more than "+strconv.Itoa(maxFiles)+" files", "split the application")
	case r.bytes > maxBytes:
		r.fault(from, "E-FILE-SIZE", "the files of the application hold more than "+strconv.Itoa(maxBytes>>20)+" MiB", "split the application")
	default:
		r.read[name] = b
		return file, b
	}
	return refused, nil
}

// open reads a file of at most [sources.MaxFileSize], or says that name is a folder.
func open(snap sources.Snapshot, name string) (b []byte, isFolder bool, err error) {
	if !fs.ValidPath(name) || strings.ContainsRune(name, 0) {
		return nil, false, fs.ErrInvalid
	}
	f, err := snap.Open(name)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return nil, err == nil, err
	}
	// One byte more than allowed shows a file that grew or lied about its size.
	b, err = io.ReadAll(io.LimitReader(f, sources.MaxFileSize+1))
	if err == nil && len(b) > sources.MaxFileSize {
		err = sources.ErrTooBig
	}
	return b, false, err
}

// resolve turns a path of a kustomization in the folder dir into one of the
// snapshot; false after it has said why that cannot be.
func (r *reader) resolve(dir, written string, at sources.Position, field string) (string, bool) {
	lower := strings.ToLower(strings.TrimPrefix(strings.ToLower(written), "www."))
	switch {
	case strings.ContainsAny(written, ":?@") || strings.HasPrefix(lower, "github.com"):
		// Everything that kustomize could take for a URL, and its token is not shown.
		r.fault(at, "E-KUSTOMIZE-REMOTE", field+" names something outside of the repository",
			"commit the files; a path here has no :, ? or @ and does not start with github.com")
		return "", false
	case strings.HasPrefix(written, "/"), strings.Contains(written, `\`), strings.ContainsFunc(written, func(c rune) bool { return c < ' ' || c == 0x7f }):
		r.fault(at, "E-KUSTOMIZE-PATH", field+" names a path that is not relative to its own folder", "write a path such as ../base")
		return "", false
	}
	name := path.Join(dir, written)
	if name == ".." || strings.HasPrefix(name, "../") {
		r.fault(at, "E-KUSTOMIZE-PATH", field+" leads out of the repository", "commit the files into the repository")
		return "", false
	}
	for part := range strings.SplitSeq(written, "/") {
		if part != ".." && strings.Contains(part, "..") {
			r.fault(at, "E-KUSTOMIZE-PATH", field+" holds dots that lead nowhere", "write .. between slashes; check the indentation of the list")
			return "", false
		}
	}
	return name, true
}

// shown is a path for a message; what does not look like one could be anything,
// a secret too, and is not shown.
func shown(name string) string {
	if len(name) > 120 || strings.ContainsFunc(name, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-/+ ", c))
	}) {
		return "the path"
	}
	return name
}
