// Command hello is what the tests put into an image where rondo itself would take minutes to build.
package main

import "os"

var version string

func main() { os.Stdout.WriteString("hello " + version + "\n") }
