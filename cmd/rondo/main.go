// Command rondo makes a Kubernetes cluster follow git.
//
// Exit codes: 0 all is well, 1 something was found (an error in the files, a
// score below the target, an unhealthy application), 2 the command was misused
// or could not do its work.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"rondo.dev/rondo/render/kustomize"
)

// version is set by the linker; a build without it falls back to what Go
// itself knows of the build.
var version string

// errFindings ends a command that did its work and found something; what it
// found is printed already.
var errFindings = errors.New("findings")

func main() {
	kustomize.Worker()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errFindings):
		return 1
	default:
		fmt.Fprintln(root.ErrOrStderr(), "rondo:", err)
		return 2
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rondo",
		Short: "Make a Kubernetes cluster follow git",
		Long: `rondo pulls application repositories, renders each manifest.yml into Kubernetes
objects, applies them on a loop, and answers on the commit.

Exit codes: 0 all is well, 1 something was found, 2 misused or unable.`,
		Example: `  rondo lint                    check the folder before pushing it
  rondo plan                    see what it would change in the cluster
  rondo status                  see how everything is
  rondo serve --config rondo.yaml`,
		Version:       buildVersion(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddGroup(
		&cobra.Group{ID: "files", Title: "A folder, before it is pushed:"},
		&cobra.Group{ID: "daemon", Title: "The daemon, and what it keeps:"},
		&cobra.Group{ID: "more", Title: "More:"},
	)
	root.SetHelpCommandGroupID("more")
	root.SetCompletionCommandGroupID("more")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return misuse(cmd, err.Error())
	})
	root.AddCommand(
		newLint(), newRender(), newPlan(), newScore(), newSchema(),
		newServe(), newStatus(), newSync(), newPause(), newResume(), newRemove(),
	)
	return root
}

// misuse is an error about flags or arguments, with where to read on.
func misuse(cmd *cobra.Command, what string) error {
	return fmt.Errorf("%s; see %s --help", what, cmd.CommandPath())
}

// atMost refuses more than n arguments, saying what they are.
func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return misuse(cmd, fmt.Sprintf("%d arguments given, %s", len(args), what))
		}
		return nil
	}
}

func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return "dev"
}
