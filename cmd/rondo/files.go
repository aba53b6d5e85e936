package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/cmd/internal/folder"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
)

// folderCommand is what lint, render, plan and score have in common: a folder
// in, text out.
func folderCommand(name, short, long string, run func(cmd *cobra.Command, o folder.Options, out *output) error) *cobra.Command {
	var o folder.Options
	var out output
	cmd := &cobra.Command{
		Use: name + " DIR", Short: short, Long: long, GroupID: "files",
		Args: cobra.MatchAll(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Dir = args[0]
			complete, err := o.Complete()
			if err != nil {
				return err
			}
			return run(cmd, complete, &out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.App, "app", "", "application name (default: the folder's name)")
	f.StringVarP(&o.Environment, "environment", "e", "production", "environment whose part of the manifest is read")
	f.StringVarP(&o.Namespace, "namespace", "n", "", "namespace (default: <app>-<environment>)")
	f.StringVar(&o.Manifest, "manifest", "", "path of the manifest in DIR (default: the usual places)")
	f.StringVar(&o.IngressClass, "ingress-class", "", "IngressClass of the cluster")
	f.BoolVar(&o.Incomplete, "allow-incomplete", false, "go on where the manifest asks for what is not built yet")
	out.flag(cmd)
	return cmd
}

func newLint() *cobra.Command {
	return folderCommand("lint", "Check an application's files",
		"Prints every error, warning and hint about the files, each with file, line and fix.\nExits with 1 when there is an error.",
		func(cmd *cobra.Command, o folder.Options, out *output) error {
			bundle, err := folder.Render(cmd.Context(), o)
			problems := bundle.Problems
			if err != nil {
				if problems = render.AsProblems(err); problems == nil {
					return err
				}
			}
			if printErr := out.print(cmd, nonNil(problems), func(w io.Writer) error { return printProblems(w, problems) }); printErr != nil {
				return printErr
			}
			return findings(err)
		})
}

func newRender() *cobra.Command {
	return folderCommand("render", "Print the Kubernetes objects of an application",
		"Prints the objects that a deployment would apply, in apply order, as YAML (text and yaml) or JSON.",
		func(cmd *cobra.Command, o folder.Options, out *output) error {
			bundle, err := folder.Render(cmd.Context(), o)
			if err != nil {
				return explain(cmd, err)
			}
			if out.form == "json" {
				return out.print(cmd, bundle.Objects, nil)
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
	cmd := folderCommand("plan", "Show what a deployment would change in a cluster",
		"Asks the cluster of the kubeconfig, with server-side dry-runs only, and prints what a deployment\nof DIR would change. Nothing is changed. Exits with 1 when the plan would be held or refused.",
		func(cmd *cobra.Command, o folder.Options, out *output) error {
			p, err := folder.Plan(cmd.Context(), o, kubeconfig)
			if err != nil {
				return explain(cmd, err)
			}
			err = out.print(cmd, p, func(w io.Writer) error {
				_, err := io.WriteString(w, plan.Text(p, coloured(w)))
				return err
			})
			if err == nil && (p.Held != "" || len(p.Refused) > 0) {
				return errFindings
			}
			return err
		})
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the cluster (default: KUBECONFIG, else ~/.kube/config)")
	return cmd
}

func newScore() *cobra.Command {
	return folderCommand("score", "Score an application from its files alone",
		"Prints the StackScore that rendering alone can tell; what needs a cluster is left out.\nExits with 1 when the score is below C.",
		func(cmd *cobra.Command, o folder.Options, out *output) error {
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
			if s.Overall > score.C {
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

func nonNil(ps []render.Problem) []render.Problem {
	if ps == nil {
		return []render.Problem{}
	}
	return ps
}

// printProblems prints one line per problem and a line that counts them.
func printProblems(w io.Writer, ps []render.Problem) error {
	colour := coloured(w)
	for i := range ps {
		word, paint := "info", "36"
		switch {
		case ps[i].IsError():
			word, paint = "error", "31"
		case ps[i].IsWarning():
			word, paint = "warning", "33"
		}
		if colour {
			word = "\x1b[" + paint + "m" + word + "\x1b[0m"
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", word, ps[i].Error()); err != nil {
			return err
		}
	}
	errs, warnings, infos := render.CountProblems(ps)
	_, err := fmt.Fprintf(w, "%d errors, %d warnings, %d infos\n", errs, warnings, infos)
	return err
}
