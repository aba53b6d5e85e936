// Package webhook receives GitHub's deliveries and turns them into hints to
// look: a [sources.Signal] each.
//
// The order of events for one delivery: the signature header must have its
// form, or the body is not read; the body is read within its limits of size and
// time; the HMAC over the raw bytes must match, or the body is not parsed; the
// delivery is committed to the ledger; its Signal is emitted; the answer goes
// out. A delivery id that the ledger has already is answered and dropped. What
// concerns no repository or event that rondo follows is answered with 202 and
// the reason, and leaves no trace.
//
// Promises:
//
//   - Nothing from a body is ever fetched, compiled or run. It is compared with
//     what rondo.yaml names, and that is what the Signal carries (threats T13, T14).
//   - An old body sent again, under whatever id, costs one look at the
//     repository and cannot bring an old commit back (T12).
//   - Bodies in flight take at most [Options].MaxBody plus 16 MiB of memory,
//     whatever strangers send (T8).
//
// The [http.Server] in front must set ReadHeaderTimeout; the body's own time
// limit is set here.
//
// # Decisions
//
// A body of up to 64 KiB, as nearly all are, needs one of 256 places. The few
// that are larger share a budget of one body of the largest size. So strangers
// cannot have the memory, and the time of a body takes their places back; who
// holds all 256 open all the time turns deliveries away, which costs no more
// than the wait for the next poll. Spooling to disk was rejected: it needs a
// disk to be filled.
//
// go-github's event types were rejected: they parse hundreds of fields, of
// which five are used, and each is a place to fail on a changed payload.
//
// The texts of the answers are for the person who looks at "Recent deliveries"
// in GitHub's settings.
package webhook
