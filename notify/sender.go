package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rondo.dev/rondo/reconcile"
)

// SenderOptions of [NewSender]. Outbox and Channels must be set.
type SenderOptions struct {
	Outbox   Outbox
	Channels map[string]Channel // by kind of message

	Parallel    int           // commits told at the same time; 0: 8
	SendTimeout time.Duration // of one message; 0: 30 s
	FirstDelay  time.Duration // before the second attempt, doubling after; 0: 1 s
	MaxDelay    time.Duration // 0: 5 min; also how long a refused credential rests
	Grace       time.Duration // how long messages being sent may take after ctx ends; 0: 5 s
	Now         func() time.Time
	Logger      *slog.Logger
	Registerer  prometheus.Registerer // nil: not measured
}

// Sender empties the outbox.
type Sender struct {
	o       SenderOptions
	metrics *metrics
	pauses  pauses
}

// NewSender fills in the defaults of o.
func NewSender(o SenderOptions) (*Sender, error) {
	if o.Outbox == nil || len(o.Channels) == 0 {
		return nil, errors.New("notify: Outbox and Channels must be set")
	}
	setDefault(&o.Parallel, 8)
	setDefault(&o.SendTimeout, 30*time.Second)
	setDefault(&o.FirstDelay, time.Second)
	setDefault(&o.MaxDelay, 5*time.Minute)
	setDefault(&o.Grace, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	return &Sender{o: o, metrics: m, pauses: pauses{until: make(map[string]time.Time)}}, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// commit is what messages are told in turn about.
type commit struct{ repo, hash string }

// told is the report of one worker. failed means that the outbox gave an error.
type told struct {
	commit commit
	failed bool
}

// Run sends until ctx ends, then waits for what is being sent, at most for the
// time of Grace. What it gave up on stays in the outbox. It returns nil.
func (s *Sender) Run(ctx context.Context) error {
	// What is being sent when ctx ends is finished, within the grace.
	sending, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	busy := make(map[commit]int) // messages in the hands of a worker
	done := make(chan told)
	faults := 0 // errors of the outbox in a row
	for {
		wake := s.o.FirstDelay
		if faults < 3 {
			next, err := s.start(ctx, sending, busy, done)
			switch {
			case err == nil:
				wake = next
			case ctx.Err() == nil:
				s.o.Logger.Error("outbox cannot be read", "err", err)
			}
		} else {
			faults = 0 // no hot loop around a sick ledger
		}
		timer := time.NewTimer(wake)
		select {
		case <-ctx.Done():
			timer.Stop()
			s.drain(busy, done, stop)
			return nil
		case t := <-done:
			delete(busy, t.commit)
			if t.failed {
				faults++
			} else {
				faults = 0
			}
		case <-s.o.Outbox.OutboxReady():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// drain waits for the workers.
func (s *Sender) drain(busy map[commit]int, done <-chan told, stop context.CancelCauseFunc) {
	grace := time.AfterFunc(s.o.Grace, func() {
		stop(fmt.Errorf("the daemon stopped, %s were not enough", s.o.Grace))
	})
	defer grace.Stop()
	for len(busy) > 0 {
		delete(busy, (<-done).commit)
	}
}

// start hands what is due to workers, one for each commit, and tells how long
// nothing else can be due.
func (s *Sender) start(ctx, sending context.Context, busy map[commit]int, done chan<- told) (time.Duration, error) {
	if len(busy) >= s.o.Parallel {
		return s.o.MaxDelay, nil // a worker's end wakes the loop
	}
	limit := 8 * s.o.Parallel
	for _, n := range busy {
		limit += n // they may be returned again
	}
	now := s.o.Now()
	due, err := s.o.Outbox.NextMessages(ctx, now, limit)
	if err != nil {
		return 0, err
	}
	turns := make(map[commit][]reconcile.Pending)
	var order []commit
	for _, p := range due {
		c := commit{p.Message.Repo.URL, p.Message.Commit}
		if busy[c] > 0 {
			continue
		}
		if turns[c] == nil {
			order = append(order, c)
		}
		turns[c] = append(turns[c], p)
	}
	for _, c := range order {
		if len(busy) >= s.o.Parallel {
			return s.o.MaxDelay, nil
		}
		busy[c] = len(turns[c])
		go func() { done <- told{c, s.tell(ctx, sending, turns[c])} }()
	}
	next, waiting, err := s.o.Outbox.NextDue(ctx)
	if err != nil || !waiting {
		return s.o.MaxDelay, err
	}
	if !next.After(now) {
		return s.o.MaxDelay, nil // it is in the hands of a worker, whose end wakes the loop
	}
	return min(next.Sub(now), s.o.MaxDelay), nil
}

// tell sends messages about one commit in turn.
func (s *Sender) tell(ctx, sending context.Context, turn []reconcile.Pending) (failed bool) {
	for _, p := range turn {
		if ctx.Err() != nil {
			return failed
		}
		if err := s.one(sending, p); err != nil {
			// Seldom more than a newer message that took this one's place.
			s.o.Logger.Debug("message not taken from the outbox", "object", p.Message.Context, "err", err)
			failed = true
		}
	}
	return failed
}
