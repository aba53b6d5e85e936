package git

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rondo.dev/rondo/sources"
)

// Options say where mirrors live and what a server may cost. Only Dir is required.
type Options struct {
	// Dir holds the mirrors. It is made if it does not exist, and belongs to rondo alone.
	Dir string
	// Credentials gives what to log in with; an empty token, or nil instead of a function, means without.
	Credentials func(ctx context.Context, repo sources.Repo) (user, token string, err error)
	// SSH is what to log in with where the address says ssh; nil: such repositories are refused.
	SSH *SSH
	// Transport carries the requests; nil is a copy of http.DefaultTransport. A private CA goes into its TLS configuration.
	Transport http.RoundTripper

	CacheBytes     int64         // for objects read last, of all mirrors together; default 32 MiB
	MaxFetchBytes  int64         // of one fetch; default 4 GiB
	MaxObjectBytes int64         // of one file in any commit; default 128 MiB (GitHub takes 100)
	ResolveTimeout time.Duration // default 30 s
	FetchTimeout   time.Duration // default 10 min
	CloneTimeout   time.Duration // for the first fetch of a repository; default 30 min

	Logger     *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: metrics are kept to itself
	Now        func() time.Time      // nil: time.Now
}

func (o *Options) defaults() {
	set(&o.CacheBytes, 32<<20)
	set(&o.MaxFetchBytes, 4<<30)
	set(&o.MaxObjectBytes, 128<<20)
	set(&o.ResolveTimeout, 30*time.Second)
	set(&o.FetchTimeout, 10*time.Minute)
	set(&o.CloneTimeout, 30*time.Minute)
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

func set[T int64 | time.Duration](option *T, value T) {
	if *option == 0 {
		*option = value
	}
}

// Store asks servers what their refs are, and keeps a mirror of every repository it is asked to open. Its methods may be
// called from several goroutines; it starts one of its own at most, a renewal, for which Close waits.
type Store struct {
	o       Options
	log     *slog.Logger
	client  *http.Client
	metrics *metrics
	cache   *cache
	tmp     string // for what is in flight; of this process alone
	unlock  func()

	mu      sync.Mutex
	mirrors map[string]*mirror // by address
	remotes map[string]remote  // by address; what discover learned
	renewal *renewal           // the one that runs; nil: none
	closed  bool
}

// New takes possession of o.Dir: it finds the mirrors there and removes what a killed process left in flight.
func New(o Options) (*Store, error) {
	if o.Dir == "" {
		return nil, errors.New("git: Options.Dir is empty")
	}
	o.defaults()
	metrics, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	s := &Store{
		o: o, log: o.Logger, client: &http.Client{Transport: o.Transport, CheckRedirect: checkRedirect},
		metrics: metrics, cache: newCache(o.CacheBytes), mirrors: map[string]*mirror{}, remotes: map[string]remote{},
	}
	if s.tmp, s.unlock, err = ownTemp(o.Dir); err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	if err := s.findMirrors(); err != nil {
		return nil, errors.Join(fmt.Errorf("git: %w", err), s.Close())
	}
	return s, nil
}

// Close gives up what New took. Snapshots stay readable until they are closed themselves.
func (s *Store) Close() error {
	s.endRenewal()
	s.client.CloseIdleConnections()
	err := os.RemoveAll(s.tmp)
	s.unlock()
	return err
}

// tempDir is the folder below Options.Dir with one folder for each running process.
const tempDir = "tmp"

// ownTemp makes the folder for what is in flight and removes those whose process is gone. During a rolling update two
// processes may run; each holds a lock on its own.
func ownTemp(dir string) (own string, unlock func(), err error) {
	all := filepath.Join(dir, tempDir)
	if err := os.MkdirAll(all, 0o700); err != nil {
		return "", nil, err
	}
	old, err := os.ReadDir(all)
	if err != nil {
		return "", nil, err
	}
	for _, e := range old {
		name := filepath.Join(all, e.Name())
		unlock, err := lock(name)
		if err != nil {
			continue // in use
		}
		err = os.RemoveAll(name)
		unlock()
		if err != nil {
			return "", nil, err
		}
	}
	own = filepath.Join(all, rand.Text())
	if err := os.Mkdir(own, 0o700); err != nil {
		return "", nil, err
	}
	if unlock, err = lock(own); err != nil {
		return "", nil, err
	}
	return own, unlock, nil
}

// findMirrors reads which repository each folder is the mirror of. Of two for the same one, of which a crash may have
// kept the older from being removed, the younger stays.
func (s *Store) findMirrors() error {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		dir := filepath.Join(s.o.Dir, e.Name())
		if !e.IsDir() || e.Name() == tempDir {
			continue
		}
		m, err := loadMirror(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			s.log.Warn("folder is no mirror", "dir", dir)
			continue
		case err != nil:
			return err
		}
		if twin := s.mirrors[m.repo.URL]; twin != nil {
			if twin.born.After(m.born) {
				m, twin = twin, m
			}
			if err := os.RemoveAll(twin.dir); err != nil {
				return err
			}
		}
		s.mirrors[m.repo.URL] = m
	}
	return nil
}

// mirror is the mirror of repo, perhaps still without a folder.
func (s *Store) mirror(repo sources.Repo) *mirror {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.mirrors[repo.URL]
	if m == nil {
		m = newMirror(repo)
		s.mirrors[repo.URL] = m
	}
	return m
}

// Prune removes the mirrors of all repositories but wanted, and what was learned of them. A mirror that is being fetched
// into is left for the next time.
func (s *Store) Prune(wanted []sources.Repo) error {
	keep := map[string]bool{}
	for _, r := range wanted {
		keep[r.URL] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for at, m := range s.mirrors {
		if keep[at] || !m.begin() {
			continue
		}
		if err := m.remove(); err != nil {
			errs = append(errs, fmt.Errorf("prune the mirror of %s: %w", m.repo, err))
		}
		m.end()
	}
	for at := range s.remotes {
		if !keep[at] {
			delete(s.remotes, at)
		}
	}
	return errors.Join(errs...)
}
