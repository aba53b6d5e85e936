// Package probe asks an application's public addresses whether they answer,
// once a deployment is healthy (spec 5.1.1).
//
// The addresses come from a repository, so what is asked is bounded: no
// credentials, cookies or proxy, no more redirects than the manifest allows,
// and no address that only this machine or its cloud's metadata service would
// answer (threats T14). What an answer's body says is not read.
//
// # Decisions
//
// Where a name leads is decided when the connection is made, not when the name
// is looked up: a name that answers differently the second time, and a redirect,
// pass the same gate. Private networks are allowed, since clusters are in them.
package probe
