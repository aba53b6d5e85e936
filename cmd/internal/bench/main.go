// Command bench measures the figures that rondo promises, on a real API server
// with played nodes and a real git server, and exits with 1 when one misses its
// bar. The daemon runs in a process of its own, so that its CPU and memory are
// nobody else's.
//
// "bench peers" measures rondo beside Flux instead, on one API server in one run,
// and compares.
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

type options struct {
	apps, refs, megabytes int
	quiet                 time.Duration
}

// measurement prints figures to the report; dir is its own and empty.
type measurement func(ctx context.Context, o options, dir string, r *report) error

// parse reads the command line.
func parse(args []string) (o options, measure measurement, err error) {
	flags := flag.NewFlagSet("bench [peers]", flag.ExitOnError)
	least := time.Second
	flags.IntVar(&o.apps, "apps", 100, "applications of 5 objects")
	if len(args) > 0 && args[0] == "peers" {
		args, measure, least = args[1:], measurePeers, interval
		flags.DurationVar(&o.quiet, "quiet", 3*time.Minute, "how long each is watched when nothing happens; they look once in "+interval.String())
	} else {
		measure = measureAlone
		flags.DurationVar(&o.quiet, "quiet", time.Minute, "how long the quiet daemon is watched")
		flags.IntVar(&o.refs, "refs", 50_000, "refs of the wide repository")
		flags.IntVar(&o.megabytes, "megabytes", 1024, "size of the large repository, in MiB; 0 leaves it out")
	}
	_ = flags.Parse(args) // exits by itself
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("%q is no flag; see --help", flags.Arg(0))
	case o.apps < 1:
		err = errors.New("--apps must be at least 1")
	case o.quiet < least:
		err = fmt.Errorf("--quiet must be at least %s", least)
	}
	return o, measure, err
}

func main() {
	o, measure, err := parse(os.Args[1:])
	if err != nil {
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report := &report{out: os.Stdout}
	if err := run(ctx, o, report, measure); err != nil {
		fail(err)
	}
	if report.missed > 0 {
		fmt.Printf("%d of %d bars missed\n", report.missed, report.bars)
		os.Exit(1)
	}
	fmt.Printf("all %d bars reached\n", report.bars)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(2)
}

func run(ctx context.Context, o options, r *report, measure measurement) (err error) {
	dir, err := os.MkdirTemp("", "rondo-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return measure(ctx, o, dir, r)
}

func measureAlone(ctx context.Context, o options, dir string, r *report) error {
	if err := measureGit(ctx, o, dir, r); err != nil {
		return fmt.Errorf("git: %w", err)
	}
	if err := measureDaemon(ctx, o, dir, r); err != nil {
		return fmt.Errorf("daemon: %w", err)
	}
	return nil
}
