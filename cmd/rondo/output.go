package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// output is the flag --output: text, json, yaml, or a form that one command has.
type output struct {
	form string
	own  []string // forms that only this command has
}

func (o *output) String() string { return o.form }
func (o *output) Type() string   { return "form" }

func (o *output) Set(s string) error {
	if !slices.Contains(o.forms(), s) {
		return errors.New("write " + o.choice())
	}
	o.form = s
	return nil
}

func (o *output) forms() []string { return append([]string{"text", "json", "yaml"}, o.own...) }

// choice is the forms in words: "text, json or yaml".
func (o *output) choice() string {
	forms := o.forms()
	last := len(forms) - 1
	return strings.Join(forms[:last], ", ") + " or " + forms[last]
}

func (o *output) flag(cmd *cobra.Command) {
	o.form = "text"
	cmd.Flags().VarP(o, "output", "o", o.choice())
	complete(cmd, "output", o.forms()...)
}

// complete offers these values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...cobra.Completion) {
	// The error says that the flag does not exist, which the next run of --help shows.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// print writes v as JSON or YAML, or calls text.
func (o *output) print(cmd *cobra.Command, v any, text func(w io.Writer) error) error {
	w := cmd.OutOrStdout()
	switch o.form {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "yaml":
		raw, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	default:
		return text(w)
	}
}

// coloured reports whether w is a terminal whose user did not say no.
func coloured(w io.Writer) bool {
	f, ok := w.(*os.File)
	_, no := os.LookupEnv("NO_COLOR")
	return ok && !no && os.Getenv("TERM") != "dumb" && isatty.IsTerminal(f.Fd())
}

// Colours of a terminal.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func paint(colour, text string) string {
	if colour == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// printTable prints rows in columns as wide as their longest cell. colour, when
// set, is asked for the colour of a cell; the last column is not padded.
func printTable(w io.Writer, rows [][]string, colour func(row, column int) string) error {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for r, row := range rows {
		for i, cell := range row {
			pad := ""
			if i < len(row)-1 {
				pad = strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2)
			}
			if colour != nil {
				cell = paint(colour(r, i), cell)
			}
			b.WriteString(cell + pad)
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cut keeps a cell of a table on one line.
func cut(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}

// counted is "1 error", "2 errors".
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	opts := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	default:
		return nil, fmt.Errorf("--log-format is text or json, not %q", format)
	}
}
