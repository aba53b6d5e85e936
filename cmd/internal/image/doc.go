// Command image makes the container image of rondo, without Docker.
//
// It compiles rondo and rondo-sops for each platform, puts them beside the certificates
// that the first needs to trust GitHub, and writes all as an OCI image layout
// (dist/image) and as an archive for "docker load" (dist/rondo.tar). With --push
// it also sends the image to a registry, as whom "docker login" left behind.
//
// The image holds three files and the folders that rondo writes to. It runs as
// user 65532. There is no shell in it, nor anything else that could be run.
//
// # Decisions
//
// The same source gives the same digest: paths and build ids are left out of
// the binary, and every time in the image is SOURCE_DATE_EPOCH, else that of the
// commit. So anybody can check what we published by building it again.
//
// Certificates are those of the machine that builds. A Go package with a copy of
// them was rejected: it would age in go.mod, where nobody looks for it.
package main
