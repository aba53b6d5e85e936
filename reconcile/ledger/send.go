package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"rondo.dev/rondo/reconcile"
)

// flight holds the messages that this process is sending. A newer one may take
// the place of such a message in the outbox, but waits until it has ended.
type flight struct {
	mu   sync.Mutex
	byID map[int64]reconcile.Message
}

func (f *flight) add(id int64, m reconcile.Message) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.holds(m) {
		return false
	}
	f.byID[id] = m
	return true
}

// holds reports whether a message of m's key is being sent; f is locked.
func (f *flight) holds(m reconcile.Message) bool {
	for _, other := range f.byID {
		if keyOf(other) == keyOf(m) {
			return true
		}
	}
	return false
}

func (f *flight) end(id int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byID, id)
}

func (f *flight) get(id int64) (reconcile.Message, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.byID[id]
	return m, ok
}

func (f *flight) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.byID)
}

// NextMessages are the messages due at now, the longest due first, at most
// limit; none whose key is being sent.
func (l *Ledger) NextMessages(ctx context.Context, now time.Time, limit int) ([]reconcile.Pending, error) {
	due, err := l.waiting(ctx, micros(now), limit)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return due, nil
}

// NextDue is when the next message is due; false when none waits. It may lie in
// the past.
func (l *Ledger) NextDue(ctx context.Context) (time.Time, bool, error) {
	next, err := l.waiting(ctx, 1<<63-1, 1)
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read the outbox: %w", err)
	}
	if len(next) == 0 {
		return time.Time{}, false, nil
	}
	return next[0].Due, true, nil
}

func (l *Ledger) waiting(ctx context.Context, due int64, limit int) ([]reconcile.Pending, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := collect(ctx, l, "next_messages", func(rows *sql.Rows) (reconcile.Pending, error) { return scanPending(rows) },
		`SELECT `+pendingColumns+` FROM outbox WHERE due <= $1 ORDER BY due, id LIMIT $2`, due, limit+l.flight.size())
	if err != nil {
		return nil, err
	}
	l.flight.mu.Lock()
	defer l.flight.mu.Unlock()
	free := rows[:0]
	for _, p := range rows {
		if len(free) < limit && !l.flight.holds(p.Message) {
			free = append(free, p)
		}
	}
	return free, nil
}

// Attempt announces that message id is about to be sent, so that a restart
// knows that it may have been. [ErrNotWaiting] means that it must not be sent.
// Every attempt ends with Sent, Defer or Drop.
func (l *Ledger) Attempt(ctx context.Context, id int64) error {
	took := false
	err := l.lead(ctx, "attempt", func(ctx context.Context, tx *sql.Tx) error {
		p, found, err := find(ctx, tx, `id = $1`, id)
		if err != nil {
			return err
		}
		if !found || !l.flight.add(id, p.Message) {
			return ErrNotWaiting
		}
		took = true
		_, err = tx.ExecContext(ctx, `UPDATE outbox SET attempted = $1, attempts = attempts + 1 WHERE id = $2`, micros(l.now()), id)
		return err
	})
	if err != nil {
		if took {
			l.flight.end(id)
		}
		return fmt.Errorf("attempt message %d: %w", id, err)
	}
	return nil
}

// Sent removes message id and remembers it as the last one sent for its key.
// The receipt is what the forge calls it. A newer message of the key becomes
// free, or vanishes where it says the same.
func (l *Ledger) Sent(ctx context.Context, id int64, receipt string) error {
	return l.end(ctx, "sent", id, func(ctx context.Context, tx *sql.Tx, m reconcile.Message) error {
		k := keyOf(m)
		_, err := tx.ExecContext(ctx, `
			INSERT INTO sent_statuses (kind, repo, hash, context, state, description, receipt, sent)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (kind, repo, hash, context) DO UPDATE SET state = excluded.state,
				description = excluded.description, receipt = excluded.receipt, sent = excluded.sent`,
			k.kind, k.repo, k.hash, k.context, m.State, m.Description, receipt, micros(l.now()))
		if err != nil {
			return err
		}
		newer, found, err := find(ctx, tx, `kind = $1 AND repo = $2 AND hash = $3 AND context = $4 AND id <> $5`,
			k.kind, k.repo, k.hash, k.context, id)
		if err != nil || !found || !same(newer.Message, m) {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM outbox WHERE id = $1`, newer.ID)
		return err
	})
}

// Drop removes message id unsent, for good. The reason is logged; it holds no secret.
func (l *Ledger) Drop(ctx context.Context, id int64, reason string) error {
	var dropped reconcile.Message
	err := l.end(ctx, "drop", id, func(_ context.Context, _ *sql.Tx, m reconcile.Message) error {
		dropped = m
		return nil
	})
	if err == nil {
		l.log.WarnContext(ctx, "message dropped", "app", dropped.App, "object", dropped.Context, "err", reason)
	}
	return err
}

// end removes message id, of which the end is known for certain: a newer one of
// its key starts afresh.
func (l *Ledger) end(ctx context.Context, op string, id int64, also func(context.Context, *sql.Tx, reconcile.Message) error) error {
	freed := false
	err := l.lead(ctx, op, func(ctx context.Context, tx *sql.Tx) error {
		m, flying := l.flight.get(id)
		if !flying {
			p, found, err := find(ctx, tx, `id = $1`, id)
			if err != nil {
				return err
			}
			if !found {
				return errors.New("it is not in the outbox")
			}
			m = p.Message
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE id = $1`, id); err != nil {
			return err
		}
		if err := also(ctx, tx, m); err != nil {
			return err
		}
		k := keyOf(m)
		res, err := tx.ExecContext(ctx, `
			UPDATE outbox SET attempted = 0, attempts = 0, reason = '', due = $5
			WHERE kind = $1 AND repo = $2 AND hash = $3 AND context = $4`, k.kind, k.repo, k.hash, k.context, micros(l.now()))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		freed = n > 0
		return err
	})
	// Also after an error: the row, marked as attempted, is then taken again.
	l.flight.end(id)
	if err != nil {
		return fmt.Errorf("end message %d as %s: %w", id, op, err)
	}
	if freed {
		l.wake()
	}
	return nil
}

// Defer keeps message id, or the newer one in its place, until a time. It stays
// marked as attempted: a request that failed may have arrived all the same.
// The reason holds no secret.
func (l *Ledger) Defer(ctx context.Context, id int64, until time.Time, reason string) error {
	err := l.lead(ctx, "defer", func(ctx context.Context, tx *sql.Tx) error {
		m, flying := l.flight.get(id)
		if !flying {
			p, found, err := find(ctx, tx, `id = $1`, id)
			if err != nil || !found {
				return err
			}
			m = p.Message
		}
		k := keyOf(m)
		_, err := tx.ExecContext(ctx, `UPDATE outbox SET due = $5, reason = $6
			WHERE kind = $1 AND repo = $2 AND hash = $3 AND context = $4`, k.kind, k.repo, k.hash, k.context, micros(until), reason)
		return err
	})
	l.flight.end(id)
	if err != nil {
		return fmt.Errorf("defer message %d: %w", id, err)
	}
	return nil
}
