package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rondo.dev/rondo/cmd/internal/folder"
	"rondo.dev/rondo/render"
)

// linted is what rondo lint prints as JSON and YAML. Its fields are stable.
type linted struct {
	Problems []render.Problem `json:"problems"`
	Keys     []lintedKey      `json:"keys"`
	Counts   render.KeyCounts `json:"counts"` // of Keys; each disposition is there
}

// lintedKey is a key with the sentence about it.
type lintedKey struct {
	render.Key
	What string `json:"what,omitempty"`
	Fix  string `json:"fix,omitempty"`
}

func newLint() *cobra.Command {
	var keys bool
	cmd := folderCommand(&cobra.Command{
		Use: "lint", Short: "Check an application's files",
		Long: `Prints every error, warning and hint about the files, each with file, line and fix. With --keys it
also prints each key of the manifest and what became of it: applied, translated, once,
not_applicable, deprecated, rejected or unknown.

json and yaml hold problems, keys, and counts of the keys. github prints annotations, which a
workflow of GitHub shows at the lines of a pull request.

Exits with 1 when there is an error.`,
		Example: "  rondo lint\n  rondo lint --keys\n  rondo lint shop -e staging -o json",
	}, func(cmd *cobra.Command, o folder.Options, out *output) error {
		bundle, err := folder.Render(cmd.Context(), o)
		found := linted{Problems: bundle.Problems, Keys: explained(bundle.Keys, bundle.Problems), Counts: counts(bundle.Keys)}
		if err != nil {
			problems, keys := render.AsProblems(err), render.AsKeys(err)
			if problems == nil {
				return err
			}
			found = linted{Problems: problems, Keys: explained(keys, problems), Counts: counts(keys)}
		}
		if found.Problems == nil {
			found.Problems = []render.Problem{}
		}
		printErr := error(nil)
		if out.form == "github" {
			printErr = annotate(cmd.OutOrStdout(), o.Dir, found.Problems)
		} else {
			printErr = out.print(cmd, found, func(w io.Writer) error {
				if err := printProblems(w, found.Problems); err != nil || !keys {
					return err
				}
				return printKeys(w, found)
			})
		}
		if printErr != nil {
			return printErr
		}
		return findings(err)
	}, "github")
	cmd.Flags().BoolVar(&keys, "keys", false, "in text, also print what became of each key")
	return cmd
}

func counts(keys []render.Key) render.KeyCounts {
	n := render.CountKeys(keys)
	for _, d := range render.Dispositions() {
		n[d] += 0
	}
	return n
}

func explained(keys []render.Key, problems []render.Problem) []lintedKey {
	out := make([]lintedKey, len(keys))
	for i, k := range keys {
		out[i].Key = k
		out[i].What, out[i].Fix = render.Explain(k, problems)
	}
	return out
}

// printKeys prints a line for each key and one that counts them.
func printKeys(w io.Writer, found linted) error {
	rows := make([][]string, len(found.Keys))
	for i, k := range found.Keys {
		why := k.What
		if k.Fix != "" {
			why += "; " + k.Fix
		}
		if k.Code != "" {
			why += " [" + k.Code + "]"
		}
		rows[i] = []string{k.Pos.String(), string(k.Disposition), k.Path, why}
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	var colour func(row, column int) string
	if coloured(w) {
		tints := map[render.Disposition]string{render.Rejected: red, render.Unknown: red, render.NotApplicable: yellow,
			render.Deprecated: yellow, render.Translated: cyan, render.Once: cyan}
		colour = func(row, column int) string {
			if column != 1 {
				return ""
			}
			return tints[found.Keys[row].Disposition]
		}
	}
	if err := printTable(w, rows, colour); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", counted(len(found.Keys), "key"), found.Counts)
	return err
}

// annotate prints workflow commands of GitHub Actions, which it shows at the
// lines that they name. The file is told from the folder that the command runs
// in, which is the checkout. The form is that of @actions/core, command.ts.
func annotate(w io.Writer, dir string, problems []render.Problem) error {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for i := range problems {
		p := &problems[i]
		level := "notice"
		switch {
		case p.IsError():
			level = "error"
		case p.IsWarning():
			level = "warning"
		}
		at := ""
		if p.Pos.File != "" {
			at = "file=" + property.Replace(path.Join(below(dir), p.Pos.File)) + ","
		}
		if p.Pos.Line > 0 {
			at += fmt.Sprintf("line=%d,", p.Pos.Line)
		}
		if p.Pos.Column > 0 {
			at += fmt.Sprintf("col=%d,", p.Pos.Column)
		}
		text := p.What
		if p.Fix != "" {
			text += "; " + p.Fix
		}
		if _, err := fmt.Fprintf(w, "::%s %stitle=%s::%s\n", level, at, property.Replace(p.Code), data.Replace(text)); err != nil {
			return err
		}
	}
	errs, warnings, infos := render.CountProblems(problems)
	_, err := fmt.Fprintf(w, "%s, %s, %s\n", counted(errs, "error"), counted(warnings, "warning"), counted(infos, "info"))
	return err
}

// below is dir as seen from the working directory, with slashes; as it is, where
// it lies outside.
func below(dir string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(dir) {
		return filepath.ToSlash(filepath.Clean(dir))
	}
	if rel, err := filepath.Rel(here, dir); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(dir)
}

// printProblems prints one line per problem and a line that counts them.
func printProblems(w io.Writer, ps []render.Problem) error {
	if len(ps) == 0 {
		_, err := fmt.Fprintln(w, "no findings")
		return err
	}
	colour := coloured(w)
	ps = render.ByUrgency(ps) // what is read first must be the cause
	for i := range ps {
		word, tint := "info", cyan
		switch {
		case ps[i].IsError():
			word, tint = "error", red
		case ps[i].IsWarning():
			word, tint = "warning", yellow
		}
		if colour {
			word = paint(tint, word)
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", word, ps[i].Error()); err != nil {
			return err
		}
	}
	errs, warnings, infos := render.CountProblems(ps)
	_, err := fmt.Fprintf(w, "%s, %s, %s\n", counted(errs, "error"), counted(warnings, "warning"), counted(infos, "info"))
	return err
}
