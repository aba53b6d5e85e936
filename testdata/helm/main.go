// Command helm renders a chart as "helm template" does, without a cluster.
//
//	helm CHART RELEASE NAMESPACE VALUES
//
// VALUES is a file with the user's values; "-" reads them from standard input.
// The documents go to standard output in Helm's order of installation, each
// with the template it came from, and what NOTES.txt says follows as comments.
//
// It is a module of its own, because Helm's library brings many dependencies
// that rondo itself does not want.
package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: helm CHART RELEASE NAMESPACE VALUES")
		os.Exit(2)
	}
	if err := render(os.Stdout, os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render(out io.Writer, dir, release, namespace, file string) error {
	chart, err := loader.Load(dir)
	if err != nil {
		return fmt.Errorf("load %s: %w", dir, err)
	}
	in := os.Stdin
	if file != "-" {
		if in, err = os.Open(file); err != nil {
			return err
		}
		defer in.Close()
	}
	raw, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("read values: %w", err)
	}
	given, err := chartutil.ReadValues(raw)
	if err != nil {
		return fmt.Errorf("read values: %w", err)
	}
	// This checks the values against the chart's schema, too.
	values, err := chartutil.ToRenderValues(chart, given,
		chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return err
	}
	files, err := engine.Render(chart, values)
	if err != nil {
		return err
	}
	var notes string
	for name, content := range files {
		if path.Base(name) == "NOTES.txt" {
			notes = content
			delete(files, name)
		}
	}
	_, manifests, err := releaseutil.SortManifests(files, chartutil.DefaultVersionSet, releaseutil.InstallOrder)
	if err != nil {
		return err
	}
	for _, m := range manifests {
		fmt.Fprintf(out, "---\n# Source: %s\n%s\n", m.Name, m.Content)
	}
	for line := range strings.Lines(notes) {
		fmt.Fprint(out, "# ", line)
	}
	return nil
}
