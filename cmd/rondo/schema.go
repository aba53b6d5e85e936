package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"rondo.dev/rondo/render/manifest"
)

func newSchema() *cobra.Command {
	var environment bool
	cmd := &cobra.Command{
		Use: "schema", Short: "Print a JSON Schema of the manifest, for editors",
		Long: `Prints a JSON Schema (draft 2020-12), made from the same table of options that lint uses.
An editor that knows it completes keys, shows what they mean and marks misspelt ones.`,
		Example: `  rondo schema > manifest.schema.json
  # then, as the first line of a manifest:
  # yaml-language-server: $schema=manifest.schema.json`,
		GroupID: "files", Args: atMost(0, "nothing is taken"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(manifest.Schema(environment))
		},
	}
	cmd.Flags().BoolVar(&environment, "environment-level", false, "the schema of what stands below the name of an environment")
	return cmd
}
