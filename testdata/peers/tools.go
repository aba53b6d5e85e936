//go:build tools

// Package peers pins the programs that rondo is measured against: the two controllers of Flux that do what rondo does.
// Nothing imports it: it is there so that its go.mod and go.sum say exactly which programs "make bench-peers" builds and
// runs. v1.9.3 of both is the newest pair that Go 1.26 builds: v1.10 wants Go 1.27, and v1.9.4 to v1.9.6 of
// source-controller want a version of github.com/fluxcd/pkg/artifact that could not be had.
package peers

import (
	_ "github.com/fluxcd/kustomize-controller"
	_ "github.com/fluxcd/source-controller"
)
