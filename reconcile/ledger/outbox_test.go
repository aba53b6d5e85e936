package ledger

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"rondo.dev/rondo/reconcile"
)

// post is a ledger with one begun pass of shop, to which messages are recorded.
type post struct {
	*Ledger
	*clock
	t testing.TB
	r reconcile.Result
}

func newPost(t testing.TB) *post {
	l, c := fresh(t)
	<-l.OutboxReady() // the one after Open
	return &post{l, c, t, begin(t, l, result("shop", main1))}
}

func (p *post) record(ms ...reconcile.Message) {
	p.t.Helper()
	must(p.t, p.Record(p.t.Context(), p.r, reconcile.State{App: "shop"}, ms))
}

func (p *post) now() time.Time { return p.clock.now() }

// due prints what is due as "state description" joined by commas.
func (p *post) due() string {
	p.t.Helper()
	next, err := p.NextMessages(p.t.Context(), p.now(), 10)
	must(p.t, err)
	var all []string
	for _, n := range next {
		all = append(all, n.Message.State+" "+n.Message.Description)
	}
	return strings.Join(all, ", ")
}

func (p *post) first() reconcile.Pending {
	p.t.Helper()
	next, err := p.NextMessages(p.t.Context(), p.now(), 1)
	must(p.t, err)
	if len(next) != 1 {
		p.t.Fatalf("%d messages are due, want 1", len(next))
	}
	return next[0]
}

func (p *post) attempt() int64 {
	p.t.Helper()
	id := p.first().ID
	must(p.t, p.Attempt(p.t.Context(), id))
	return id
}

func (p *post) sent(id int64) { p.t.Helper(); must(p.t, p.Sent(p.t.Context(), id, "receipt")) }

func (p *post) ready() bool {
	select {
	case <-p.OutboxReady():
		return true
	default:
		return false
	}
}

func TestTheOutboxHoldsWhatTheWorldDoesNotKnowYet(t *testing.T) {
	pending, success, failure := status("pending", "applying"), status("success", "live"), status("failure", "web failed")
	for name, tc := range map[string]struct {
		do   func(p *post)
		want string
	}{
		"a message waits": {func(p *post) { p.record(pending) }, "pending applying"},
		"a newer one takes the place of an older one": {func(p *post) {
			p.record(pending)
			p.record(success)
		}, "success live"},
		"of one record the last counts": {func(p *post) { p.record(pending, success) }, "success live"},
		"an equal one changes nothing": {func(p *post) {
			p.record(pending)
			id := p.first().ID
			p.record(pending)
			must(p.t, p.Attempt(p.t.Context(), id)) // still the same
			must(p.t, p.Defer(p.t.Context(), id, p.now(), ""))
		}, "pending applying"},
		"other contexts, commits, repositories and kinds are apart": {func(p *post) {
			others := []reconcile.Message{pending, pending, pending, pending}
			others[0].Context, others[1].Commit, others[2].Repo.URL, others[3].Kind = "rondo/shop/production/score", main2.Hash, "https://github.com/acme/blog", "comment"
			p.record(append(others, success)...)
		}, "pending applying, pending applying, pending applying, pending applying, success live"},
		"what was sent last is not sent again": {func(p *post) {
			p.record(success)
			p.sent(p.attempt())
			again := success
			again.Pass, again.TargetURL = 2, "https://rondo.example.org/deployments/2"
			p.record(again)
		}, ""},
		"what was sent before the last is sent again": {func(p *post) {
			p.record(success)
			p.sent(p.attempt())
			p.record(failure)
			p.sent(p.attempt())
			p.record(success)
		}, "success live"},
		"back to what was sent before anything else went out is nothing": {func(p *post) {
			p.record(success)
			p.sent(p.attempt())
			p.record(pending)
			p.record(success)
		}, ""},
		"back to what was sent after something else may have gone out is sent": {func(p *post) {
			p.record(success)
			p.sent(p.attempt())
			p.record(pending)
			must(p.t, p.Defer(p.t.Context(), p.attempt(), p.now(), "timeout"))
			p.record(success)
		}, "success live"},
		"while one is sent the next of its key waits": {func(p *post) {
			p.record(pending)
			p.attempt()
			p.record(success)
		}, ""},
		"after it was sent the next is due": {func(p *post) {
			p.record(pending)
			id := p.attempt()
			p.record(success)
			p.sent(id)
		}, "success live"},
		"after it was sent the next is nothing if it says the same": {func(p *post) {
			p.record(pending)
			id := p.attempt()
			p.record(success)
			p.record(pending)
			p.sent(id)
		}, ""},
		"a deferred one is not due": {func(p *post) {
			p.record(pending)
			must(p.t, p.Defer(p.t.Context(), p.attempt(), p.now().Add(time.Minute), "502"))
		}, ""},
		"a deferred one is due when its time has come": {func(p *post) {
			p.record(pending)
			must(p.t, p.Defer(p.t.Context(), p.attempt(), p.now().Add(time.Minute), "502"))
			p.advance(time.Minute)
		}, "pending applying"},
		"a newer one does not break off the pause of the older": {func(p *post) {
			p.record(pending)
			must(p.t, p.Defer(p.t.Context(), p.attempt(), p.now().Add(time.Minute), "429"))
			p.record(success)
		}, ""},
		"nor does one that came while the older was sent": {func(p *post) {
			p.record(pending)
			id := p.attempt()
			p.record(success)
			must(p.t, p.Defer(p.t.Context(), id, p.now().Add(time.Minute), "429"))
		}, ""},
		"a dropped one is gone": {func(p *post) {
			p.record(pending)
			must(p.t, p.Drop(p.t.Context(), p.attempt(), "422"))
		}, ""},
		"a dropped one can be asked for again": {func(p *post) {
			p.record(pending)
			must(p.t, p.Drop(p.t.Context(), p.attempt(), "422"))
			p.record(pending)
		}, "pending applying"},
		"the longest due comes first": {func(p *post) {
			p.record(pending)
			p.advance(time.Second)
			score := status("success", "B")
			score.Context = "rondo/shop/production/score"
			p.record(score)
			p.record(success) // keeps the time of pending
		}, "success live, success B"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			tc.do(p)
			if got := p.due(); got != tc.want {
				t.Errorf("due: %q, want %q", got, tc.want)
			}
		})
	}
}

func TestAMessageIsTakenOnce(t *testing.T) {
	p := newPost(t)
	p.record(status("pending", "applying"))
	id := p.attempt()
	if err := p.Attempt(t.Context(), id); !errors.Is(err, ErrNotWaiting) {
		t.Errorf("second attempt while it is sent: %v", err)
	}
	p.sent(id)
	if err := p.Attempt(t.Context(), id); !errors.Is(err, ErrNotWaiting) {
		t.Errorf("attempt after it was sent: %v", err)
	}
	if err := p.Sent(t.Context(), id, "receipt"); err == nil {
		t.Error("it was sent twice")
	}
	p.record(status("success", "live"))
	old := p.first().ID
	p.record(status("failure", "web failed"))
	if err := p.Attempt(t.Context(), old); !errors.Is(err, ErrNotWaiting) {
		t.Errorf("attempt after a newer one took its place: %v", err)
	}
}

func TestAnAttemptIsRememberedUntilItsEndIsCertain(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(p *post, id int64)
		want bool
	}{
		"a crash":                  {func(p *post, id int64) {}, true},
		"a deferral":               {func(p *post, id int64) { must(p.t, p.Defer(p.t.Context(), id, p.now(), "timeout")) }, true},
		"a newer message, a crash": {func(p *post, _ int64) { p.record(status("failure", "web failed")) }, true},
		"a newer message, sent": {func(p *post, id int64) {
			p.record(status("failure", "web failed"))
			p.sent(id)
		}, false},
		"a newer message, dropped": {func(p *post, id int64) {
			p.record(status("failure", "web failed"))
			must(p.t, p.Drop(p.t.Context(), id, "422"))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.record(status("pending", "applying"))
			if n := p.first(); !n.Attempted.IsZero() || n.Attempts != 0 {
				t.Fatalf("before any attempt: %+v", n)
			}
			tc.do(p, p.attempt())
			p.flight.byID = map[int64]reconcile.Message{} // what a restart forgets
			n := p.first()
			if got := !n.Attempted.IsZero(); got != tc.want || (n.Attempts == 1) != tc.want {
				t.Errorf("attempted is %t after %d attempts, want %t", got, n.Attempts, tc.want)
			}
			p.sent(n.ID) // also without an attempt: the forge was found to show it
			if n, err := p.OutboxDepth(t.Context()); err != nil || n != 0 {
				t.Errorf("%d messages are left, %v", n, err)
			}
		})
	}
}

func TestTheOutboxWakesTheSender(t *testing.T) {
	o, c := options(t)
	l, err := Open(t.Context(), o)
	must(t, err)
	p := &post{l, c, t, begin(t, l, result("shop", main1))}
	if !p.ready() {
		t.Error("not ready after Open: what a former process left would wait")
	}
	p.record()
	if p.ready() {
		t.Error("ready after a record without messages")
	}
	p.record(status("pending", "applying"))
	if !p.ready() {
		t.Error("not ready after a message")
	}
	p.record(status("pending", "applying"))
	if p.ready() {
		t.Error("ready after an unchanged message")
	}
	id := p.attempt()
	p.record(status("success", "live"))
	p.ready()
	p.sent(id)
	if !p.ready() {
		t.Error("not ready after the older message made room")
	}
	must(t, l.Close())
	if l := open(t, o); len(l.OutboxReady()) != 1 {
		t.Error("not ready after a restart")
	}
}

func TestNextDueIsTheTimeToSleepUntil(t *testing.T) {
	p := newPost(t)
	if _, some, err := p.NextDue(t.Context()); some || err != nil {
		t.Errorf("of an empty outbox: %t, %v", some, err)
	}
	p.record(status("pending", "applying"))
	id := p.attempt()
	if _, some, err := p.NextDue(t.Context()); some || err != nil {
		t.Errorf("while the only one is sent: %t, %v", some, err)
	}
	until := p.now().Add(time.Hour)
	must(t, p.Defer(t.Context(), id, until, "403: rate limit"))
	if due, some, err := p.NextDue(t.Context()); !some || err != nil || !due.Equal(until) {
		t.Errorf("of a deferred one: %v, %t, %v; want %v", due, some, err, until)
	}
	p.advance(time.Hour)
	if n := p.first(); n.Reason != "403: rate limit" || n.Attempts != 1 {
		t.Errorf("deferred message is %+v", n)
	}
}

func TestADropIsLogged(t *testing.T) {
	var text bytes.Buffer
	p := newPost(t)
	p.log = slog.New(slog.NewTextHandler(&text, nil))
	p.record(status("pending", "applying"))
	must(t, p.Drop(t.Context(), p.attempt(), "commit unknown"))
	for _, want := range []string{"app=shop", "object=rondo/shop/production/deploy", `err="commit unknown"`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, &text)
		}
	}
}
