package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
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
	cmd.Flags().StringVar(&c.server, "server", server, "`address` of the daemon; also RONDO_SERVER")
	cmd.Flags().StringVar(&c.tokenFile, "token-file", os.Getenv("RONDO_TOKEN_FILE"), "`file` with the token; also RONDO_TOKEN_FILE")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return c.names(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
}

// names are the applications that the daemon knows, for the shell; none where
// it does not answer at once.
func (c *connection) names(ctx context.Context) (names []cobra.Completion) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	api, err := c.client()
	if err != nil {
		return nil
	}
	apps, err := api.Apps(ctx)
	if err != nil {
		return nil
	}
	for _, a := range apps {
		names = append(names, a.Name)
	}
	return names
}

func (c *connection) client() (*client.Client, error) {
	out := &client.Client{Server: c.server}
	if c.tokenFile != "" {
		raw, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return nil, fmt.Errorf("token file: %w", err)
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
		Long:    "Without APP, lists all applications; with APP, shows its newest pass, its health and its\nscore. Exits with 1 when one of them needs a person.",
		Example: "  rondo status\n  rondo status shop\n  rondo status -o json --server https://rondo.example.org --token-file ~/.rondo-token",
		Args:    atMost(1, "one application is taken"),
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
		case reconcile.Live, reconcile.Healed, reconcile.Running, reconcile.Superseded, reconcile.Paused:
		default:
			return errFindings
		}
		if a.Invalid != "" || a.Orphaned || a.Trouble != "" {
			return errFindings
		}
	}
	return nil
}

func printApps(w io.Writer, apps []client.App) error {
	if len(apps) == 0 {
		_, err := fmt.Fprintln(w, "no applications yet; name one under applications: in rondo.yaml")
		return err
	}
	rows := [][]string{{"APPLICATION", "CONDITION", "LIVE", "SCORE", "CHANGED", "WHY"}}
	for _, a := range apps {
		rows = append(rows, []string{a.Name, condition(a), dash(short(a.Live)), dash(a.Score), when(a.Changed), cut(why(a), widestReason)})
	}
	var colour func(row, column int) string
	if coloured(w) {
		colour = func(row, column int) string {
			if row == 0 || column != 1 {
				return ""
			}
			return tint(rows[row][1])
		}
	}
	return printTable(w, rows, colour)
}

// widestReason is how much of a reason the list shows, in characters; the
// application's own page has all of it.
const widestReason = 120

// tint is the colour of a condition.
func tint(condition string) string {
	switch reconcile.Condition(condition) {
	case reconcile.Live, reconcile.Healed:
		return green
	case "new", reconcile.Superseded, reconcile.Retrying, reconcile.Paused, "orphaned":
		return yellow
	default:
		return red
	}
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
		if len(a.Drifted) > 0 {
			return "paused by " + a.Paused.By + "; not as applied: " + strings.Join(a.Drifted, ", ")
		}
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
	rows := [][]string{
		{"application", d.Name}, {"repository", d.Repository + " " + d.Ref}, {"environment", d.Environment},
		{"namespace", d.Namespace}, {"condition", condition(d.App)}, {"why", dash(why(d.App))},
		{"live", dash(d.Live)}, {"applied", dash(d.Applied)}, {"newest seen", dash(d.Seen)}, {"changed", when(d.Changed)},
	}
	for _, group := range slices.Sorted(maps.Keys(d.Kept)) {
		rows = append(rows, []string{"kept data", group + ", which left git on " + d.Kept[group].Format(time.DateOnly)})
	}
	var colour func(row, column int) string
	if coloured(w) {
		colour = func(row, column int) string {
			if rows[row][0] != "condition" || column != 1 {
				return ""
			}
			return tint(rows[row][1])
		}
	}
	if err := printTable(w, rows, colour); err != nil {
		return err
	}
	if d.Newest != nil && d.Newest.Plan != nil {
		text := plan.Text(*d.Newest.Plan, coloured(w))
		if text == "" {
			text = "nothing was changed\n"
		}
		fmt.Fprintf(w, "\nnewest pass %d (%s, %s)\n%s", d.Newest.Pass, d.Newest.Trigger, dash(string(d.Newest.Condition)), text)
	}
	if d.Report != nil && len(d.Report.Items) > 0 {
		fmt.Fprintln(w, "\nhealth")
		var rows [][]string
		for _, item := range d.Report.Items {
			rows = append(rows, []string{"  " + item.ID.String(), string(item.Status), cut(item.Message, widestReason)})
		}
		if err := printTable(w, rows, nil); err != nil {
			return err
		}
	}
	if d.Graded != nil {
		fmt.Fprintf(w, "\nscore\n%s", score.Text(*d.Graded))
	}
	return nil
}

// action makes a command that posts one action, named as the command. example
// is what comes after the command's name.
func action(name, short, long, example string, flags func(cmd *cobra.Command, a *client.Action)) *cobra.Command {
	var conn connection
	var a client.Action
	cmd := &cobra.Command{
		Use: name + " APP", Short: short, Long: long, Example: "  rondo " + name + " " + example, GroupID: "daemon",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misuse(cmd, "which application? rondo status lists them")
			}
			return atMost(1, "one application is taken")(cmd, args)
		},
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
	return action("sync", "Deploy what the ref is now, at once",
		"Starts a pass without waiting for a push or a poll; rondo status tells how it ends.", "shop --allow-prune",
		func(cmd *cobra.Command, a *client.Action) {
			cmd.Flags().BoolVar(&a.AllowPrune, "allow-prune", false, "release a plan that is held because it deletes much")
			cmd.Flags().BoolVar(&a.Refresh, "refresh", false, "render again also when the files did not change")
		})
}

func newPause() *cobra.Command {
	return action("pause", "Change nothing of an application until it is resumed",
		"Stops deployments and healing of one application, for when a person must act by hand.", "shop", nil)
}

func newResume() *cobra.Command {
	return action("resume", "End a pause", "Deploys what the ref is now and heals again.", "shop", nil)
}

func newRemove() *cobra.Command {
	return action("remove", "Delete everything of an application that is gone from rondo.yaml",
		"An application that is taken out of rondo.yaml is kept as it is until it is removed with this\ncommand. Namespaces are never deleted.", "shop --confirm shop",
		func(cmd *cobra.Command, a *client.Action) {
			cmd.Flags().StringVar(&a.Confirm, "confirm", "", "the application's `name`, once more")
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
