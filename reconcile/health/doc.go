// Package health says how live objects are: [Of] judges one object, [Pods] the
// pods of a workload, and [Summarize] makes a [Report] of many, with one
// sentence for all.
//
// A status is that of kstatus, the library of the field, where it has an
// opinion that suits a deployment; the sentences are our own and name numbers
// ("1 of 2 pods available"). They never hold a value of the object: what a
// container printed or was given as environment stays where it is.
//
// The package is pure; times are told.
//
// # Decisions
//
// Only what runs is waited for. An Ingress, a Service, a claim or a budget is
// current at once: whether it gets an address, a volume or its pods depends on
// parts that a cluster may not have, or on the workload that is judged anyway.
//
// A Job counts as current when it has completed, not while it runs as in
// kstatus: what waits for a deployment waits for its Jobs.
package health
