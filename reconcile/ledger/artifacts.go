package ledger

import (
	"context"
	"database/sql"
	"fmt"

	"rondo.dev/rondo/reconcile"
)

// keptArtifacts are what is being applied and what was before it.
const keptArtifacts = 2

// Artifact stores a, sealed, as the newest of app: instead of the newest so far,
// or besides it. Of the older ones one is kept.
func (l *Ledger) Artifact(ctx context.Context, app string, a reconcile.Artifact, instead bool) error {
	sealed, err := l.seal.seal(app, a)
	if err == nil {
		err = l.lead(ctx, "artifact", func(ctx context.Context, tx *sql.Tx) error {
			id, err := number(ctx, tx, "artifact")
			if err != nil {
				return err
			}
			if instead {
				_, err := tx.ExecContext(ctx, `DELETE FROM artifacts WHERE id = (SELECT MAX(id) FROM artifacts WHERE app = $1)`, app)
				if err != nil {
					return err
				}
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
func (l *Ledger) LoadArtifact(ctx context.Context, app string) (reconcile.Artifact, bool, error) {
	return l.artifact(ctx, app, 1, func(reconcile.Artifact) bool { return true })
}

// LoadApplied gives the kept artifact of app that has an input digest.
func (l *Ledger) LoadApplied(ctx context.Context, app, inputDigest string) (reconcile.Artifact, bool, error) {
	return l.artifact(ctx, app, keptArtifacts, func(a reconcile.Artifact) bool { return a.InputDigest == inputDigest })
}

// artifact is the first of the newest that fits.
func (l *Ledger) artifact(ctx context.Context, app string, newest int, fits func(reconcile.Artifact) bool) (reconcile.Artifact, bool, error) {
	rows, err := collect(ctx, l, "load_artifact", func(rows *sql.Rows) (sealed []byte, err error) {
		return sealed, rows.Scan(&sealed)
	}, `SELECT sealed FROM artifacts WHERE app = $1 ORDER BY id DESC LIMIT $2`, app, newest)
	for _, sealed := range rows {
		var a reconcile.Artifact
		if a, err = l.seal.open(app, sealed); err != nil {
			break
		}
		if fits(a) {
			return a, true, nil
		}
	}
	if err != nil {
		return reconcile.Artifact{}, false, fmt.Errorf("load artifact of %s: %w", app, err)
	}
	return reconcile.Artifact{}, false, nil
}
