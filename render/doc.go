// Package render holds the words for what an application should be: the
// [Object]s to apply, each with its origin in the user's files, the [Bundle]
// they form, and the [Problem]s found on the way.
//
// [Render] is a pure function of its [Input]: the files of one revision, an
// environment, images and [Facts]. A [Builder] turns the user's files into raw
// objects; Render then gives every object its namespace and labels, checks that
// it may be there, sorts all into apply order and makes the digests. The same
// input gives the same bytes on every run and every machine.
//
// # Decisions
//
// Objects are untyped maps, not the structs of k8s.io/api. A server-side apply
// must hold the fields that somebody wrote and no others; typed structs add
// zero values such as "creationTimestamp: null" and "status: {}", and a field
// that a struct does not know would be lost in silence.
//
// A Builder is handed in by cmd, so this package knows neither the manifest
// language nor kustomize, and reconcile can speak of Bundles without them.
package render
