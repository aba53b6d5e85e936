package cluster

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// lease is a LeaseLock that knows until when nobody else can hold it, and tells
// at each look who does. The elector knows less: it goes on for renewDeadline
// after it saw that somebody else leads, so a leader that was stopped longer
// than its Lease would work that long beside its successor.
type lease struct {
	resourcelock.LeaseLock
	seen  func(holder string)
	until atomic.Pointer[time.Time] // on the elector's clock, which is time.Now; nil: not held
}

func (l *lease) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.LeaseLock.Get(ctx)
	if err == nil {
		l.seen(record.HolderIdentity)
	}
	return record, raw, err
}

func (l *lease) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.note(record, func() error { return l.LeaseLock.Create(ctx, record) })
}

func (l *lease) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.note(record, func() error { return l.LeaseLock.Update(ctx, record) })
}

// note counts from before the request: others count from its arrival.
func (l *lease) note(record resourcelock.LeaderElectionRecord, write func() error) error {
	until := time.Now().Add(leaseDuration)
	if record.HolderIdentity != l.LockConfig.Identity {
		l.until.Store(nil) // given back, whether or not that arrives
		return write()
	}
	err := write()
	if err == nil {
		l.until.Store(&until)
	}
	return err
}

// held reports whether nobody else can hold the Lease now.
func (l *lease) held() bool {
	until := l.until.Load()
	return until != nil && time.Now().Before(*until)
}

// fenced lets no write through, but for those of the Lease itself, once the
// Lease may be another's. Without a Lease it lets everything through.
type fenced struct {
	next  http.RoundTripper
	lease *atomic.Pointer[lease]
}

func (f *fenced) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && !strings.Contains(req.URL.Path, "/apis/coordination.k8s.io/") {
		if l := f.lease.Load(); l != nil && !l.held() {
			if req.Body != nil {
				_ = req.Body.Close() // nothing was read from it
			}
			return nil, ErrLeaseLost
		}
	}
	return f.next.RoundTrip(req)
}
