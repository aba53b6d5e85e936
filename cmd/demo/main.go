// Command demo shows rondo at work: a control plane, a git server and a sample
// shop of its own, the daemon, and four scenes in the terminal. Nothing leaves
// this machine and nothing is faked but GitHub itself, whose side is played.
//
// With KUBECONFIG set it uses that cluster instead of one of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	once := flag.Bool("once", false, "end after the four scenes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, *once)
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil && !*once:
	default:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, once bool) (err error) {
	s := newScreen(os.Stdout)
	stage, err := build(ctx, s)
	if err != nil {
		return err
	}
	defer func() {
		s.say("stopping")
		err = errors.Join(err, stage.close())
	}()
	for _, scene := range []func(context.Context, *screen) error{
		stage.firstPush, stage.oneLine, stage.brokenManifest, stage.handEdit,
	} {
		if err := scene(ctx, s); err != nil {
			return err
		}
	}
	if once {
		s.say("all four scenes played")
		return nil
	}
	stage.invite(s)
	<-ctx.Done()
	return nil
}
