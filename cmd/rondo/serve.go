package main

import (
	"log/slog"
	"os"
	"os/signal"
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
		Use:   "serve",
		Short: "Run the daemon",
		Long:  "Runs the daemon until SIGINT or SIGTERM. SIGHUP, or a change of the file, reloads rondo.yaml;\na bad new file leaves the old one in force.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(path)
			if err != nil {
				return err
			}
			if check {
				cmd.Printf("%s is fine: %d applications, %d refused\n", path, len(c.Apps), len(c.Invalid))
				for _, err := range c.Invalid {
					cmd.Println(err)
				}
				if len(c.Invalid) > 0 {
					return errFindings
				}
				return nil
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
	cmd.Flags().StringVar(&path, "config", "/etc/rondo/rondo.yaml", "the daemon's file")
	cmd.Flags().StringVar(&logFormat, "log-format", "text", "text or json")
	cmd.Flags().BoolVar(&check, "check", false, "check the file and exit")
	return cmd
}
