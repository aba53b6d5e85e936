package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"rondo.dev/rondo/reconcile"
)

// gather keeps the writer busy until n writes wait for it, and lets them go.
func gather(t *testing.T, l *Ledger, n int, start func()) {
	t.Helper()
	conn, err := l.writer.Conn(t.Context())
	must(t, err)
	start()
	for joined := 0; joined < n; {
		if t.Context().Err() != nil {
			t.Fatal("the writes never came")
		}
		l.group.mu.Lock()
		if joined = 0; l.group.next != nil {
			joined = len(l.group.next.jobs)
		}
		l.group.mu.Unlock()
	}
	must(t, conn.Close())
}

func TestWritesThatWaitShareATransaction(t *testing.T) {
	l, _ := fresh(t)
	var g errgroup.Group
	var txs atomic.Pointer[sql.Tx]
	var shared atomic.Int32
	gather(t, l, 20, func() {
		for range 20 {
			g.Go(func() error {
				return l.write(t.Context(), "test", func(_ context.Context, tx *sql.Tx) error {
					if old := txs.Swap(tx); old == tx {
						shared.Add(1)
					}
					return nil
				})
			})
		}
	})
	must(t, g.Wait())
	if got := shared.Load(); got != 19 {
		t.Errorf("%d of 20 writes joined the transaction of the one before, want 19", got)
	}
}

func TestAFailedWriteIsNobodyElses(t *testing.T) {
	l, c := fresh(t)
	broken := errors.New("broken")
	var g errgroup.Group
	var failed error
	gather(t, l, 5, func() {
		for i := range 4 {
			g.Go(func() error {
				_, err := l.Deliver(t.Context(), push(fmt.Sprint(i), c.now()))
				return err
			})
		}
		g.Go(func() error {
			failed = l.write(t.Context(), "test", func(ctx context.Context, tx *sql.Tx) error {
				if _, err := tx.ExecContext(ctx, `DELETE FROM deliveries`); err != nil {
					return err
				}
				return broken
			})
			return nil
		})
	})
	must(t, g.Wait())
	all, err := l.Unhandled(t.Context())
	must(t, err)
	if len(all) != 4 || !errors.Is(failed, broken) {
		t.Errorf("%d of 4 deliveries are there; the broken write says %v", len(all), failed)
	}
}

func TestAWriteWhoseContextEndedIsNotMade(t *testing.T) {
	l, c := fresh(t)
	gone := errors.New("client went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	var g errgroup.Group
	var got error
	gather(t, l, 2, func() {
		started := make(chan struct{})
		g.Go(func() error {
			return l.write(t.Context(), "test", func(context.Context, *sql.Tx) error { return nil })
		})
		for lead := false; !lead; { // the other must not be the one that commits
			l.group.mu.Lock()
			lead = l.group.next != nil
			l.group.mu.Unlock()
		}
		left := make(chan struct{})
		go func() {
			defer close(left)
			close(started)
			_, got = l.Deliver(ctx, push("d1", c.now()))
		}()
		<-started
		g.Go(func() error { <-left; return nil })
		for in := 0; in < 2; {
			l.group.mu.Lock()
			in = len(l.group.next.jobs)
			l.group.mu.Unlock()
		}
		cancel(gone)
		<-left
	})
	must(t, g.Wait())
	all, err := l.Unhandled(t.Context())
	must(t, err)
	if !errors.Is(got, gone) || len(all) != 0 {
		t.Errorf("deliver says %v and %d rows are there; want its cause and none", got, len(all))
	}
	if _, err := l.Deliver(ctx, push("d2", c.now())); !errors.Is(err, gone) {
		t.Errorf("with a context that ended before: %v", err)
	}
}

func TestAWriteThatCommitsForOthersCanEndToo(t *testing.T) {
	l, c := fresh(t)
	gone := errors.New("client went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	var g errgroup.Group
	var got error
	gather(t, l, 2, func() {
		g.Go(func() error {
			_, got = l.Deliver(ctx, push("d1", c.now()))
			return nil
		})
		for lead := false; !lead; {
			l.group.mu.Lock()
			lead = l.group.next != nil
			l.group.mu.Unlock()
		}
		g.Go(func() error {
			_, err := l.Deliver(t.Context(), push("d2", c.now()))
			return err
		})
		cancel(gone)
	})
	must(t, g.Wait())
	all, err := l.Unhandled(t.Context())
	must(t, err)
	if !errors.Is(got, gone) || len(all) != 1 || all[0].ID != "d2" {
		t.Errorf("deliver says %v and there are %v; want its cause and d2 alone", got, all)
	}
}

func TestAFullDiskIsToldAndOvercome(t *testing.T) {
	l, c := fresh(t)
	pages := func(set string) (n int) {
		must(t, l.writer.QueryRow("PRAGMA "+set).Scan(&n))
		return n
	}
	pages(fmt.Sprintf("max_page_count = %d", pages("page_count")))
	huge := status("success", string(make([]byte, 1<<20)))
	r := begin(t, l, result("shop", main1))
	var g errgroup.Group
	var full error
	gather(t, l, 2, func() {
		g.Go(func() error {
			full = l.Record(t.Context(), r, reconcile.State{App: "shop"}, []reconcile.Message{huge})
			return nil
		})
		g.Go(func() error {
			// It shares the lost transaction, so it must not be acknowledged if it is not there.
			_, err := l.Deliver(t.Context(), push("d1", c.now()))
			all, listed := l.Unhandled(t.Context())
			if listed != nil || (err == nil) != (len(all) == 1) {
				return fmt.Errorf("deliver says %v, %d rows are there, %w", err, len(all), listed)
			}
			return nil
		})
	})
	must(t, g.Wait())
	if full == nil || !contains(full, "record pass 1 of shop: the disk is full; free space") {
		t.Errorf("on a full disk: %v", full)
	}
	pages("max_page_count = 1000000")
	must(t, l.Record(t.Context(), r, reconcile.State{App: "shop"}, []reconcile.Message{huge}))
}

func TestManyAtOnce(t *testing.T) {
	l, c := fresh(t)
	const apps, rounds = 8, 10
	g, ctx := errgroup.WithContext(t.Context())
	for a := range apps {
		app := fmt.Sprintf("app-%d", a)
		g.Go(func() error {
			for i := range rounds {
				r := result(app, main1)
				pass, err := l.Begin(ctx, r)
				if err != nil {
					return err
				}
				if _, err := l.Deliver(ctx, push(fmt.Sprint(app, i), c.now())); err != nil {
					return err
				}
				if err := l.Artifact(ctx, app, artifact(secret(app)), false); err != nil {
					return err
				}
				m := status("success", fmt.Sprint(i))
				m.Context = app
				r.Pass, r.Ended = pass, c.now()
				if err := l.Record(ctx, r, reconcile.State{App: app, Pass: pass}, []reconcile.Message{m}); err != nil {
					return err
				}
				if s, err := l.State(ctx, app); err != nil || s.Pass != pass {
					return fmt.Errorf("state of %s is of pass %d, want %d, %w", app, s.Pass, pass, err)
				}
			}
			return nil
		})
	}
	g.Go(func() error { // the sender
		for sent := 0; sent < apps; {
			next, err := l.NextMessages(ctx, c.now(), 3)
			if err != nil {
				return err
			}
			for _, p := range next {
				if err := l.Attempt(ctx, p.ID); errors.Is(err, ErrNotWaiting) {
					continue
				} else if err != nil {
					return err
				}
				if err := l.Sent(ctx, p.ID, "receipt"); err != nil {
					return err
				}
				if p.Message.Description == fmt.Sprint(rounds-1) {
					sent++
				}
			}
		}
		return nil
	})
	must(t, g.Wait())
	all, err := l.Unhandled(t.Context())
	must(t, err)
	if n, err := l.OutboxDepth(t.Context()); err != nil || n != 0 || len(all) != apps*rounds {
		t.Errorf("%d messages and %d deliveries are left, %v; want 0 and %d", n, len(all), err, apps*rounds)
	}
}
