package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"rondo.dev/rondo/reconcile"
)

// keptArtifacts are what is being applied and what was before it.
const keptArtifacts = 2

// Artifact stores a, sealed, as the newest of app; of the older ones one is kept.
func (l *Ledger) Artifact(ctx context.Context, app string, a reconcile.Artifact) error {
	sealed, err := l.seal.seal(app, a)
	if err == nil {
		err = l.write(ctx, "artifact", func(ctx context.Context, tx *sql.Tx) error {
			id, err := number(ctx, tx, "artifact")
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO artifacts (id, app, sealed) VALUES ($1, $2, $3)`, id, app, sealed); err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `
				DELETE FROM artifacts WHERE app = $1 AND id NOT IN (
					SELECT id FROM artifacts WHERE app = $1 ORDER BY id DESC LIMIT $2)`, app, keptArtifacts)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("store artifact of %s: %w", app, err)
	}
	return nil
}

// LoadArtifact gives the newest artifact of app; false when there is none. One
// that does not open is an error, never an absence.
func (l *Ledger) LoadArtifact(ctx context.Context, app string) (a reconcile.Artifact, found bool, err error) {
	var sealed []byte
	err = l.read(ctx, "load_artifact", func(ctx context.Context, db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT sealed FROM artifacts WHERE app = $1 ORDER BY id DESC LIMIT 1`, app).Scan(&sealed)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	if err == nil {
		a, err = l.seal.open(app, sealed)
	}
	if err != nil {
		return reconcile.Artifact{}, false, fmt.Errorf("load artifact of %s: %w", app, err)
	}
	return a, true, nil
}
