package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"rondo.dev/rondo/sources"
)

// Places are where a manifest and a service configuration may be, in the order
// in which they are looked for; path is that of [Options].
func Places(path string) (manifests, services []string) { return candidates(path) }

// candidates are where a manifest and a service configuration may be; of each,
// the first that exists is read (spec 1.1). A path given by the operator is the
// only place for the manifest, and its folder that of the service
// configuration.
func candidates(given string) (manifests, services []string) {
	if given != "" {
		dir := path.Dir(given)
		for _, name := range []string{"service.yml"} {
			if p := path.Join(dir, name); p != path.Clean(given) {
				services = append(services, p)
			}
		}
		return []string{given}, services
	}
	return []string{".cloud66/manifest.yml", ".cloud66/manifest.yaml", "manifest.yml", "manifest.yaml"},
		[]string{".cloud66/service.yml", "service.yml"}
}

// lookalikes are names that people give to a file and that are not read, each
// with the name that is. They are looked for only when there is no service
// anywhere else, to say so.
func lookalikes() [][2]string {
	return [][2]string{
		{".cloud66/services.yml", ".cloud66/service.yml"}, {".cloud66/service.yaml", ".cloud66/service.yml"},
		{".cloud66/services.yaml", ".cloud66/service.yml"}, {"services.yml", "service.yml"}, {"service.yaml", "service.yml"},
		{"cloud66/service.yml", ".cloud66/service.yml"}, {"cloud66/services.yml", ".cloud66/service.yml"},
		{"cloud66/manifest.yml", ".cloud66/manifest.yml"}, {"cloud66/manifest.yaml", ".cloud66/manifest.yml"},
		{".cloud66.yml", ".cloud66/manifest.yml"}, {"cloud66.yml", ".cloud66/manifest.yml"},
	}
}

// lookalike is the fix where a file was given such a name; empty where none was.
func (r *reader) lookalike(snap sources.Snapshot) string {
	if r.o.Path != "" || snap == nil {
		return ""
	}
	for _, l := range lookalikes() {
		if _, err := snap.Hash(l[0]); err == nil {
			return "rename " + l[0] + " to " + l[1]
		}
	}
	return ""
}

// Inputs lists every path that decides what [Parse] makes of a snapshot,
// whether it exists or not, sorted. The path is that of Options; empty: the
// usual places. The files are read for the scripts that hooks name and for encrypted files.
func Inputs(snap sources.Snapshot, path, environment string) []string {
	manifests, services := candidates(path)
	out := slices.Concat(manifests, services, hookFiles(path), processFiles(path, environment))
	if snap != nil {
		out = append(out, verifierInputs(snap, environment)...)
		out = append(out, hookSources(snap, slices.Concat(manifests, services, hookFiles(path)))...)
		out = append(out, secretSources(snap, slices.Concat(manifests, services))...)
	}
	if path == "" {
		for _, l := range lookalikes() {
			out = append(out, l[0])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// load reads the files and merges them into one tree for the environment. It
// returns nil after it has reported why that cannot be done; the error is for a
// snapshot that cannot be read at all.
func (r *reader) load(snap sources.Snapshot) (*node, error) {
	manifests, services := candidates(r.o.Path)
	manifest, err := r.first(snap, manifests)
	if err != nil {
		return nil, err
	}
	service, err := r.first(snap, services)
	if err != nil {
		return nil, err
	}
	if manifest == nil && service == nil {
		if r.errors == 0 {
			return nil, r.none(snap, manifests)
		}
		return nil, nil
	}
	if r.errors > 0 {
		return nil, nil
	}
	r.unread = r.lookalike(snap)
	tree := combine(r, manifest, service)
	if err := r.loadHooks(snap); err != nil {
		return nil, err
	}
	if r.errors > 0 {
		return nil, nil
	}
	return r.withHooks(tree), nil
}

// none reports that there is no file, with a fix that a commit status holds.
func (r *reader) none(snap sources.Snapshot, manifests []string) error {
	file, fix := manifests[0], "add one, or correct manifest: in rondo.yaml"
	if r.o.Path == "" {
		file, fix = "manifest.yml", "add one, or set manifest: in rondo.yaml to its path"
		if like := r.lookalike(snap); like != "" {
			fix = like
		}
	}
	r.add(sources.Position{File: file}, "", "E-FILE-NONE", "no manifest in the repository", fix)
	return nil
}

// first reads the first of names that exists, as the tree of the environment.
func (r *reader) first(snap sources.Snapshot, names []string) (*node, error) {
	name, b, err := r.firstFile(snap, names, "the manifest")
	if err != nil || b == nil {
		return nil, err
	}
	if r.root.File == "" {
		r.root = sources.Position{File: name}
	}
	root := r.scan(name, b)
	if root == nil {
		return nil, nil
	}
	return r.effective(root), nil
}

// firstFile reads the first of names that exists, which what calls by a name;
// nil where none does, or after it was told why it cannot be read.
func (r *reader) firstFile(snap sources.Snapshot, names []string, what string) (string, []byte, error) {
	for _, name := range names {
		b, err := read(snap, name)
		if err == nil && b == nil {
			b = []byte{}
		}
		if err == nil {
			return name, b, nil
		}
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if !r.unreadable(sources.Position{File: name}, "", what, err) {
			return "", nil, fmt.Errorf("read %s: %w", name, err)
		}
		if r.root.File == "" {
			r.root.File = name
		}
		return "", nil, nil
	}
	return "", nil, nil
}

// unreadable tells why a file is refused; false where err says nothing about the
// file. The words are the same whether the target of a link exists or not
// (threats T3).
func (r *reader) unreadable(pos sources.Position, path, what string, err error) bool {
	switch {
	case errors.Is(err, sources.ErrModule):
		r.add(pos, path, "E-FILE-LINK", what+" is a submodule, not a file", "commit a plain file")
	case errors.Is(err, sources.ErrLink):
		r.add(pos, path, "E-FILE-LINK", what+" is a link, not a file", "commit a plain file")
	case errors.Is(err, sources.ErrUnusual):
		r.add(pos, path, "E-FILE-LINK", what+" is a folder or a device, not a file", "commit a plain file")
	case errors.Is(err, sources.ErrTooBig):
		r.add(pos, path, "E-FILE-SIZE", what+" is larger than "+itoa(sources.MaxFileSize>>10)+" KiB", "make it smaller")
	default:
		return false
	}
	return true
}

// read returns the content of a plain file of at most [sources.MaxFileSize].
func read(snap sources.Snapshot, name string) ([]byte, error) {
	if !fs.ValidPath(name) || strings.ContainsRune(name, 0) {
		return nil, fs.ErrInvalid
	}
	f, err := snap.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, sources.ErrUnusual
	}
	// One byte more than allowed shows a file that grew or lied about its size.
	b, err := io.ReadAll(io.LimitReader(f, sources.MaxFileSize+1))
	if err == nil && len(b) > sources.MaxFileSize {
		err = sources.ErrTooBig
	}
	return b, err
}
