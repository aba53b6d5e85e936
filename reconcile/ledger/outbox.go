package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"rondo.dev/rondo/reconcile"
)

// key is what a status is to the forge: a newer one hides the older.
type key struct{ kind, repo, hash, context string }

func keyOf(m reconcile.Message) key { return key{m.Kind, m.Repo.URL, m.Commit, m.Context} }

func same(a, b reconcile.Message) bool {
	return keyOf(a) == keyOf(b) && a.State == b.State && a.Description == b.Description
}

// enqueue puts m in the place of its key, unless the world knows it already.
// The due time and the attempts stay with the key: a newer message must not
// break off the pause that the forge asked for.
func (l *Ledger) enqueue(ctx context.Context, tx *sql.Tx, m reconcile.Message) (added bool, err error) {
	k := keyOf(m)
	waiting, isWaiting, err := find(ctx, tx, `kind = $1 AND repo = $2 AND hash = $3 AND context = $4`, k.kind, k.repo, k.hash, k.context)
	if err != nil || isWaiting && same(waiting.Message, m) {
		return false, err
	}
	sent := m
	err = tx.QueryRowContext(ctx, `SELECT state, description FROM sent_statuses
		WHERE kind = $1 AND repo = $2 AND hash = $3 AND context = $4`, k.kind, k.repo, k.hash, k.context).Scan(&sent.State, &sent.Description)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return false, err
	case !same(sent, m):
	case !isWaiting:
		return false, nil
	case waiting.Attempted.IsZero():
		// Back to what the forge shows, before it was told otherwise.
		_, err := tx.ExecContext(ctx, `DELETE FROM outbox WHERE id = $1`, waiting.ID)
		return false, err
	}
	id, err := number(ctx, tx, "message")
	if err != nil {
		return false, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return false, fmt.Errorf("encode message: %w", err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO outbox (kind, repo, hash, context, id, message, due) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (kind, repo, hash, context) DO UPDATE SET id = excluded.id, message = excluded.message`,
		k.kind, k.repo, k.hash, k.context, id, string(text), micros(l.now()))
	return err == nil, err
}

const pendingColumns = `id, message, attempts, attempted, due, reason`

func scanPending(row interface{ Scan(...any) error }) (p reconcile.Pending, err error) {
	var text []byte
	var attempted, due int64
	if err := row.Scan(&p.ID, &text, &p.Attempts, &attempted, &due, &p.Reason); err != nil {
		return p, err
	}
	p.Attempted, p.Due = fromMicros(attempted), fromMicros(due)
	return p, json.Unmarshal(text, &p.Message)
}

func find(ctx context.Context, tx *sql.Tx, where string, args ...any) (p reconcile.Pending, found bool, err error) {
	p, err = scanPending(tx.QueryRowContext(ctx, `SELECT `+pendingColumns+` FROM outbox WHERE `+where, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return reconcile.Pending{}, false, nil
	}
	return p, err == nil, err
}

// OutboxReady receives after messages were enqueued, or became free to be sent,
// and once after Open. Several such events may come as one.
func (l *Ledger) OutboxReady() <-chan struct{} { return l.ready }

func (l *Ledger) wake() {
	select {
	case l.ready <- struct{}{}:
	default: // the one that waits there says the same
	}
}

// OutboxDepth is how many messages wait, those being sent included.
func (l *Ledger) OutboxDepth(ctx context.Context) (n int, err error) {
	err = l.read(ctx, "outbox_depth", func(ctx context.Context, db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT COUNT(*) FROM outbox`).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count the outbox: %w", err)
	}
	return n, nil
}
