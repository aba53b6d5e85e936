package gittest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Repo is one bare repository of a Server.
type Repo struct {
	server *Server
	name   string
	dir    string

	mu     sync.Mutex // one writer at a time
	clock  int64      // commits written so far; the dates follow from it
	onPush func(Push) // guarded by server.mu
}

// config allows what GitHub allows, and keeps the maintenance of git from running in the middle of a test.
const config = `[core]
	repositoryformatversion = 0
	bare = true
[http]
	receivepack = true
[uploadpack]
	allowTipSHA1InWant = true
	allowReachableSHA1InWant = true
	allowAnySHA1InWant = true
	allowFilter = true
[receive]
	advertisePushOptions = true
	autogc = false
[gc]
	auto = 0
`

// Create makes an empty bare repository, or returns the one of that name. Its HEAD is main. name may hold slashes.
func (s *Server) Create(name string) (*Repo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.repos[name]; r != nil {
		return r, nil
	}
	if !filepath.IsLocal(name) {
		return nil, fmt.Errorf("create a repository: %q is no relative path", name)
	}
	r := &Repo{server: s, name: name, dir: filepath.Join(s.dir, filepath.FromSlash(name)+".git")}
	if _, err := os.Stat(r.dir); errors.Is(err, fs.ErrNotExist) {
		if _, err := s.run(s.dir, nil, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", r.dir); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(r.dir, "config"), []byte(config), 0o644); err != nil {
			return nil, err
		}
	}
	s.repos[name] = r
	return r, nil
}

// Repo is Create for tests.
func (s *Server) Repo(name string) *Repo {
	r, err := s.Create(name)
	if err != nil {
		s.fatal(err)
	}
	return r
}

// Name is the path of the repository on the server, without ".git".
func (r *Repo) Name() string { return r.name }

// URL is the address to clone from, in the form of sources.ParseRepo. With ".git" behind it, it works as well.
func (r *Repo) URL() string { return r.server.url + "/" + r.name }

// Dir is the bare repository on disk.
func (r *Repo) Dir() string { return r.dir }

// Git runs a git command in the repository and returns what it printed, without the last newline.
func (r *Repo) Git(args ...string) string {
	out, err := r.server.run(r.dir, nil, args...)
	if err != nil {
		r.server.fatal(err)
	}
	return out
}

// Ref is the hash a ref has, given by its full name; empty if it does not exist.
func (r *Repo) Ref(ref string) string {
	return r.refs()[ref]
}

// SetRef points a ref, by its full name ("refs/heads/main", "refs/pull/42/head"), to a commit; backwards too.
func (r *Repo) SetRef(ref, hash string) { r.Git("update-ref", ref, hash) }

// AddRefs adds many new refs to commits at once. They go straight into the file of packed refs: git would write a file
// for each first.
func (r *Repo) AddRefs(refs map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.refs()
	maps.Copy(all, refs)
	var text bytes.Buffer
	text.WriteString("# pack-refs with: sorted \n")
	for _, ref := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&text, "%s %s\n", all[ref], ref)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "packed-refs"), text.Bytes(), 0o644); err != nil {
		r.server.fatal(err)
	}
}

// Delete removes a ref, by its full name.
func (r *Repo) Delete(ref string) { r.Git("update-ref", "-d", ref) }

// Remove deletes the whole repository; requests for it are answered 404.
func (r *Repo) Remove() {
	r.server.mu.Lock()
	delete(r.server.repos, r.name)
	r.server.mu.Unlock()
	if err := os.RemoveAll(r.dir); err != nil {
		r.server.fatal(err)
	}
}

// Tag points refs/tags/<name> to a new annotated tag of the commit and returns the hash of the tag object.
func (r *Repo) Tag(name, commit string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := fmt.Sprintf("object %s\ntype commit\ntag %s\ntagger %s\n\n%s\n", commit, name, r.signature(), name)
	hash, err := r.server.run(r.dir, []byte(text), "hash-object", "-t", "tag", "-w", "--stdin")
	if err != nil {
		r.server.fatal(err)
	}
	r.SetRef("refs/tags/"+name, hash)
	return hash
}

// Pack is a pack of every object in the repository, also of those that git refuses to send.
func (r *Repo) Pack() []byte {
	ids := r.Git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
	pack, err := r.server.output(r.dir, []byte(ids+"\n"), "pack-objects", "--quiet", "--stdout")
	if err != nil {
		r.server.fatal(err)
	}
	return pack
}

// Push is one ref that a push moved.
type Push struct {
	Ref string // full name
	Old string // empty: the ref is new
	New string // empty: the ref is gone
}

// OnPush calls f for each ref that a push through the server moved, after git took it and before the client has its
// answer. It is not called for Commit and SetRef.
func (r *Repo) OnPush(f func(Push)) {
	r.server.mu.Lock()
	defer r.server.mu.Unlock()
	r.onPush = f
}

func (r *Repo) watchPush(serve func()) {
	before := r.refs()
	serve()
	after := r.refs()
	r.server.mu.Lock()
	f := r.onPush
	r.server.mu.Unlock()
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, ref := range slices.Sorted(maps.Keys(names)) {
		if f != nil && before[ref] != after[ref] {
			f(Push{Ref: ref, Old: before[ref], New: after[ref]})
		}
	}
}

func (r *Repo) refs() map[string]string {
	out, err := r.server.run(r.dir, nil, "for-each-ref", "--format=%(refname) %(objectname)")
	if err != nil {
		r.server.fatal(err)
	}
	refs := map[string]string{}
	for line := range strings.Lines(out + "\n") {
		if ref, hash, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			refs[ref] = hash
		}
	}
	return refs
}
