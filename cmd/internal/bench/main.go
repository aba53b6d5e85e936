// Command bench measures the figures that rondo promises, on a real API server
// with played nodes and a real git server, and exits with 1 when one misses its
// bar. The daemon runs in a process of its own, so that its CPU and memory are
// nobody else's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var o options
	flag.IntVar(&o.apps, "apps", 100, "applications of 5 objects")
	flag.DurationVar(&o.quiet, "quiet", time.Minute, "how long the quiet daemon is watched")
	flag.IntVar(&o.refs, "refs", 50_000, "refs of the wide repository")
	flag.IntVar(&o.megabytes, "megabytes", 1024, "size of the large repository, in MiB; 0 leaves it out")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report := &report{out: os.Stdout}
	if err := run(ctx, o, report); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if report.missed > 0 {
		fmt.Printf("%d of %d bars missed\n", report.missed, report.bars)
		os.Exit(1)
	}
	fmt.Printf("all %d bars reached\n", report.bars)
}

type options struct {
	apps, refs, megabytes int
	quiet                 time.Duration
}

func run(ctx context.Context, o options, r *report) (err error) {
	dir, err := os.MkdirTemp("", "rondo-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := measureGit(ctx, o, dir, r); err != nil {
		return fmt.Errorf("git: %w", err)
	}
	if err := measureDaemon(ctx, o, dir, r); err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	return nil
}
