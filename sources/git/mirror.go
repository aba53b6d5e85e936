package git

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
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"rondo.dev/rondo/sources"
)

// Files of a mirror, which is a bare repository that git itself can read, and "url".
const (
	packDir    = "objects/pack"
	urlFile    = "url"         // which repository it is the mirror of
	refsFile   = "packed-refs" // the refs that were followed, as of the newest fetch
	headFile   = "HEAD"
	configFile = "config"
)

// mirror is what a Store knows of one repository.
type mirror struct {
	repo   sources.Repo
	free   chan struct{} // holds its only element while nobody fetches
	failed int           // packs there were when the last renewal failed; 0: it did not. Guarded by Store.mu

	mu      sync.Mutex
	dir     string            // empty: not cloned yet
	born    time.Time         // modification time of the file of refs
	refs    map[string]string // full name to hash
	objects *objects          // what open snapshots share; nil if there are none
	suspect bool              // something in it could not be read: clone afresh
}

func newMirror(repo sources.Repo) *mirror {
	m := &mirror{repo: repo, free: make(chan struct{}, 1), refs: map[string]string{}}
	m.free <- struct{}{}
	return m
}

// loadMirror reads which repository dir is the mirror of. fs.ErrNotExist means that it is none.
func loadMirror(dir string) (*mirror, error) {
	url, err := os.ReadFile(filepath.Join(dir, urlFile))
	if err != nil {
		return nil, err
	}
	m := newMirror(sources.Repo{URL: strings.TrimSpace(string(url))})
	m.dir = dir
	refs := filepath.Join(dir, refsFile)
	text, err := os.ReadFile(refs)
	if err != nil {
		m.suspect = true
		return m, nil
	}
	if info, err := os.Stat(refs); err == nil {
		m.born = info.ModTime()
	}
	for line := range strings.Lines(string(text)) {
		if hash, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && sources.IsHash(hash) {
			m.refs[name] = hash
		}
	}
	return m, nil
}

// skeleton writes what every bare repository has. Nothing in it comes from the server.
func skeleton(dir string, repo sources.Repo) error {
	for _, sub := range []string{packDir, "refs"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(sub)), 0o700); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{
		headFile:   "ref: refs/heads/main\n",
		configFile: "[core]\n\trepositoryformatversion = 0\n\tbare = true\n",
		urlFile:    repo.URL + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeRefs replaces the file of refs. tmp is on the same file system.
func writeRefs(dir, tmp string, refs map[string]string) error {
	var b bytes.Buffer
	b.WriteString("# pack-refs with: sorted \n")
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		fmt.Fprintf(&b, "%s %s\n", refs[name], name)
	}
	name := filepath.Join(tmp, refsFile)
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(name, filepath.Join(dir, refsFile))
}

// begin takes the right to fetch, if nobody has it. end gives it back.
func (m *mirror) begin() bool {
	select {
	case <-m.free:
		return true
	default:
		return false
	}
}

func (m *mirror) end() { m.free <- struct{}{} }

// open gives the objects if hash is among them, and nil if a fetch is needed. release follows.
func (m *mirror) open(hash string, c *cache) (*objects, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dir == "" || m.suspect {
		return nil, nil
	}
	if m.objects == nil {
		o, err := openObjects(m.dir, c)
		if err != nil {
			m.suspect = true
			return nil, fmt.Errorf("the mirror of %s is damaged: %w", m.repo, err)
		}
		m.objects = o
	}
	o := m.objects
	o.users++
	ok, err := o.has(plumbing.NewHash(hash))
	if err == nil && ok {
		return o, nil
	}
	m.drop(o)
	if err != nil {
		m.suspect = true
		err = fmt.Errorf("the mirror of %s is damaged: %w", m.repo, err)
	}
	return nil, err
}

// release gives objects back. A failure to read them was the mirror's fault if damaged.
func (m *mirror) release(o *objects, damaged bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if damaged && o == m.objects { // what was replaced since does not matter
		m.suspect = true
	}
	m.drop(o)
}

func (m *mirror) drop(o *objects) {
	if o.users--; o.users > 0 {
		return
	}
	o.close()
	if m.objects == o {
		m.objects = nil
	}
}

// changed makes the next open look at the folder again; who reads now goes on with what there was.
func (m *mirror) changed(dir string, refs map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dir, m.refs, m.objects, m.suspect = dir, refs, nil, false
}

// remove deletes the folder. The caller has the right to fetch.
func (m *mirror) remove() error {
	m.mu.Lock()
	dir := m.dir
	m.mu.Unlock()
	if dir == "" {
		return nil
	}
	m.changed("", map[string]string{})
	return os.RemoveAll(dir)
}

// state is a copy of what a fetch starts from. Packs that cannot be counted make the mirror suspect.
func (m *mirror) state() (dir string, refs map[string]string, packs int, suspect bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dir != "" {
		entries, err := os.ReadDir(filepath.Join(m.dir, filepath.FromSlash(packDir)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) || len(entries) == 0 {
			m.suspect = true
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".idx") {
				packs++
			}
		}
	}
	return m.dir, maps.Clone(m.refs), packs, m.suspect
}
