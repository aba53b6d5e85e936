// Package ledger remembers what must outlive the process: deliveries before
// they are acknowledged, passes and the state they left, the sealed artifacts
// the loop holds applications at, the messages still to be sent, and who asked
// for what.
//
// The order of events. A webhook calls [Ledger.Deliver] and answers once the row
// is committed; what was delivered and not marked with [Ledger.Handled] comes
// back from [Ledger.Unhandled] after a restart. A pass opens with
// [Ledger.Begin], stores what it is about to apply with [Ledger.Artifact], and
// calls [Ledger.Record] as it goes: Result, State and messages in one
// transaction. The sender wakes on [Ledger.OutboxReady], takes
// [Ledger.NextMessages], announces each with [Ledger.Attempt] and ends it with
// [Ledger.Sent], [Ledger.Defer] or [Ledger.Drop].
//
// Promises:
//
//   - A method that writes returns nil only after its rows are on disk
//     (WAL, synchronous=FULL); kill -9 at any point loses nothing acknowledged.
//   - A write whose context ends is either not made, or made and reported as such.
//   - The outbox holds one message per repository, commit and context, the
//     newest; one equal to what was sent last is not kept.
//   - Results hold no secret. Artifacts do, and are sealed: gzip, then
//     XChaCha20-Poly1305 bound to the application's name.
//
// # Decisions
//
// Writes are committed in groups: whoever comes while the disk is busy shares
// the next transaction, each behind a savepoint of its own so that one failure
// is nobody else's. There is no writer goroutine to start or stop; the first of
// a group does the work. One connection writes, a few read, so SQLite never
// answers "busy" within a process.
//
// One set of statements and one set of migrations serve SQLite now and
// PostgreSQL later: $n placeholders, ON CONFLICT, RETURNING, partial indexes,
// numbers from a table of counters instead of autoincrement. All were tried on
// PostgreSQL 15. SQLite-only wording (WITHOUT ROWID, INSERT OR REPLACE) was
// rejected for that.
//
// Pause and orphan flags have columns of their own which Record never writes,
// so a person's pause cannot be lost to a pass that read the state before it.
//
// Several daemons may share a ledger: any takes deliveries, the active one does
// the rest. [Ledger.Lead] numbers the terms of the active ones, and each write
// of the loop looks at the number in its own transaction, so that a former
// leader can spoil nothing. To ask the Lease instead was rejected: its answer
// is old by the time of the write.
//
// An attempt to send is remembered in memory as well as on disk: the disk says
// after a crash that a message may have been sent, the memory keeps a newer
// message of the same key back until the older has ended.
//
// A ledger belongs to one key. [Open] refuses another, because the artifacts of
// a ledger whose key is lost cannot be read again, and starting without them
// would look like a fresh installation. Keys are not rotated yet.
package ledger
