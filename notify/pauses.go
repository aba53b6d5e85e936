package notify

import (
	"sync"
	"time"

	"rondo.dev/rondo/reconcile"
)

// pauses remembers until when nothing is sent to an owner or a repository.
type pauses struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// of is when m may be sent; zero: now.
func (p *pauses) of(m reconcile.Message) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	repo, all := p.until[m.Repo.URL], p.until[owner(m.Repo)]
	if repo.After(all) {
		return repo
	}
	return all
}

// pause reports whether the scope was not paused already.
func (p *pauses) pause(scope string, until, now time.Time) (begins bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for other, end := range p.until {
		if !end.After(now) {
			delete(p.until, other)
		}
	}
	before := p.until[scope]
	if until.After(before) {
		p.until[scope] = until
	}
	return before.IsZero()
}
