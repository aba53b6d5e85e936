package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// retainBatch bounds the rows that one transaction removes, so that deliveries
// never wait long behind it.
const retainBatch = 500

const day = 24 * time.Hour

// Policy says how long things are kept. Each zero means its default. What is
// still open, pending or unsent is always kept.
type Policy struct {
	Deliveries time.Duration // age; default 30 days: as long as ids are deduplicated
	Passes     int           // of each application, the newest; default 200
	Removed    time.Duration // age of passes of deleted applications; default 30 days
	Statuses   time.Duration // age of what was sent last for a key; default 90 days
	Audit      time.Duration // age; default 365 days
}

// Retain removes what p does not keep, in batches with room for other writes
// between them. On an error removed counts what went before.
func (l *Ledger) Retain(ctx context.Context, p Policy) (removed int, err error) {
	if p.Deliveries < 0 || p.Passes < 0 || p.Removed < 0 || p.Statuses < 0 || p.Audit < 0 {
		return 0, errors.New("retain: the policy has a negative limit")
	}
	before := func(age, otherwise time.Duration) int64 { return micros(l.now().Add(-cmp.Or(age, otherwise))) }
	keep := cmp.Or(p.Passes, 200)
	apps, err := collect(ctx, l, "retain", func(rows *sql.Rows) (app string, err error) { return app, rows.Scan(&app) },
		`SELECT app FROM passes GROUP BY app HAVING COUNT(*) > $1`, keep)
	if err != nil {
		return 0, fmt.Errorf("retain passes: %w", err)
	}
	type step struct {
		table, id, where string
		args             []any
	}
	steps := []step{
		{"deliveries", "id", `status <> 'pending' AND received < $1`, []any{before(p.Deliveries, 30*day)}},
		{"passes", "pass", `ended > 0 AND ended < $1 AND app NOT IN (SELECT app FROM states)`, []any{before(p.Removed, 30*day)}},
		{"sent_statuses", "sent", `sent < $1`, []any{before(p.Statuses, 90*day)}},
		{"audit", "id", `at < $1`, []any{before(p.Audit, 365*day)}},
	}
	for _, app := range apps {
		steps = append(steps, step{"passes", "pass",
			`app = $1 AND ended > 0 AND pass <= (SELECT pass FROM passes WHERE app = $1 ORDER BY pass DESC LIMIT 1 OFFSET $2)`, []any{app, keep}})
	}
	for _, s := range steps {
		statement := fmt.Sprintf(`DELETE FROM %s WHERE %s IN (SELECT %s FROM %s WHERE %s LIMIT %d)`,
			s.table, s.id, s.id, s.table, s.where, retainBatch)
		for more := true; more; {
			var n int64
			err := l.write(ctx, "retain", func(ctx context.Context, tx *sql.Tx) error {
				res, err := tx.ExecContext(ctx, statement, s.args...)
				if err != nil {
					return err
				}
				n, err = res.RowsAffected()
				return err
			})
			if err != nil {
				return removed, fmt.Errorf("retain %s: %w", s.table, err)
			}
			removed += int(n)
			more = n >= retainBatch
		}
	}
	return removed, nil
}
