package git

import (
	"context"
	"errors"

	"rondo.dev/rondo/sources"
)

// maxPacks is how many packs a mirror may have before it is cloned afresh. Each push makes one.
const maxPacks = 30

// renewal is a clone in the background.
type renewal struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it has ended
}

// renew clones m afresh where it has too many packs, and swaps it while others read and fetch. It returns at once: no
// pass waits for the clone of a large repository. There is one renewal at a time; a mirror that finds another's running
// comes with its next fetch, and one whose renewal failed after maxPacks more.
func (s *Store) renew(ctx context.Context, m *mirror, rev sources.Revision) {
	dir, _, packs, _ := m.state()
	s.mu.Lock()
	defer s.mu.Unlock()
	if packs <= maxPacks+m.failed || s.renewal != nil || s.closed {
		return
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	r := &renewal{cancel: cancel, done: make(chan struct{})}
	s.renewal = r
	go func() { // Close waits for it
		defer close(r.done)
		defer cancel(nil)
		err := s.replace(ctx, m, dir, rev)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.renewal, m.failed = nil, 0
		if err != nil && !s.closed {
			m.failed = packs
			s.log.Warn("mirror of many packs is not renewed", "repo", m.repo.URL, "err", err)
		}
	}()
}

// replace clones the mirror that is at dir, and swaps it once nobody fetches into it. What was fetched since is fetched
// again by whoever needs it.
func (s *Store) replace(ctx context.Context, m *mirror, dir string, rev sources.Revision) error {
	return s.transfer(ctx, m, rev, nil, true, func(tmp, _, tip string) error {
		select {
		case <-m.free:
			defer m.end()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if now, _, _, _ := m.state(); now != dir {
			return nil // it was removed, or cloned afresh for another reason
		}
		return s.swap(m, dir, tmp, map[string]string{sources.FullRef(rev.Ref): tip})
	})
}

// errStoreClosed is why a renewal ends early.
var errStoreClosed = errors.New("the store is closed")

// endRenewal keeps renewals from starting, and ends the one that runs.
func (s *Store) endRenewal() {
	s.mu.Lock()
	s.closed = true
	r := s.renewal
	s.mu.Unlock()
	if r != nil {
		r.cancel(errStoreClosed)
		<-r.done
	}
}
