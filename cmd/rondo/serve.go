package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/cmd/internal/daemon"
	"rondo.dev/rondo/reconcile/cluster"
)

func newServe() *cobra.Command {
	var path, logFormat string
	var check bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the daemon", GroupID: "daemon",
		Long: `Runs the daemon until SIGINT or SIGTERM. SIGHUP, or a change of the file, reloads rondo.yaml;
a bad new file leaves the old one in force.

With --check it reads the file, says what is wrong with it, and ends: with 0 when nothing is,
else with 1.`,
		Example: "  rondo serve --config rondo.yaml\n  rondo serve --config rondo.yaml --check",
		Args:    atMost(0, "none is taken"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			var missing *fs.PathError
			switch {
			case errors.As(err, &missing):
				return fmt.Errorf("%w; name the daemon's file with --config", err)
			case check:
				return report(cmd.OutOrStdout(), path, c, err)
			case err != nil:
				return err
			}
			log, err := newLogger(cmd.ErrOrStderr(), logFormat, c.LogLevel)
			if err != nil {
				return err
			}
			slog.SetDefault(log)
			cluster.Logs(log)
			ctx := cmd.Context()
			d, err := daemon.New(ctx, daemon.Options{Config: c, Version: buildVersion(), Log: log})
			if err != nil {
				return err
			}
			log.Info("listening", "public", d.Addr().String(), "internal", d.InternalAddr().String(), "version", buildVersion())
			hup := make(chan os.Signal, 1)
			signal.Notify(hup, syscall.SIGHUP)
			defer signal.Stop(hup)
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return d.Watch(ctx, hup) })
			g.Go(func() error { return d.Run(ctx) })
			return g.Wait()
		},
	}
	cmd.Flags().StringVar(&path, "config", "/etc/rondo/rondo.yaml", "the daemon's `file`")
	cmd.Flags().StringVar(&logFormat, "log-format", "text", "text or json")
	cmd.Flags().BoolVar(&check, "check", false, "check the file and exit")
	complete(cmd, "log-format", "text", "json")
	return cmd
}

// report prints what config.Load found of the file at path.
func report(w io.Writer, path string, c *config.Config, err error) error {
	if err != nil {
		fmt.Fprintln(w, err)
		return errFindings
	}
	if len(c.Invalid) == 0 {
		_, err := fmt.Fprintf(w, "%s is in order: %s\n", path, counted(len(c.Apps), "application"))
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Invalid)) {
		fmt.Fprintln(w, c.Invalid[name])
	}
	fmt.Fprintf(w, "%s, %d refused\n", counted(len(c.Apps)+len(c.Invalid), "application"), len(c.Invalid))
	return errFindings
}
