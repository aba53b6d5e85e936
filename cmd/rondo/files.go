package main

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/cmd/internal/folder"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
)

// folderCommand is what lint, render, plan and score have in common: a folder
// in, text out. cmd brings the texts; own are forms of output that only it has.
func folderCommand(cmd *cobra.Command, run func(cmd *cobra.Command, o folder.Options, out *output) error, own ...string) *cobra.Command {
	var o folder.Options
	out := output{own: own}
	cmd.Use += " [DIR]"
	cmd.Long += "\n\nDIR is a folder with an application's files, or the manifest in it; without it,\nthe folder you are in."
	cmd.GroupID, cmd.Args = "files", atMost(1, "one folder or manifest is taken")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		// Over in milliseconds: collecting garbage would be the better part of some of them.
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(256 << 20) // in bytes; from there on it is collected all the same
		o.Dir = "."
		if len(args) == 1 {
			o.Dir = args[0]
		}
		complete, err := o.Complete()
		if err != nil {
			return err
		}
		return run(cmd, complete, &out)
	}
	f := cmd.Flags()
	f.StringVar(&o.App, "app", "", "`name` of the application (default: the folder's)")
	f.StringVarP(&o.Environment, "environment", "e", "production", "environment whose part of the manifest is read")
	f.StringVarP(&o.Namespace, "namespace", "n", "", "namespace of the objects (default: <app>-<environment>)")
	f.StringVar(&o.Manifest, "manifest", "", "`path` of the manifest in DIR (default: the usual places)")
	f.StringVar(&o.Path, "path", "", "`folder` in DIR with a kustomization or plain YAML")
	f.StringVar(&o.IngressClass, "ingress-class", "", "IngressClass of the cluster")
	f.StringVar(&o.Config, "config", "", "rondo.yaml `file` whose policies, classes and images count")
	f.BoolVar(&o.Incomplete, "allow-incomplete", false, "go on where the manifest asks for what is not built yet")
	out.flag(cmd)
	return cmd
}

func newRender() *cobra.Command {
	return folderCommand(&cobra.Command{
		Use: "render", Short: "Print the Kubernetes objects of an application",
		Long: `Prints the objects that a deployment would apply, in the order of applying: as YAML
(text and yaml), or as a List in JSON. Values of Secrets are printed as they are in the files.
Two annotations need the daemon and differ there: the hash of the configuration that Pods
read, and the revision.`,
		Example: "  rondo render\n  rondo render shop -n shop-test | kubectl diff -f -",
	}, func(cmd *cobra.Command, o folder.Options, out *output) error {
		bundle, err := folder.Render(cmd.Context(), o)
		if err != nil {
			return explain(cmd, err)
		}
		if out.form == "json" {
			items := make([]map[string]any, 0, len(bundle.Objects))
			for _, object := range bundle.Objects {
				items = append(items, object.Body)
			}
			return out.print(cmd, map[string]any{"apiVersion": "v1", "kind": "List", "items": items}, nil)
		}
		for _, object := range bundle.Objects {
			raw, err := yaml.Marshal(object.Body)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "---\n# %s\n%s", object.Origin, raw); err != nil {
				return err
			}
		}
		return nil
	})
}

func newPlan() *cobra.Command {
	var kubeconfig string
	cmd := folderCommand(&cobra.Command{
		Use: "plan", Short: "Show what a deployment would change in a cluster",
		Long: `Asks the cluster of the kubeconfig, as its user and with reads and server-side dry-runs only,
and prints what a deployment of DIR would change, delete and refuse. Nothing is changed.

What is deleted is read from the application's inventory, as the daemon does. That a changed
ConfigMap or Secret restarts Pods is not shown. Exits with 1 when the daemon would hold or
refuse the plan.`,
		Example: "  rondo plan\n  rondo plan shop --app shop -n shop-production --kubeconfig ~/.kube/production",
	}, func(cmd *cobra.Command, o folder.Options, out *output) error {
		p, err := folder.Plan(cmd.Context(), o, kubeconfig)
		if err != nil {
			return explain(cmd, err)
		}
		err = out.print(cmd, p, func(w io.Writer) error {
			_, err := io.WriteString(w, plan.Text(p, coloured(w))+summary(p, o)+"\n")
			return err
		})
		if err == nil && (p.Held != "" || len(p.Refused) > 0) {
			return errFindings
		}
		return err
	})
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "`file` of the cluster (default: KUBECONFIG, else ~/.kube/config)")
	return cmd
}

// summary counts what a plan would do.
func summary(p plan.Plan, o folder.Options) string {
	n := p.Counts()
	var parts []string
	for _, a := range []plan.Action{plan.Create, plan.Configure, plan.Recreate, plan.Heal, plan.Prune, plan.Orphan} {
		if n[a] > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n[a], a))
		}
	}
	if len(p.Refused) > 0 {
		parts = append(parts, fmt.Sprintf("%d refused", len(p.Refused)))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("nothing to change in namespace %s: %d unchanged", o.Namespace, n[plan.Unchanged])
	}
	return fmt.Sprintf("application %s in namespace %s: %s, %d unchanged", o.App, o.Namespace, strings.Join(parts, ", "), n[plan.Unchanged])
}

func newScore() *cobra.Command {
	return folderCommand(&cobra.Command{
		Use: "score", Short: "Score an application from its files alone",
		Long:    "Prints the StackScore that the files alone can tell; what needs a cluster is left out.\nExits with 1 when the score is below C.",
		Example: "  rondo score\n  rondo score shop -o json",
	}, func(cmd *cobra.Command, o folder.Options, out *output) error {
		bundle, err := folder.Render(cmd.Context(), o)
		if err != nil {
			return explain(cmd, err)
		}
		s := score.Compute(score.Input{Bundle: bundle})
		if err := out.print(cmd, s, func(w io.Writer) error {
			_, err := io.WriteString(w, score.Text(s))
			return err
		}); err != nil {
			return err
		}
		if !score.Met(s, "") {
			return errFindings
		}
		return nil
	})
}

// explain prints the problems behind err to standard error, if it is about the
// files.
func explain(cmd *cobra.Command, err error) error {
	problems := render.AsProblems(err)
	if problems == nil {
		return err
	}
	if err := printProblems(cmd.ErrOrStderr(), problems); err != nil {
		return err
	}
	return errFindings
}

func findings(err error) error {
	var invalid *render.Invalid
	if errors.As(err, &invalid) {
		return errFindings
	}
	return err
}
