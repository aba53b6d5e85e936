package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/sources"
)

// one sends p and records how that ended. The error is the outbox's.
func (s *Sender) one(ctx context.Context, p reconcile.Pending) error {
	m := p.Message
	keep := context.WithoutCancel(ctx) // what happened is recorded, whatever ends
	channel := s.o.Channels[m.Kind]
	if channel == nil {
		s.metrics.messages.WithLabelValues("dropped").Inc()
		return s.o.Outbox.Drop(keep, p.ID, fmt.Sprintf("no channel carries messages of the kind %q", m.Kind))
	}
	if until := s.pauses.of(m); until.After(s.o.Now()) {
		return s.o.Outbox.Defer(keep, p.ID, s.jittered(until), "waits with others of its owner")
	}
	if err := s.o.Outbox.Attempt(keep, p.ID); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.SendTimeout, fmt.Errorf("not sent in %s", s.o.SendTimeout))
	defer cancel()
	if !p.Attempted.IsZero() {
		// It may have arrived without our knowing; equal statuses are not
		// dropped by GitHub (design 4).
		receipt, same, err := channel.Shown(ctx, m)
		if err != nil {
			return s.unsent(keep, p, err)
		}
		if same {
			s.metrics.messages.WithLabelValues("already_shown").Inc()
			return s.o.Outbox.Sent(keep, p.ID, receipt)
		}
	}
	receipt, err := channel.Send(ctx, m)
	if err != nil {
		return s.unsent(keep, p, err)
	}
	s.metrics.messages.WithLabelValues("sent").Inc()
	s.o.Logger.Debug("message sent", "app", m.App, "object", m.Context, "took", s.o.Now().Sub(p.Due))
	return s.o.Outbox.Sent(keep, p.ID, receipt)
}

// refusals is after how many a message is dropped. One is too few: a commit that
// was pushed this second may be unknown to the machine that is asked.
const refusals = 3

// maxWait bounds what a receiver, or a proxy before it, can ask for: GitHub's
// longest window is an hour, and nothing should silence an owner for years.
const maxWait = 6 * time.Hour

// unsent is the one place where an error decides what becomes of a message.
func (s *Sender) unsent(ctx context.Context, p reconcile.Pending, err error) error {
	log := s.o.Logger.With("app", p.Message.App, "object", p.Message.Context, "err", err)
	var wait *WaitError
	var refused *RefusedError
	until := s.o.Now().Add(s.delay(p.Attempts))
	switch {
	case errors.As(err, &refused) && p.Attempts+1 < refusals:
		log.Warn("message will be retried", "attempt", p.Attempts+1)
	case errors.As(err, &refused):
		s.metrics.messages.WithLabelValues("dropped").Inc()
		return s.o.Outbox.Drop(ctx, p.ID, err.Error())
	case errors.As(err, &wait):
		if wait.Until.After(until) {
			until = wait.Until
		}
		if most := s.o.Now().Add(maxWait); until.After(most) {
			until = most
		}
		if s.pauses.pause(owner(p.Message.Repo), until, s.o.Now()) {
			log.Warn("messages wait for the receiver's limit", "until", until.UTC().Format(time.RFC3339))
		}
	case errors.Is(err, sources.ErrAuth):
		until = s.o.Now().Add(s.o.MaxDelay)
		if s.pauses.pause(p.Message.Repo.URL, until, s.o.Now()) {
			log.Error("credentials for messages are refused")
		}
	default:
		log.Warn("message will be retried", "attempt", p.Attempts+1)
	}
	s.metrics.messages.WithLabelValues("deferred").Inc()
	return s.o.Outbox.Defer(ctx, p.ID, s.jittered(until), err.Error())
}

// delay doubles from FirstDelay to MaxDelay.
func (s *Sender) delay(attempts int) time.Duration {
	delay := s.o.FirstDelay
	for range min(attempts, 32) {
		delay = min(2*delay, s.o.MaxDelay)
	}
	return delay
}

// jittered moves t later by up to half of its distance, at most ten seconds, so
// that messages which failed together do not come back together.
func (s *Sender) jittered(t time.Time) time.Time {
	spread := min(t.Sub(s.o.Now())/2, 10*time.Second)
	if spread <= 0 {
		return t
	}
	return t.Add(rand.N(spread))
}

// owner is the address of a repository without its name: what rate limits count.
func owner(repo sources.Repo) string {
	u, err := url.Parse(repo.URL)
	if err != nil {
		return repo.URL
	}
	name, _, _ := strings.Cut(repo.FullName(), "/")
	return u.Host + "/" + name
}
