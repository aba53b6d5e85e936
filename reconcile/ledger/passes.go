package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"rondo.dev/rondo/reconcile"
)

// minPrefix is the shortest abbreviation of a commit that is looked up, as in git.
const minPrefix = 4

// Begin opens a pass and gives it its number, which is higher than all before.
// r.Pass is not read.
func (l *Ledger) Begin(ctx context.Context, r reconcile.Result) (pass int64, err error) {
	err = l.lead(ctx, "begin", func(ctx context.Context, tx *sql.Tx) (err error) {
		if pass, err = number(ctx, tx, "pass"); err != nil {
			return err
		}
		r.Pass = pass
		return putPass(ctx, tx, r)
	})
	if err != nil {
		return 0, fmt.Errorf("begin a pass of %s: %w", r.App.Name, err)
	}
	return pass, nil
}

// Record stores r, the state of its application, and the messages they give
// rise to: all or nothing. The Paused and Orphaned of s are not stored; they
// have their own methods. A message equal to the one waiting or sent last for
// the same commit and context is left out.
func (l *Ledger) Record(ctx context.Context, r reconcile.Result, s reconcile.State, messages []reconcile.Message) error {
	if r.Pass <= 0 || s.App != r.App.Name {
		return fmt.Errorf("record pass %d of %q: it was not begun, or its state is that of %q", r.Pass, r.App.Name, s.App)
	}
	enqueued := false
	err := l.lead(ctx, "record", func(ctx context.Context, tx *sql.Tx) (err error) {
		if err := putPass(ctx, tx, r); err != nil {
			return err
		}
		if err := putState(ctx, tx, s); err != nil {
			return err
		}
		enqueued, err = l.enqueueAll(ctx, tx, messages)
		return err
	})
	if err != nil {
		return fmt.Errorf("record pass %d of %s: %w", r.Pass, r.App.Name, err)
	}
	if enqueued {
		l.wake()
	}
	return nil
}

// Tell enqueues messages that belong to no pass.
func (l *Ledger) Tell(ctx context.Context, messages []reconcile.Message) error {
	enqueued := false
	err := l.lead(ctx, "tell", func(ctx context.Context, tx *sql.Tx) (err error) {
		enqueued, err = l.enqueueAll(ctx, tx, messages)
		return err
	})
	if err != nil {
		return fmt.Errorf("enqueue messages: %w", err)
	}
	if enqueued {
		l.wake()
	}
	return nil
}

// enqueueAll reports whether any of the messages is news.
func (l *Ledger) enqueueAll(ctx context.Context, tx *sql.Tx, messages []reconcile.Message) (enqueued bool, err error) {
	for _, m := range messages {
		added, err := l.enqueue(ctx, tx, m)
		if err != nil {
			return false, err
		}
		enqueued = enqueued || added
	}
	return enqueued, nil
}

func putPass(ctx context.Context, tx *sql.Tx, r reconcile.Result) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO passes (pass, app, hash, ended, result) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (pass) DO UPDATE SET hash = excluded.hash, ended = excluded.ended, result = excluded.result`,
		r.Pass, r.App.Name, r.Revision.Hash, micros(r.Ended), string(text))
	return err
}

// Passes are the newest passes of app, newest first; of all applications where
// app is empty.
func (l *Ledger) Passes(ctx context.Context, app string, limit int) ([]reconcile.Result, error) {
	if app == "" {
		return l.passes(ctx, "passes", `ORDER BY pass DESC LIMIT $1`, max(limit, 0))
	}
	return l.passes(ctx, "passes", `WHERE app = $1 ORDER BY pass DESC LIMIT $2`, app, max(limit, 0))
}

// Pass is one pass; false when there is none of that number, or none any more.
func (l *Ledger) Pass(ctx context.Context, pass int64) (reconcile.Result, bool, error) {
	found, err := l.passes(ctx, "pass", `WHERE pass = $1`, pass)
	if err != nil || len(found) == 0 {
		return reconcile.Result{}, false, err
	}
	return found[0], true, nil
}

// OpenPasses are the passes that began and did not end, oldest first. After a
// restart they are those that a crash cut short.
func (l *Ledger) OpenPasses(ctx context.Context) ([]reconcile.Result, error) {
	return l.passes(ctx, "open_passes", `WHERE ended = 0 ORDER BY pass`)
}

// FindCommit gives the passes of all commits whose hash begins with prefix, at
// least four hex digits, newest first and not more than limit.
func (l *Ledger) FindCommit(ctx context.Context, prefix string, limit int) ([]reconcile.Result, error) {
	prefix = strings.ToLower(prefix)
	if len(prefix) < minPrefix || strings.Trim(prefix, "0123456789abcdef") != "" {
		return nil, errors.New("find commit: give at least four hex digits of its hash")
	}
	// Hashes are hex, so every one with the prefix sorts before prefix + "g".
	return l.passes(ctx, "find_commit", `WHERE hash >= $1 AND hash < $2 ORDER BY pass DESC LIMIT $3`,
		prefix, prefix+"g", max(limit, 0))
}

func (l *Ledger) passes(ctx context.Context, op, where string, args ...any) ([]reconcile.Result, error) {
	all, err := collect(ctx, l, op, func(rows *sql.Rows) (r reconcile.Result, err error) {
		var text []byte
		if err := rows.Scan(&text); err != nil {
			return r, err
		}
		return r, json.Unmarshal(text, &r)
	}, `SELECT result FROM passes `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read passes: %w", err)
	}
	return all, nil
}
