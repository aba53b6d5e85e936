package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Entry is one line of the audit: who did what to which application.
type Entry struct {
	ID     int64     `json:"id"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	What   string    `json:"what"`          // "pause"
	App    string    `json:"app,omitempty"` // empty: no application in particular
	Detail string    `json:"detail,omitempty"`
}

// Audit stores that who did what, now. The detail holds no secret.
func (l *Ledger) Audit(ctx context.Context, who, what, app, detail string) error {
	err := l.write(ctx, "audit", func(ctx context.Context, tx *sql.Tx) error {
		id, err := number(ctx, tx, "audit")
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO audit (id, at, who, what, app, detail) VALUES ($1, $2, $3, $4, $5, $6)`,
			id, micros(l.now()), who, what, app, detail)
		return err
	})
	if err != nil {
		return fmt.Errorf("audit %s: %w", what, err)
	}
	return nil
}

// Audited are the newest entries of app, newest first; all where app is empty.
func (l *Ledger) Audited(ctx context.Context, app string, limit int) ([]Entry, error) {
	all, err := collect(ctx, l, "audited", func(rows *sql.Rows) (e Entry, err error) {
		var at int64
		err = rows.Scan(&e.ID, &at, &e.Who, &e.What, &e.App, &e.Detail)
		e.At = fromMicros(at)
		return e, err
	}, `SELECT id, at, who, what, app, detail FROM audit WHERE $1 = '' OR app = $1 ORDER BY id DESC LIMIT $2`, app, max(limit, 0))
	if err != nil {
		return nil, fmt.Errorf("read the audit: %w", err)
	}
	return all, nil
}
