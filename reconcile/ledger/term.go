package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"rondo.dev/rondo/reconcile"
)

// Lead begins a term: from now on the loop's writes by every other Ledger of
// the same store, in this process or another, are refused with
// [reconcile.ErrFenced]. One on which Lead was never called is not refused.
//
// The Lease says who is active; the term holds for a daemon that has not yet
// noticed that it no longer is, because it was stopped or cut off.
func (l *Ledger) Lead(ctx context.Context) error {
	var term int64
	err := l.write(ctx, "lead", func(ctx context.Context, tx *sql.Tx) (err error) {
		term, err = number(ctx, tx, "term")
		return err
	})
	if err != nil {
		return fmt.Errorf("begin a term: %w", err)
	}
	l.term.Store(term)
	return nil
}

// lead is write for what only the active daemon may write.
func (l *Ledger) lead(ctx context.Context, op string, do func(ctx context.Context, tx *sql.Tx) error) error {
	return l.write(ctx, op, func(ctx context.Context, tx *sql.Tx) error {
		mine := l.term.Load()
		if mine == 0 {
			return do(ctx, tx)
		}
		var term int64
		if err := tx.QueryRowContext(ctx, `SELECT value FROM counters WHERE name = 'term'`).Scan(&term); err != nil {
			return err
		}
		if term != mine {
			return reconcile.ErrFenced
		}
		return do(ctx, tx)
	})
}
