// Package sops opens files that are encrypted with SOPS for an age key of the
// operator. It runs the program rondo-sops for each file, hands it the file and
// the key on standard input, and takes the values from its standard output: they
// are nowhere but in the memory of the two processes.
//
// # Decisions
//
// The library is linked into a program of its own, which is a module of its own.
// It knows the key services of three clouds, and links their clients: some 340
// packages for something that is asked for age alone. The daemon would start
// slower, and a tenant's file could name a key service for it to call.
//
// The program gets no environment: there the library would look for keys.
package sops
