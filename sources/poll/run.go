package poll

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"

	"rondo.dev/rondo/sources"
)

// look is an answer to one question.
type look struct {
	it  *item
	rev sources.Revision
	err error
}

// Run looks at what is due until ctx ends, and returns when the last question has come back. Its error is always nil.
func (p *Poller) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	answers := make(chan look, workers)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for asked := 0; ; {
		wait := p.o.Max
		for asked < workers {
			var it *item
			if it, wait = p.take(); it == nil {
				break
			}
			asked++
			wg.Go(func() {
				rev, err := p.o.Resolve(ctx, it.target.repo, it.ref)
				answers <- look{it, rev, err}
			})
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			// What could not be asked to the end is due at the next Run.
			for range asked {
				p.putBack((<-answers).it)
			}
			return nil
		case l := <-answers:
			asked--
			if ctx.Err() != nil {
				p.putBack(l.it)
			} else if p.learn(l) {
				p.o.Emit(ctx, sources.Signal{Repo: l.it.target.repo, Ref: l.it.ref})
			}
		case <-timer.C:
		case <-p.wake:
		}
	}
}

// take gives what is due, or the time until something is.
func (p *Poller) take() (*item, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now()
	for len(p.due) > 0 {
		it := p.due[0]
		if wait := it.next.Sub(now); wait > 0 {
			return nil, wait
		}
		if until := it.repo.until; until.After(now) { // another ref of the repository failed
			it.next = until.Add(p.spread(time.Second))
			heap.Fix(&p.due, 0)
			continue
		}
		heap.Pop(&p.due)
		return it, 0
	}
	return nil, p.o.Max
}

// putBack makes a ref due again that was taken and not asked to the end.
func (p *Poller) putBack(it *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !it.gone {
		heap.Push(&p.due, it)
	}
}

// learn takes an answer in, decides when to look again, and reports whether there is something to tell.
func (p *Poller) learn(l look) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	it, r, now := l.it, l.it.repo, p.o.Now()
	if it.gone {
		return false
	}
	defer heap.Push(&p.due, it)
	if l.err != nil && !errors.Is(l.err, sources.ErrNoRef) && !errors.Is(l.err, sources.ErrEmpty) {
		p.metrics.looks.WithLabelValues("error").Inc()
		if r.failures++; r.failures == 1 {
			p.log.Warn("repository cannot be asked", "repo", it.target.repo.URL, "err", l.err)
		}
		pause := p.o.Min
		for range min(r.failures, 32) {
			pause = min(2*pause, p.o.Max)
		}
		r.until = now.Add(p.spread(pause))
		it.next = r.until
		return false
	}
	if r.failures > 0 {
		p.log.Info("repository answers again", "repo", it.target.repo.URL)
	}
	r.failures, r.until = 0, time.Time{}

	first, changed := it.looked.IsZero(), it.hash != l.rev.Hash
	announced := !r.hook.IsZero() && !r.hook.Before(it.looked)
	switch {
	case first:
	case changed && !announced:
		r.hook = time.Time{} // a webhook got lost, or there are none
		it.interval = p.o.Min
	case changed && announced, !r.hook.IsZero():
		it.interval = p.o.Max
	default:
		it.interval = min(time.Duration(float64(it.interval)*growth), p.o.Max)
	}
	it.looked, it.hash = now, l.rev.Hash
	it.next = p.after(it, now)
	if first || changed {
		p.metrics.looks.WithLabelValues("changed").Inc()
		return true
	}
	p.metrics.looks.WithLabelValues("same").Inc()
	return false
}
