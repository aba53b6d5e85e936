package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	o := options{Package: "./cmd/rondo", Beside: []string{"cmd/rondo-sops"}}
	var dist, push string
	cmd := &cobra.Command{
		Use:           "image",
		Short:         "Make the container image of rondo, without Docker",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Created, err = created(cmd.Context()); err != nil {
				return err
			}
			if o.Certificates, err = os.ReadFile(certificates); err != nil {
				return fmt.Errorf("%w; install the Debian package ca-certificates", err)
			}
			built, err := build(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := built.write(filepath.Join(dist, "image")); err != nil {
				return err
			}
			archive := filepath.Join(dist, "rondo.tar")
			arch, err := built.archive(archive, runtime.GOARCH)
			if err != nil {
				return err
			}
			if err := built.describe(cmd.OutOrStdout()); err != nil {
				return err
			}
			cmd.Printf("%s: OCI layout\n%s: linux/%s for docker load\n", filepath.Join(dist, "image"), archive, arch)
			if push == "" {
				return nil
			}
			return built.push(cmd.Context(), cmd.OutOrStdout(), push)
		},
	}
	cmd.SetOut(os.Stdout)
	cmd.Flags().StringVar(&o.Version, "version", "unknown", "what \"rondo --version\" says, and the tag")
	cmd.Flags().StringSliceVar(&o.Archs, "arch", []string{"amd64", "arm64"}, "processors, by Go's names")
	cmd.Flags().StringVar(&dist, "dist", "dist", "folder to write to")
	cmd.Flags().StringVar(&push, "push", "", "also push to this registry/name:tag")
	return cmd
}

// created is the one time that everything in the image bears.
func created(ctx context.Context) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("ask git for the time of the commit: %w; set SOURCE_DATE_EPOCH outside a checkout", err)
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q, not a number of seconds", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
