package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"rondo.dev/rondo/sources"
)

// Delivery is what is kept of a webhook call: enough for its Signal, nothing of
// its body.
type Delivery struct {
	ID          string // the forge's; never empty
	Forge       string // "github"
	Event       string // "push"
	Repo        sources.Repo
	Ref         string    // short; may be empty
	PullRequest int       // 0: none
	Received    time.Time // zero: when it is stored
}

// Signal is the hint that d gave.
func (d Delivery) Signal() sources.Signal {
	return sources.Signal{Repo: d.Repo, Ref: d.Ref, PullRequest: d.PullRequest, Delivery: d.ID}
}

// Deliver stores d. It is not fresh when the same id was handled already or is
// waiting to be; after [Ledger.Failed] the same id is fresh again (threats T12).
func (l *Ledger) Deliver(ctx context.Context, d Delivery) (fresh bool, err error) {
	if d.ID == "" {
		return false, errors.New("store delivery: it has no id")
	}
	if d.Received.IsZero() {
		d.Received = l.now()
	}
	err = l.write(ctx, "deliver", func(ctx context.Context, tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
			INSERT INTO deliveries (id, forge, event, repo, ref, pull_request, received, status)
			VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending')
			ON CONFLICT (id) DO UPDATE SET forge = excluded.forge, event = excluded.event, repo = excluded.repo,
				ref = excluded.ref, pull_request = excluded.pull_request, received = excluded.received, status = 'pending'
			WHERE deliveries.status = 'failed'`,
			d.ID, d.Forge, d.Event, d.Repo.URL, d.Ref, d.PullRequest, micros(d.Received))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		fresh = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store delivery %q: %w", d.ID, err)
	}
	return fresh, nil
}

// Handled ends deliveries: what they hinted at was looked at. Unknown ids are
// left alone.
func (l *Ledger) Handled(ctx context.Context, ids ...string) error {
	return l.endDeliveries(ctx, "handled", ids)
}

// Failed ends deliveries whose look came to nothing, by a fault of the
// surroundings: the forge may deliver them again.
func (l *Ledger) Failed(ctx context.Context, ids ...string) error {
	return l.endDeliveries(ctx, "failed", ids)
}

func (l *Ledger) endDeliveries(ctx context.Context, status string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	err := l.write(ctx, status, func(ctx context.Context, tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET status = $1 WHERE id = $2`, status, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark %d deliveries %s: %w", len(ids), status, err)
	}
	return nil
}

// Unhandled are the deliveries that were acknowledged and neither handled nor
// failed, oldest first: what a restart has to look at.
func (l *Ledger) Unhandled(ctx context.Context) ([]Delivery, error) {
	all, err := collect(ctx, l, "unhandled", func(rows *sql.Rows) (d Delivery, err error) {
		var received int64
		err = rows.Scan(&d.ID, &d.Forge, &d.Event, &d.Repo.URL, &d.Ref, &d.PullRequest, &received)
		d.Received = fromMicros(received)
		return d, err
	}, `SELECT id, forge, event, repo, ref, pull_request, received FROM deliveries
		WHERE status = 'pending' ORDER BY received, id`)
	if err != nil {
		return nil, fmt.Errorf("list unhandled deliveries: %w", err)
	}
	return all, nil
}
