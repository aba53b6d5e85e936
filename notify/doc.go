// Package notify tells the world what a pass did: it turns a [reconcile.Result]
// into messages, and carries them to where they can be seen.
//
// [Messages] is pure and decides which statuses a commit gets, with which state
// and which words. They go into the ledger's outbox in the same transaction as
// the Result. The [Sender] takes them from there: it announces an attempt, sends
// through the [Channel] of the message's kind, and strikes the message out once
// there is a receipt. What cannot be sent now is put off, for as long as the
// receiver asks or a delay that doubles; what can never be sent is dropped, with
// the reason in the log.
//
// Promises:
//
//   - A message is lost only if its receiver refuses it for good.
//   - Messages of one repository, commit and context arrive in order; the
//     outbox keeps the newest of them only.
//   - After a crash between sending and striking out, what the receiver shows
//     is read first, so that nothing is told twice.
//   - Descriptions are one line of at most 140 characters that stands alone.
//
// # Decisions
//
// Which commit a status belongs to and what an unchanged one is, is decided
// here and in the outbox; channels only carry. So a second forge is one more
// channel and not one more set of rules.
//
// "pending" says the same words until the pass ends: a status per stage would
// be five calls for what the deployment page shows anyway. A pass that retries
// says so once and keeps quiet until it ends.
//
// A rate limit pauses all repositories of one owner, because that is what the
// limit counts; a refused credential only the repository, because an App can be
// missing from one.
//
// A paused application leaves "deploy" pending: the commit is neither live nor
// at fault, and nothing else would keep a required context waiting.
package notify
