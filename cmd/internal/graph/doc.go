// Package graph holds tests of the tree as a whole, and no code: who imports
// whom, which versions of dependencies are too old, and what no file may say.
//
// Each package of rondo has one row in a table of what else of rondo it may
// import, and each big dependency one row with its homes. A new package fails
// the test until it has a row, so that the shape of the program is changed on
// purpose or not at all.
//
// # Decisions
//
// The rules are about what is compiled into programs. Test files may import
// what they like but cmd, because a test of a whole pass needs a cluster, a git
// server and everything between them.
//
// The go command is asked once for all tests; it also knows the version of each
// module that is linked in, which go.mod does not say of those it leaves out.
package graph
