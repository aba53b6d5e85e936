# rondo: what can be made, and nothing else; the longer recipes are in testdata/make.sh.
#
# Every target makes its own surroundings: what it builds once goes to the cache
# (RONDO_CACHE, else "rondo" in the user's cache folder), and a missing Debian
# package is installed when root asks, else named.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Version control is asked here, once, and not by each go build: a checkout that belongs to another user makes that fail.
export GOFLAGS ?= -buildvcs=false
# As the released binaries are built: nothing is compiled twice, and no C compiler is needed.
export CGO_ENABLED ?= 0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

ONCE     ?=#     1: the demo ends after its last scene
ARGS     ?=#     more arguments for demo, bench, bench-peers and image
FUZZTIME ?= 10s# for each fuzz target

run := testdata/make.sh

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## show it on a cluster of its own; ONCE=1 ends by itself; KUBECONFIG=FILE takes your cluster
	@$(run) need git npm
	@go run ./cmd/demo $(if $(ONCE),--once) $(ARGS)

.PHONY: test
test: ## every test, on a real control plane, a real git server and real databases
	@$(run) need git npm postgresql redis-server
	@$(run) test

.PHONY: check
check: ## format, vet, staticcheck, the import graph, an unchanged tree
	@$(run) need git
	@$(run) check

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME=10s
	@$(run) need git npm
	@$(run) fuzz $(FUZZTIME)

.PHONY: soak
soak: ## the long form of the tests: hours of fuzzing, kills and reloads
	@$(run) need git npm postgresql redis-server gcc libc6-dev
	@RONDO_SOAK=1 go test -count=1 -p 1 -timeout 6h ./...
	@RONDO_SOAK=1 CGO_ENABLED=1 go test -count=1 -race -run TestT29 ./cmd/internal/daemon
	@$(run) fuzz 10m

.PHONY: bench
bench: ## measure against the bars of the design; exit 1 above one
	@$(run) need git npm
	@go run ./cmd/internal/bench $(ARGS)

.PHONY: bench-peers
bench-peers: ## the same repositories with rondo and with Flux, side by side; exit 1 above a bar
	@$(run) need git
	@go run ./cmd/internal/bench peers $(ARGS)

.PHONY: build
build: ## bin/rondo and, for files encrypted with SOPS, bin/rondo-sops: static binaries
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/rondo ./cmd/rondo
	CGO_ENABLED=0 go -C cmd/rondo-sops build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o ../../bin/rondo-sops .

.PHONY: image
image: ## dist/image (OCI layout) and dist/rondo.tar (docker load), made without Docker
	@$(run) need git ca-certificates
	@go run ./cmd/internal/image --version "$(VERSION)" $(ARGS)

.PHONY: vuln
vuln: ## govulncheck, where its database can be reached
	go run golang.org/x/vuln/cmd/govulncheck@latest ./...

.PHONY: clean
clean: ## remove bin and dist; the cache stays
	rm -rf bin dist
