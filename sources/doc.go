// Package sources holds the words for where files come from: a [Repo], a
// [Signal] that something in it may have moved, the [Revision] that a ref has
// now, and the [Snapshot] of the files at that revision.
//
// The order of events is always the same. A webhook or a poll emits a Signal; a
// pass asks the remote what the ref is now and gets a Revision; it fetches what
// is missing and opens a Snapshot, reads from it, and closes it. Nothing after
// the Signal trusts what the Signal said.
//
// The package imports the standard library alone, so that every other package
// can speak these words without carrying a git implementation.
//
// # Decisions
//
// A Snapshot is an interface, the only one among the words: a commit in a bare
// mirror and a folder given to "rondo lint" are read by the same code, and
// neither is ever unpacked to disk. Work trees were rejected: they are slower,
// follow links, and need cleaning up after a crash.
package sources
