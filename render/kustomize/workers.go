package kustomize

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Limits of a worker.
const (
	maxWorkers   = 2
	maxBuilds    = 200       // of one process
	maxAddresses = 3 << 29   // 1.5 GiB; Go does not start under 600 MB
	minRoom      = 384 << 20 // above what the program has at its start
	maxResident  = 512 << 20
	softMemory   = 192 << 20 // above it the garbage collector works harder
	maxCPU       = 10        // seconds of one build
	maxWall      = 30 * time.Second
	idle         = 2 * time.Minute // after which a process that nobody needs ends
)

// Workers are the processes that run kustomize, two at most. None is started
// before it is needed. Close ends them.
type Workers struct {
	slots chan struct{}

	mu      sync.Mutex
	closed  bool
	waiting []*process // the one used last stands last
	apart   int        // index into apart() of what the kernel permits
}

// NewWorkers makes Workers of this same program, whose main calls [Worker].
func NewWorkers() *Workers {
	return &Workers{slots: make(chan struct{}, maxWorkers)}
}

// Close ends the processes that wait for work; running builds end with their contexts.
func (w *Workers) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, p := range w.waiting {
		p.stop()
	}
	w.waiting = nil
	return nil
}

// errLimit is the cause of a build that took too much.
type errLimit string

func (e errLimit) Error() string { return string(e) }

// errDied is a worker that ended by itself, twice for the same files.
var errDied = errors.New("the render worker ended")

// build has one of the processes run q. An errLimit says which limit these files
// hit, errDied that they end kustomize; any other error says nothing about them.
func (w *Workers) build(ctx context.Context, q request) (response, error) {
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return response{}, context.Cause(ctx)
	}
	defer func() { <-w.slots }()
	for attempt := 0; ; attempt++ {
		p, err := w.take()
		if err != nil {
			return response{}, err
		}
		r, err := p.build(ctx, q)
		if err == nil {
			w.put(p)
			return r, nil
		}
		p.stop()
		// What killed it may have been meant for another; its own files do it again.
		if !errors.Is(err, errDied) || attempt > 0 {
			return response{}, err
		}
	}
}

// take gives the process that was used last, or a new one.
func (w *Workers) take() (*process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, errors.New("render workers are closed")
	}
	if n := len(w.waiting); n > 0 {
		p := w.waiting[n-1]
		w.waiting = w.waiting[:n-1]
		p.timer.Stop()
		return p, nil
	}
	ways := apart()
	for {
		p, err := start(ways[w.apart])
		if err == nil || w.apart+1 == len(ways) {
			if err != nil {
				err = fmt.Errorf("start a render worker: %w", err)
			}
			return p, err
		}
		w.apart++
	}
}

// put lets p wait for the next build, for a while.
func (w *Workers) put(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || p.builds >= maxBuilds {
		p.stop()
		return
	}
	w.waiting = append(w.waiting, p)
	p.timer = time.AfterFunc(idle, func() { w.retire(p) })
}

// retire ends p if it still waits.
func (w *Workers) retire(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.waiting {
		if other == p {
			w.waiting = append(w.waiting[:i], w.waiting[i+1:]...)
			p.stop()
			return
		}
	}
}
