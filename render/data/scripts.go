package data

import "embed"

//go:embed scripts
var files embed.FS

// script is the text of an embedded file; a test reads each of them.
func script(name string) string {
	b, _ := files.ReadFile("scripts/" + name)
	return string(b)
}
