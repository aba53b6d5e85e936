package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"rondo.dev/rondo/reconcile"
)

// State is what is known of app; zero for an application never seen.
func (l *Ledger) State(ctx context.Context, app string) (reconcile.State, error) {
	found, err := l.states(ctx, "state", `WHERE app = $1`, app)
	if err != nil || len(found) == 0 {
		return reconcile.State{}, err
	}
	return found[0], nil
}

// States are those of all applications, by name.
func (l *Ledger) States(ctx context.Context) ([]reconcile.State, error) {
	return l.states(ctx, "states", `ORDER BY app`)
}

func (l *Ledger) states(ctx context.Context, op, where string, args ...any) ([]reconcile.State, error) {
	all, err := collect(ctx, l, op, func(rows *sql.Rows) (s reconcile.State, err error) {
		var text []byte
		var by string
		var since int64
		var orphaned bool
		if err := rows.Scan(&text, &by, &since, &orphaned); err != nil {
			return s, err
		}
		err = json.Unmarshal(text, &s)
		s.Orphaned = orphaned
		if since != 0 {
			s.Paused = &reconcile.Pause{By: by, Since: fromMicros(since)}
		}
		return s, err
	}, `SELECT state, paused_by, paused_since, orphaned FROM states `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read states: %w", err)
	}
	return all, nil
}

// putState stores all of s but the flags.
func putState(ctx context.Context, tx *sql.Tx, s reconcile.State) error {
	text, err := encodeState(s)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO states (app, state) VALUES ($1, $2)
		ON CONFLICT (app) DO UPDATE SET state = excluded.state`, s.App, text)
	return err
}

func encodeState(s reconcile.State) (string, error) {
	s.Paused, s.Orphaned = nil, false
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode state: %w", err)
	}
	return string(text), nil
}

// SetPaused sets or, with nil, ends the pause of app, which need not have been
// seen yet. A pause without a time begins now.
func (l *Ledger) SetPaused(ctx context.Context, app string, p *reconcile.Pause) error {
	var by string
	var since int64
	if p != nil {
		by, since = p.By, micros(p.Since)
		if since == 0 {
			since = micros(l.now())
		}
	}
	empty, err := encodeState(reconcile.State{App: app})
	if err == nil {
		err = l.exec(ctx, "set_paused", `
			INSERT INTO states (app, state, paused_by, paused_since) VALUES ($1, $2, $3, $4)
			ON CONFLICT (app) DO UPDATE SET paused_by = excluded.paused_by, paused_since = excluded.paused_since`,
			app, empty, by, since)
	}
	if err != nil {
		return fmt.Errorf("set the pause of %s: %w", app, err)
	}
	return nil
}

// SetOrphaned says whether app is gone from the configuration. For an
// application never seen there is nothing to orphan.
func (l *Ledger) SetOrphaned(ctx context.Context, app string, orphaned bool) error {
	err := l.exec(ctx, "set_orphaned", `UPDATE states SET orphaned = $1 WHERE app = $2`, orphaned, app)
	if err != nil {
		return fmt.Errorf("orphan %s: %w", app, err)
	}
	return nil
}

// Delete forgets the state and the artifacts of app. Its passes stay until
// [Ledger.Retain] removes them, and its messages are still sent.
func (l *Ledger) Delete(ctx context.Context, app string) error {
	err := l.lead(ctx, "delete", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM artifacts WHERE app = $1`, app); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM states WHERE app = $1`, app)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", app, err)
	}
	return nil
}

// exec is a write of one statement.
func (l *Ledger) exec(ctx context.Context, op, statement string, args ...any) error {
	return l.write(ctx, op, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement, args...)
		return err
	})
}
