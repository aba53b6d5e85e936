package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateTries and migratePause bound how often and how soon migrate looks again.
const (
	migrateTries = 4
	migratePause = 50 * time.Millisecond
)

// migrate brings the tables up to date. Two processes may do so at once, as in
// a rolling update: the one that came second finds the file locked or the
// tables there, fails, and looks again.
func migrate(ctx context.Context, db *sql.DB, log *slog.Logger) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("load migrations: %w", err)
	}
	for tries := 1; ; tries++ {
		done, err := p.Up(ctx)
		if err == nil {
			if len(done) > 0 {
				log.InfoContext(ctx, "ledger migrated", "migrations", len(done))
			}
			break
		}
		if tries == migrateTries {
			return fmt.Errorf("migrate: %w", err)
		}
		select {
		case <-time.After(migratePause):
		case <-ctx.Done():
			return fmt.Errorf("migrate: %w", errors.Join(err, context.Cause(ctx)))
		}
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if have > known {
		return fmt.Errorf("its schema %d is of a newer rondo than this, which knows %d; run the newer one", have, known)
	}
	return nil
}
