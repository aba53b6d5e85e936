// Package config reads rondo.yaml, the daemon's own file.
//
// It is strict: an unknown key, a wrong type and a value outside its range are
// errors with file and line, and all of them come at once. What concerns one
// application only makes that application invalid; the others proceed, so one
// bad interval does not stop a thousand deployments. Everything else makes the
// whole file bad, and a bad new file leaves the old one in force.
//
// # Decisions
//
// The YAML tree is walked against the struct's own tags instead of being
// decoded by the library: only so does every error know its line, and an
// unknown key its nearest neighbour.
//
// Secrets are never in the file. Every one of them is a path to a file that
// holds it, which is what Kubernetes Secrets look like inside a pod.
//
// Keys of parts that do not exist yet are refused, not ignored.
package config
