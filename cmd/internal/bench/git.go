package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/gittest"
)

// measureGit measures looks and fetches without a cluster.
func measureGit(ctx context.Context, o options, dir string, r *report) error {
	served := filepath.Join(dir, "git")
	if err := os.Mkdir(served, 0o700); err != nil {
		return err
	}
	server, err := gittest.Start(served)
	if err != nil {
		return err
	}
	defer server.Close()
	store, err := git.New(git.Options{Dir: filepath.Join(dir, "git-mirrors")})
	if err != nil {
		return err
	}
	defer store.Close()

	wide, err := server.Create("bench/wide")
	if err != nil {
		return err
	}
	hash, err := wide.Write(map[string]string{"manifest.yml": "services: {}\n"})
	if err != nil {
		return err
	}
	refs := make(map[string]string, o.refs)
	for i := range o.refs {
		refs[fmt.Sprintf("refs/heads/branch-%06d", i)] = hash
	}
	wide.AddRefs(refs)
	repo, err := sources.ParseRepo(wide.URL())
	if err != nil {
		return err
	}
	if _, err := store.Resolve(ctx, repo, "main"); err != nil { // learns the protocol
		return err
	}
	before, start := server.Traffic(), time.Now()
	const looks = 20
	for range looks {
		if _, err := store.Resolve(ctx, repo, "main"); err != nil {
			return err
		}
	}
	cost := server.Traffic().Sub(before)
	r.bar(fmt.Sprintf("no-op poll, %d refs: bytes both ways", o.refs), float64(cost.Received+cost.Sent)/looks, 2048, "B")
	r.figure("no-op poll: time", fmt.Sprintf("%.1f ms", ms(time.Since(start)/looks)))

	if o.megabytes == 0 {
		return nil
	}
	large, err := server.Create("bench/large")
	if err != nil {
		return err
	}
	// What the server spends on compressing random bytes is not measured here.
	large.Git("config", "core.compression", "0")
	large.Git("config", "pack.window", "0")
	var last string
	for done := 0; done < o.megabytes; done += 64 {
		files := map[string]string{}
		for i := range min(64, o.megabytes-done) {
			blob := make([]byte, 1<<20)
			if _, err := rand.Read(blob); err != nil {
				return err
			}
			files[fmt.Sprintf("blobs/%05d", done+i)] = string(blob)
		}
		if last, err = large.Write(files); err != nil {
			return err
		}
	}
	if repo, err = sources.ParseRepo(large.URL()); err != nil {
		return err
	}
	fetch := func(name, hash string) error {
		before, start := server.Traffic(), time.Now()
		snapshot, err := store.Open(ctx, repo, sources.Revision{Ref: "main", Hash: hash})
		if err != nil {
			return err
		}
		took, cost := time.Since(start), server.Traffic().Sub(before)
		r.figure(name, fmt.Sprintf("%.2f s, %.1f MiB", took.Seconds(), float64(cost.Sent)/(1<<20)))
		return snapshot.Close()
	}
	if err := fetch(fmt.Sprintf("first fetch of %d MiB", o.megabytes), last); err != nil {
		return err
	}
	if last, err = large.Write(map[string]string{"manifest.yml": "services: {}\n"}); err != nil {
		return err
	}
	if err := fetch("fetch of one small commit on top", last); err != nil {
		return err
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	r.figure("heap after the fetches", fmt.Sprintf("%.1f MiB", float64(m.HeapAlloc)/(1<<20)))
	return nil
}
