package reconcile

import (
	"context"
	"net/url"
	"sync"

	"rondo.dev/rondo/sources"
)

// take gives back the place that the pass has and waits for one among others.
func (p *pass) take(ctx context.Context, places chan struct{}) error {
	p.leave()
	select {
	case places <- struct{}{}:
		p.place = places
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (p *pass) leave() {
	if p.place != nil {
		<-p.place
		p.place = nil
	}
}

// remotes are the places of passes that ask a git server. Each host has its
// own, so that one that hangs holds up its own applications only (threats T18).
type remotes struct {
	size  int
	mu    sync.Mutex
	hosts map[string]chan struct{}
}

func (r *remotes) of(repo sources.Repo) chan struct{} {
	host := repo.URL
	if u, err := url.Parse(repo.URL); err == nil {
		host = u.Host
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hosts[host] == nil {
		if r.hosts == nil {
			r.hosts = map[string]chan struct{}{}
		}
		r.hosts[host] = make(chan struct{}, r.size)
	}
	return r.hosts[host]
}
