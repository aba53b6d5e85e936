package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
)

// connection is the flags of every command that speaks to a daemon.
type connection struct{ server, tokenFile string }

func (c *connection) flags(cmd *cobra.Command) {
	server := os.Getenv("RONDO_SERVER")
	if server == "" {
		server = "http://127.0.0.1:8080"
	}
	cmd.Flags().StringVar(&c.server, "server", server, "address of the daemon; also RONDO_SERVER")
	cmd.Flags().StringVar(&c.tokenFile, "token-file", os.Getenv("RONDO_TOKEN_FILE"), "file with the token; also RONDO_TOKEN_FILE")
}

func (c *connection) client() (*client.Client, error) {
	out := &client.Client{Server: c.server}
	if c.tokenFile != "" {
		raw, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return nil, err
		}
		out.Token = string(bytes.TrimSpace(raw))
	}
	return out, nil
}

func newStatus() *cobra.Command {
	var conn connection
	var out output
	cmd := &cobra.Command{
		Use: "status [APP]", Short: "Show applications and how they are", GroupID: "daemon",
		Long: "Without APP, lists all applications; with APP, shows its newest pass, its health and its score.\nExits with 1 when one of them needs a person.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				detail, err := c.App(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := out.print(cmd, detail, func(w io.Writer) error { return printDetail(w, detail) }); err != nil {
					return err
				}
				return attention(detail.App)
			}
			apps, err := c.Apps(cmd.Context())
			if err != nil {
				return err
			}
			if err := out.print(cmd, apps, func(w io.Writer) error { return printApps(w, apps) }); err != nil {
				return err
			}
			return attention(apps...)
		},
	}
	conn.flags(cmd)
	out.flag(cmd)
	return cmd
}

// attention is errFindings when one of the applications waits for a person.
func attention(apps ...client.App) error {
	for _, a := range apps {
		switch a.Condition {
		case reconcile.Live, reconcile.Healed, reconcile.Running, reconcile.Superseded:
		default:
			return errFindings
		}
		if a.Invalid != "" {
			return errFindings
		}
	}
	return nil
}

func printApps(w io.Writer, apps []client.App) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "APPLICATION\tCONDITION\tLIVE\tSCORE\tCHANGED\tWHY")
	for _, a := range apps {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", a.Name, condition(a), dash(short(a.Live)), dash(a.Score), when(a.Changed), why(a))
	}
	return t.Flush()
}

func condition(a client.App) string {
	switch {
	case a.Invalid != "":
		return "refused"
	case a.Orphaned:
		return "orphaned"
	case a.Paused != nil:
		return "paused"
	case a.Condition == reconcile.Running:
		return "new"
	default:
		return string(a.Condition)
	}
}

func why(a client.App) string {
	switch {
	case a.Invalid != "":
		return a.Invalid
	case a.Orphaned:
		return "gone from rondo.yaml, kept as it is; rondo remove " + a.Name + " --confirm " + a.Name
	case a.Paused != nil:
		return "paused by " + a.Paused.By
	case a.Trouble != "":
		return a.Trouble
	case a.Condition == reconcile.Live && a.Health != "":
		return a.Health
	default:
		return a.Sentence
	}
}

func printDetail(w io.Writer, d client.Detail) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"application", d.Name}, {"repository", d.Repository + " " + d.Ref}, {"environment", d.Environment},
		{"namespace", d.Namespace}, {"condition", condition(d.App)}, {"why", why(d.App)},
		{"live", dash(d.Live)}, {"applied", dash(d.Applied)}, {"newest seen", dash(d.Seen)}, {"changed", when(d.Changed)},
	} {
		fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if d.Newest != nil && d.Newest.Plan != nil {
		fmt.Fprintf(w, "\nnewest pass %d (%s, %s)\n%s", d.Newest.Pass, d.Newest.Trigger, d.Newest.Condition, plan.Text(*d.Newest.Plan, coloured(w)))
	}
	if d.Report != nil && len(d.Report.Items) > 0 {
		fmt.Fprintln(w, "\nhealth")
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, item := range d.Report.Items {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", item.ID, item.Status, item.Message)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if d.Graded != nil {
		fmt.Fprintf(w, "\nscore\n%s", score.Text(*d.Graded))
	}
	return nil
}

// action makes a command that posts one action.
func action(use, name, short, long string, flags func(cmd *cobra.Command, a *client.Action)) *cobra.Command {
	var conn connection
	var a client.Action
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, GroupID: "daemon", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := conn.client()
			if err != nil {
				return err
			}
			answer, err := c.Do(cmd.Context(), args[0], name, a)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), answer.Message)
			return err
		},
	}
	conn.flags(cmd)
	if flags != nil {
		flags(cmd, &a)
	}
	return cmd
}

func newSync() *cobra.Command {
	return action("sync APP", "sync", "Deploy what the ref is now, at once",
		"Starts a pass without waiting for a push or a poll.",
		func(cmd *cobra.Command, a *client.Action) {
			cmd.Flags().BoolVar(&a.AllowPrune, "allow-prune", false, "release a plan that is held because it deletes much")
			cmd.Flags().BoolVar(&a.Refresh, "refresh", false, "render again also when the files did not change")
		})
}

func newPause() *cobra.Command {
	return action("pause APP", "pause", "Change nothing of an application until it is resumed",
		"Stops deployments and healing of one application, for when a person must act by hand.", nil)
}

func newResume() *cobra.Command {
	return action("resume APP", "resume", "End a pause", "Deploys what the ref is now and heals again.", nil)
}

func newRemove() *cobra.Command {
	return action("remove APP", "remove", "Delete everything of an application that is gone from rondo.yaml",
		"An application that is taken out of rondo.yaml is kept as it is until it is removed with this command.\nNamespaces are never deleted.",
		func(cmd *cobra.Command, a *client.Action) {
			cmd.Flags().StringVar(&a.Confirm, "confirm", "", "the application's name, once more")
		})
}

func short(revision string) string {
	if len(revision) > 40 {
		return revision[:len(revision)-33]
	}
	return revision
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
