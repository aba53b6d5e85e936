// Package cluster is rondo's hand in Kubernetes: the only writer, and the only
// user of client-go.
//
// A pass calls [Cluster.Live] to learn what was applied and what became of it,
// [Cluster.Apply] to carry out a plan, and [Cluster.Wait] until what was applied
// is healthy. Between passes [Cluster.Run] watches: an object that is no longer
// as it was applied is reported through Options.OnDrift, within milliseconds of
// the API server's event and without a request.
//
// # Two identities
//
// rondo's own identity watches metadata and health of objects that bear the
// label rondo.dev/app, holds a Lease, and makes the namespace, account and role
// binding of a target. [OwnCalls] is the table of all it may do. Every other
// call, reads of content and all writes of objects and inventories included,
// impersonates the application's ServiceAccount. There is one function that
// gives out a client for each, and all of them share one connection pool.
//
// # Inventory
//
// One ConfigMap per application holds what was applied: identities, digests and
// marks, gzipped, with an HMAC. A pass that writes anything claims it first, by
// resourceVersion, so that a daemon that lost its Lease cannot write: the claim
// announces the objects that are about to be created, hence no crash leaves an
// object that nobody knows of. A bad HMAC makes the inventory broken: nothing is
// pruned then. Beyond 900 KiB the content goes to further ConfigMaps, whose names
// hold a hash of what is in them, so that none is ever overwritten.
//
// # Drift
//
// A mark is taken from the answer to each apply: UID, generation,
// resourceVersion, a hash of fieldsV1 and time of our entry in managedFields, and
// a keyed hash of the values that our fields have. Events are compared with it.
// When the hash of the fields differs, or a listed manager (kubectl) has fields,
// somebody changed the object. When only the generation moved (resourceVersion,
// where a kind has none), one impersonated GET compares the values. An event that
// is not newer than the mark is our own.
//
// # Promises
//
//   - A read that fails is an error, never an empty answer: nothing is deleted
//     on account of it (threats T30).
//   - Apply deletes nothing but what the plan prunes or recreates, each with the
//     UID of the object that the plan was computed from.
//   - Writing that has begun is finished when the caller's context ends; what
//     was written is in the inventory, whatever failed.
//   - No error text holds a value out of an object (threats T4, T24).
//
// # Decisions
//
//   - Own stores instead of shared informers: client-go's reflector feeds a map
//     of small structs. An informer would keep each object a second time.
//   - Metadata watches need the RBAC verb list, and RBAC cannot tell metadata from
//     content. So rondo's own role could read ConfigMaps; Secrets it cannot, which
//     is why they are looked at by the application's identity every ten minutes.
//     A kind that rondo may not watch is treated like Secrets.
//   - No read before a create: SSA has no "must not exist". What keeps one
//     application from taking another's object between Live and Apply is a
//     reservation of the identity in memory, which is enough because one daemon
//     is active at a time; for kinds that are not watched it is one metadata GET.
//   - A patch with a resourceVersion instead of an update for the inventory, so
//     that a person's annotations on it (rondo.dev/reconcile: paused) stay.
//   - No bodies in memory: the hash of the values tells whether anything of ours
//     changed; the pass reads the few objects that did.
package cluster
