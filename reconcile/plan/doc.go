// Package plan computes what a pass would change: the objects of a Bundle
// against what was applied before ([Inventory]) and what lives in the cluster
// ([Live]) give a [Plan], an ordered list of [Change]s. It computes and never
// fetches; a change that is not in a Plan cannot happen.
//
// The order of a Plan is the order of applying: stages and waves as the Bundle
// has them, prunes last and in reverse. A Plan that would delete too much is
// held (design 7): it says why and carries what it would have done.
//
// # Decisions
//
// "Unchanged" is decided by digests: an object whose digest is the one of the
// inventory and that did not drift is neither read nor written. The cost of a
// pass follows from what changed, not from the size of the application.
//
// A diff compares the fields that were written, never whole objects: what the
// API server fills in is no drift. Whether a field is missing or just has its
// zero value, which is not stored, is told by who owns it, and so is a value
// that somebody took and set to what it was.
//
// Lists are merged by a small table of names instead of the cluster's OpenAPI
// description, which would have to be fetched and kept. Where the table is
// wrong a diff is told for the whole list; nothing else depends on it.
//
// What must be known and was not read holds the plan. The other choice, to take
// it for absent, creates over what others made.
package plan
