package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"rondo.dev/rondo/sources"
)

// patience is how many passes of an application may be superseded in a row
// before one is let through to its end (design 3.5).
const patience = 3

// ErrShutdown is the cause of a pass that ended because the daemon stops.
var ErrShutdown = errors.New("the daemon is stopping")

// Queue runs the passes: one at a time per application, any number of
// applications side by side. An application without work costs no goroutine.
type Queue struct {
	reconciler *Reconciler
	log        *slog.Logger

	// Gone is told of an application that left the configuration while a pass
	// of it ran, when that pass has ended. Set it before Run; it may be nil.
	Gone func(app string)

	mu      sync.Mutex
	entries map[string]*entry
	checks  map[checkKey][]func()    // checks under way, and who is told of their end
	again   map[checkKey]Application // asked for since they began
	ctx     context.Context          // of Run; nil before and after
	cancel  context.CancelCauseFunc
	work    sync.WaitGroup
}

// entry is one application in the queue.
type entry struct {
	app     Application
	known   bool     // in the configuration
	wanted  *Request // the next pass; nil: none asked for
	done    []func() // told when the pass after them has ended
	running bool
	// revision is what the running pass brings; zero until it knows.
	revision sources.Revision
	stop     context.CancelCauseFunc
	looks    int // signals since the look that runs began; zero: none runs
	// superseded counts passes in a row that a newer revision ended.
	superseded int
	attempt    int
	retry      *time.Timer
	check      *time.Timer // until the public addresses are to be asked
	checkDue   bool        // they are
}

// NewQueue makes a queue that does nothing until [Queue.Run].
func NewQueue(r *Reconciler) *Queue {
	return &Queue{reconciler: r, log: r.Log, entries: map[string]*entry{},
		checks: map[checkKey][]func(){}, again: map[checkKey]Application{}}
}

// SetApplications replaces the configured applications. One that is gone is
// let finish what runs and gets no further pass, except its removal. Names of
// new, returned or changed applications come back; the caller wakes them.
func (q *Queue) SetApplications(apps []Application) (changed []string) {
	q.reconciler.sharing.places(apps)
	q.mu.Lock()
	defer q.mu.Unlock()
	old := make(map[string]bool, len(q.entries))
	for name, e := range q.entries {
		old[name], e.known = e.known, false
	}
	for _, app := range apps {
		e := q.entry(app.Name)
		if !old[app.Name] || !e.app.sameOutput(app) {
			changed = append(changed, app.Name)
		}
		e.app, e.known = app, true
	}
	return changed
}

func (q *Queue) entry(name string) *entry {
	e := q.entries[name]
	if e == nil {
		e = &entry{}
		q.entries[name] = e
	}
	return e
}

// Wake asks for a pass. Requests that have not begun are merged. done, when
// set, is called after a pass that began after Wake has ended; it is not called
// when the daemon stops first.
func (q *Queue) Wake(req Request, done func()) {
	if !q.wake(req, done) && done != nil {
		done() // not ours to look at any more
	}
}

func (q *Queue) wake(req Request, done func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entry(req.App.Name)
	if !e.known && req.Trigger != TriggerRemove {
		return false
	}
	if req.Trigger == TriggerRemove {
		e.app = req.App
	}
	e.wanted = merge(e.wanted, req)
	if done != nil {
		e.done = append(e.done, done)
	}
	switch {
	case q.ctx == nil:
	case !e.running:
		q.start(req.App.Name, e)
	default:
		q.newer(req.App.Name, e)
	}
	return true
}

// WakeByName is Wake for a configured application; false when there is none.
func (q *Queue) WakeByName(name string, req Request, done func()) bool {
	q.mu.Lock()
	e := q.entries[name]
	known := e != nil && e.known
	if known {
		req.App = e.app
	}
	q.mu.Unlock()
	if known {
		q.Wake(req, done)
	}
	return known
}

// Examine asks the public addresses of an application at a time, when nothing
// else of it runs. A later call takes the place of an earlier one.
func (q *Queue) Examine(name string, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.examine(name, at)
}

// examine is Examine. q.mu is held.
func (q *Queue) examine(name string, at time.Time) {
	e := q.entries[name]
	if e == nil || !e.known {
		return
	}
	if e.check != nil {
		e.check.Stop()
	}
	e.check = time.AfterFunc(at.Sub(q.reconciler.Now()), func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if e := q.entries[name]; e != nil && e.known {
			e.checkDue = true
			q.next(name, e)
		}
	})
}

// next begins what is wanted, if nothing runs and Run does. q.mu is held.
func (q *Queue) next(name string, e *entry) {
	if q.ctx == nil {
		return
	}
	if e.wanted == nil && e.checkDue {
		e.wanted = &Request{App: e.app, Trigger: TriggerHealth}
	}
	if e.wanted != nil && !e.running {
		q.start(name, e)
	}
}

// Running reports whether a pass of the application is under way.
func (q *Queue) Running(name string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries[name]
	return e != nil && e.running
}

// newer has a look whether the ref moved on, when the running pass could be
// given up for it: a signal is only a hint. q.mu is held.
func (q *Queue) newer(name string, e *entry) {
	if e.wanted == nil || e.wanted.Trigger == TriggerDrift || e.revision.IsZero() || e.superseded >= patience {
		return
	}
	if e.looks++; e.looks == 1 {
		q.work.Go(func() { q.look(name, e) })
	}
}

// look cancels the running pass when the ref has moved on meanwhile. It looks
// again after a signal that came while it did.
func (q *Queue) look(name string, e *entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for seen := 0; seen != e.looks; {
		ctx, app := q.ctx, e.app
		if ctx == nil {
			break
		}
		seen = e.looks
		q.mu.Unlock()
		now, err := q.reconciler.Source.Resolve(ctx, app.Repo, app.Ref)
		q.mu.Lock()
		switch {
		case err != nil:
			q.log.Debug("look failed; the next pass asks again", "app", name, "err", err)
		case e.running && !e.revision.IsZero() && now != e.revision:
			e.stop(&supersededBy{revision: now})
		}
	}
	e.looks = 0
}

// grace is how long writing may go on after Run was told to end. Kubernetes
// kills a Pod 30 s after it was asked to stop.
const grace = 20 * time.Second

// Run carries out passes until ctx ends, then waits for what is being written,
// but not for ever. It returns nil.
func (q *Queue) Run(ctx context.Context) error {
	q.mu.Lock()
	q.ctx, q.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	for name, e := range q.entries {
		q.next(name, e)
	}
	for key, app := range q.again {
		q.work.Go(func() { q.check(q.ctx, key, app) })
	}
	q.mu.Unlock()

	<-ctx.Done()

	q.mu.Lock()
	q.cancel(ErrShutdown)
	q.ctx = nil
	for _, e := range q.entries {
		for _, timer := range []*time.Timer{e.retry, e.check} {
			if timer != nil {
				timer.Stop()
			}
		}
	}
	q.mu.Unlock()
	q.drain()
	return nil
}

// drain waits for the passes, at most for the time of grace, and names those it
// gave up on.
func (q *Queue) drain() {
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		q.work.Wait()
	}()
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-idle:
		return
	case <-late.C:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for name, e := range q.entries {
		if e.running {
			q.log.Error("gave up on a pass that does not end", "app", name, "revision", e.revision.String(), "took", grace)
		}
	}
}

// start begins the wanted pass. q.mu is held.
func (q *Queue) start(name string, e *entry) {
	req := *e.wanted
	req.App = e.app
	e.wanted = nil
	done := e.done
	e.done = nil
	checks := req.Trigger == TriggerHealth
	if checks {
		e.checkDue = false
	}
	if e.retry != nil && req.Trigger != TriggerDrift && !checks { // correcting drift is not what is to be retried
		e.retry.Stop()
		e.retry = nil
	}
	ctx, stop := context.WithCancelCause(q.ctx)
	e.running, e.stop, e.revision = true, stop, sources.Revision{}
	if e.retry == nil {
		e.attempt++
	}
	req.Attempt = e.attempt
	req.Resolved = func(rev sources.Revision) {
		q.mu.Lock()
		defer q.mu.Unlock()
		e.revision = rev
		q.newer(name, e) // for a signal that came before the revision was known
	}
	q.reconciler.Metrics.running.Inc()
	q.work.Go(func() {
		defer stop(nil)
		result, ok := q.reconciler.Pass(ctx, req)
		q.reconciler.Metrics.running.Dec()
		for _, tell := range q.finish(name, e, req, result, ok, done) {
			tell()
		}
		for _, reader := range result.Readers {
			q.WakeByName(reader, Request{Trigger: TriggerShared}, nil)
		}
	})
}

// finish settles what comes after a pass: the next one, a retry, or rest. It
// gives those to tell, of done and of a request that is dropped; nobody when
// the daemon stops: what is not done then is found again at the next start.
func (q *Queue) finish(name string, e *entry, req Request, result Result, ok bool, done []func()) []func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	e.running, e.stop, e.revision = false, nil, sources.Revision{}
	if q.ctx == nil {
		return nil
	}
	if !e.known && e.wanted != nil && e.wanted.Trigger != TriggerRemove {
		done = append(done, e.done...)
		e.wanted, e.done = nil, nil // gone from the configuration meanwhile
	}
	retry := false
	switch {
	case result.Condition == Retrying, result.Condition == Errored:
		retry = ok && e.retry == nil && req.Trigger != TriggerHealth // asked again at the next start
	case e.retry != nil: // drift was corrected while a deployment waits for its retry
	case !ok:
		e.attempt = 0
	case result.Condition == Superseded:
		e.superseded++
		e.attempt = 0
		if e.known { // the newer revision is there, whether or not its signal is still to come
			e.wanted = merge(e.wanted, Request{App: e.app, Trigger: TriggerPush})
		}
	default:
		e.attempt = 0
		if result.Condition == Live || result.Condition == Unhealthy {
			e.superseded = 0
		}
	}
	if req.drift && e.known && result.Condition != Live && result.Condition != Unhealthy {
		// What was asked for together with it applied nothing.
		e.wanted = merge(e.wanted, Request{App: e.app, Trigger: TriggerDrift})
	}
	if !result.CheckAt.IsZero() {
		q.examine(name, result.CheckAt)
	}
	removes := req.Trigger == TriggerRemove
	if retry && (e.known || removes) && (e.wanted == nil || e.wanted.Trigger == TriggerDrift) {
		again := req
		if again.drift = false; again.Trigger != TriggerDrift && !removes {
			again.Trigger = TriggerRetry
		}
		e.retry = time.AfterFunc(RetryDelay(e.attempt), func() {
			q.mu.Lock()
			e.retry = nil
			q.mu.Unlock()
			q.Wake(again, nil)
		})
	}
	switch {
	case e.wanted != nil || e.checkDue && e.known:
		q.next(name, e)
	case !e.known && !removes && q.Gone != nil:
		delete(q.entries, name)
		done = append(done, func() { q.Gone(name) })
	case !e.known && e.retry == nil:
		delete(q.entries, name)
	}
	return done
}
