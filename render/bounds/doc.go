// Package bounds refuses YAML that is too much, or is none, before anything is
// built from it.
//
// [Text] looks at raw bytes, [Tree] at what a parser made of them, with every
// alias counted as often as it would be expanded and none expanded; [Syntax]
// says in words of our own why a parser refused a text. Manifests, overlays and
// plain objects all pass here first (threats T6, T7).
//
// # Decisions
//
// The words of the YAML library are never shown: they are about grammar, name the
// line where a structure began rather than where it broke, and may repeat content.
package bounds
