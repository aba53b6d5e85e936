// Package reconcile makes a cluster look like a commit.
//
// A pass starts from a [sources.Revision], never from what an event said:
// whatever woke the [Queue], the pass asks the remote what the ref is now,
// fetches it, renders it, plans, applies, waits for health, scores, and records
// one [Result]. All it decides is in its Result; notify and the ledger read
// that and decide nothing.
//
// With a new revision a pass is a deployment; without one it corrects drift
// from the stored artifact; with an empty bundle it removes an application
// whose removal was confirmed. It is one code path, so there is one prune.
//
// Passes of one application never overlap. A newer revision cancels the older
// pass with [ErrSuperseded], which is not a failure; writing that has begun is
// finished first.
//
// What the loop holds after a pass (design 3.5) is its [Condition]: the live
// bundle when live, the failed revision's bundle as applied when health failed,
// the last applied bundle when rendering, planning or validation failed.
package reconcile
