package ledger

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// ErrKey says that the key is not the one the ledger was sealed with.
var ErrKey = errors.New("the ledger was sealed with another key")

// ErrNotWaiting says that a message of the outbox cannot be taken: a newer one
// took its place, it has ended, or its key is being sent. It is no fault; take
// the next.
var ErrNotWaiting = errors.New("message is not waiting")

// explain puts in front of SQLite's own words what an operator can do about
// them. Codes: https://www.sqlite.org/rescode.html.
func explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	var what string
	switch e.Code() & 0xff { // the rest is detail
	case sqlite3.SQLITE_FULL:
		what = "the disk is full; free space where the ledger is"
	case sqlite3.SQLITE_READONLY:
		what = "the file or its folder is read-only; make both writable for rondo"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		what = "the file or its folder cannot be opened; check owner and mode"
	case sqlite3.SQLITE_IOERR:
		what = "the disk failed to read or write"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		what = "the file is damaged or no ledger; restore it from a backup"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		what = "another process keeps the file locked"
	default:
		return err
	}
	var done *explained
	if errors.As(err, &done) {
		return err
	}
	return &explained{what: what, err: err}
}

type explained struct {
	what string
	err  error
}

func (e *explained) Error() string { return fmt.Sprintf("%s: %s", e.what, e.err) }
func (e *explained) Unwrap() error { return e.err }
