// Package githubtest plays api.github.com on a loopback port, for tests and for
// "make demo".
//
// The [Server] answers the few calls that rondo makes and no others: create and
// list commit statuses, find an App's installation, exchange it for a token. It
// checks every request, and every regular answer of its own, against GitHub's
// published API description, so that a field which GitHub would refuse is
// refused here. Beyond the description it enforces what GitHub enforces in
// code: 140 characters of description, http(s) target addresses, 1000 statuses
// per commit and context, signed and unexpired tokens of Apps.
//
// A [Fault] makes it misbehave as the real one does at times: rate limits,
// server errors, calls that hang, and calls that are carried out while their
// receipt is lost.
//
// [Deliveries] are webhook deliveries that GitHub recorded. Both they and the
// API description come from GitHub's own npm packages; [Fetch] keeps the two
// files in a cache outside the tree.
//
// # Decisions
//
// "npm pack" and reading one file out of the archive, not "npm install": the
// package of the API description unpacks to 600 MB, of which 13 MB are read.
// The files are pinned by version and by SHA-256.
//
// Only the served paths of the description are loaded, with what they refer
// to. That takes 0.3 s instead of 2.5 s in each test process.
//
// Answering from recorded traffic alone was rejected: a recording cannot tell
// that a request has become invalid.
package githubtest
