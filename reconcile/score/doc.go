// Package score grades an application: [Compute] turns what was rendered and
// what was seen in the cluster into a [Score], five metrics from A to F with
// the checks that made them, each with its reason and its fix.
//
// The rubric is section 6 of the manifest reference. This is its first cut,
// published as [Version] with the list of checks in [Checks]: a metric none of
// whose checks ran is "not judged" and does not count. A change of method
// changes the version, so that it never looks like a change of the application.
//
// The package is pure. The same [Input] gives the same Score, in the same order.
//
// # Decisions
//
// Checks read objects, not the manifest: an application that is rendered by
// something else is judged by the same rules.
//
// CONN-09 wants a time series and ten minutes of grace. Crashes that are
// visible are reported at once; without any, the check passes. Waiting would
// hide the one thing a developer wants to know after a push.
package score
