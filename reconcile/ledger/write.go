package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"
)

// maxBatch bounds how long one transaction can take.
const maxBatch = 256

// group holds the batch that still gathers.
type group struct {
	mu   sync.Mutex
	next *batch // nil: nobody waits
}

// batch is a number of writes that share one transaction.
type batch struct {
	jobs  []*job
	taken bool // by its transaction: jobs can neither join nor leave any more
	done  chan struct{}
}

type job struct {
	do  func(ctx context.Context, tx *sql.Tx) error // nil: its caller left
	err error
}

// write runs do in a transaction and returns when that is committed. The
// transaction may be shared with others; an error of do undoes do alone.
//
// When ctx ends before the transaction has begun, nothing is written. After
// that ctx has no say: a caller must know whether its row is there.
func (l *Ledger) write(ctx context.Context, op string, do func(ctx context.Context, tx *sql.Tx) error) (err error) {
	defer l.metrics.observe(op, time.Now(), &err)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	j := &job{do: do}
	l.group.mu.Lock()
	b := l.group.next
	first := b == nil || len(b.jobs) == maxBatch
	if first {
		b = &batch{done: make(chan struct{})}
		l.group.next = b
	}
	b.jobs = append(b.jobs, j)
	l.group.mu.Unlock()

	if first {
		l.commit(ctx, b)
		return j.err
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		l.group.mu.Lock()
		left := !b.taken
		if left {
			j.do = nil
		}
		l.group.mu.Unlock()
		if left {
			return context.Cause(ctx)
		}
		<-b.done
	}
	return j.err
}

// commit waits for the writing connection, which is when others join, and then
// writes for all. ctx is that of the first job.
func (l *Ledger) commit(ctx context.Context, b *batch) {
	defer close(b.done)
	// The others did not ask for this context's deadline.
	shared := context.WithoutCancel(ctx)
	tx, err := l.writer.BeginTx(shared, nil)
	l.group.mu.Lock()
	b.taken = true
	if l.group.next == b {
		l.group.next = nil
	}
	l.group.mu.Unlock()
	if first := b.jobs[0]; ctx.Err() != nil {
		first.do, first.err = nil, context.Cause(ctx)
	}
	if err == nil {
		if err = run(shared, tx, b.jobs); err == nil {
			err = tx.Commit()
		} else {
			_ = tx.Rollback() // err says why; SQLite may have rolled back by itself
		}
	}
	if err == nil {
		return
	}
	for _, j := range b.jobs {
		if j.err == nil {
			j.err = explain(err)
		}
	}
}

// run does all jobs, each behind a savepoint. Its error means that the whole
// transaction is lost, as after a full disk.
func run(ctx context.Context, tx *sql.Tx, jobs []*job) error {
	for _, j := range jobs {
		if j.do == nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, "SAVEPOINT job"); err != nil {
			return err
		}
		if j.err = explain(j.do(ctx, tx)); j.err != nil {
			if _, err := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT job"); err != nil {
				return j.err
			}
		}
		if _, err := tx.ExecContext(ctx, "RELEASE SAVEPOINT job"); err != nil {
			return err
		}
	}
	return nil
}

// read runs do against the reading connections.
func (l *Ledger) read(ctx context.Context, op string, do func(ctx context.Context, db *sql.DB) error) (err error) {
	defer l.metrics.observe(op, time.Now(), &err)
	return explain(do(ctx, l.reader))
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, l *Ledger, op string, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	var all []T
	err := l.read(ctx, op, func(ctx context.Context, db *sql.DB) error {
		rows, err := db.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // rows.Err has told
		for rows.Next() {
			one, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, err
}

// number gives the next number of a counter.
func number(ctx context.Context, tx *sql.Tx, counter string) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value`, counter).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", counter, err)
	}
	return n, nil
}
