package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// output is the flag --output.
type output struct{ form string }

func (o *output) flag(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.form, "output", "o", "text", "text, json or yaml")
}

// print writes v as JSON or YAML, or calls text.
func (o *output) print(cmd *cobra.Command, v any, text func(w io.Writer) error) error {
	w := cmd.OutOrStdout()
	switch o.form {
	case "text":
		return text(w)
	case "json":
		enc := json.NewEncoder(w)
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
		return fmt.Errorf("--output is text, json or yaml, not %q", o.form)
	}
}

// coloured reports whether w is a terminal whose user did not say no.
func coloured(w io.Writer) bool {
	f, ok := w.(*os.File)
	_, no := os.LookupEnv("NO_COLOR")
	return ok && !no && isatty.IsTerminal(f.Fd())
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
