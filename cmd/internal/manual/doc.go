// Package manual holds tests, and no code: that what is written for people and
// for Helm says what the program does. It compares docs/, README.md and
// charts/rondo with the code, and installs the chart on a real API server.
//
// # Decisions
//
// The tests live here and not beside what they test, because Go lets nobody
// outside cmd import cmd/internal/config, which is the truth about rondo.yaml.
//
// The tables of the manual are written by hand and compared, not generated:
// what a key is for has to be told in words of the reader, not in those of a
// struct's comment.
package manual
