package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rondo.dev/rondo/reconcile"
)

// readers is how many connections read; pages of the API and restarts need few.
const readers = 3

// Options say where the ledger is and what seals it.
type Options struct {
	// URL is "sqlite:///absolute/path/to/rondo.db". The folder must exist; the
	// file is created with mode 0600.
	URL string
	// Key seals artifacts: 32 bytes, as [KeyFile] gives.
	Key []byte
	// Now defaults to time.Now.
	Now func() time.Time
	// Logger defaults to none.
	Logger *slog.Logger
	// Registerer takes the metrics; nil: they are not published.
	Registerer prometheus.Registerer
}

// Ledger is an open ledger, safe for concurrent use.
type Ledger struct {
	writer, reader *sql.DB
	seal           *sealer
	now            func() time.Time
	log            *slog.Logger
	metrics        *metrics

	group  group
	flight flight
	ready  chan struct{}
	term   atomic.Int64 // 0: Lead was not called
}

var _ reconcile.Journal = (*Ledger)(nil)

// Open opens or creates the ledger at o.URL and brings its tables up to date.
// Whoever opened it closes it.
func Open(ctx context.Context, o Options) (_ *Ledger, err error) {
	path, err := parseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{now: o.Now, log: o.Logger, ready: make(chan struct{}, 1)}
	l.flight.byID = map[int64]reconcile.Message{}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.seal, err = newSealer(o.Key); err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open ledger %s: %w", path, explain(err)), l.Close())
		}
	}()
	if err := create(path); err != nil {
		return nil, err
	}
	// Immediate: a transaction that reads before it writes must not find out at
	// its first write that another process was faster.
	if l.writer, err = connect(path, 1, "_txlock=immediate&_pragma=journal_mode(wal)&_pragma=synchronous(full)"); err != nil {
		return nil, err
	}
	if err := migrate(ctx, l.writer, l.log); err != nil {
		return nil, err
	}
	if err := l.checkKey(ctx); err != nil {
		return nil, err
	}
	if l.reader, err = connect(path, readers, "_pragma=query_only(1)"); err != nil {
		return nil, err
	}
	if l.metrics, err = newMetrics(o.Registerer, l.OutboxDepth); err != nil {
		return nil, err
	}
	l.wake() // what a former process left to be sent
	return l, nil
}

// Close ends all connections. Writes that have begun are finished first.
func (l *Ledger) Close() error {
	l.metrics.unregister()
	var errs []error
	for _, db := range []*sql.DB{l.reader, l.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Ping reads from the file: what a readiness probe asks.
func (l *Ledger) Ping(ctx context.Context) error {
	err := l.read(ctx, "ping", func(ctx context.Context, db *sql.DB) error {
		var n int
		return db.QueryRowContext(ctx, `SELECT COUNT(*) FROM meta`).Scan(&n)
	})
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// parseURL gives the path of a sqlite URL. Its errors do not repeat the address:
// one of another kind may hold a password.
func parseURL(raw string) (path string, err error) {
	scheme, path, _ := strings.Cut(raw, "://")
	switch {
	case scheme == "postgres", scheme == "postgresql":
		return "", errors.New("PostgreSQL comes later; use store: sqlite:///var/lib/rondo/rondo.db")
	case scheme != "sqlite":
		return "", errors.New("store is not a sqlite URL; use store: sqlite:///var/lib/rondo/rondo.db")
	case strings.Contains(path, ":memory:"):
		return "", errors.New("a store in memory would forget acknowledged deliveries; name a file")
	case !filepath.IsAbs(path) || strings.HasSuffix(path, "/"):
		return "", errors.New("store needs the absolute path of a file: sqlite:///var/lib/rondo/rondo.db")
	case strings.ContainsAny(path, "?#"):
		return "", errors.New("store takes no options after its path")
	}
	return filepath.Clean(path), nil
}

// create makes an empty file that only its owner can read. SQLite would take
// the process's umask; its own side files copy the mode of this one.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("folder %s does not exist; create it or mount the volume", filepath.Dir(path))
	case err != nil:
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func connect(path string, conns int, options string) (*sql.DB, error) {
	// Pages are cached by connection; 1 MiB each is plenty for these tables.
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=cache_size(-1024)&" + options
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// micros and fromMicros are how times are kept; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
