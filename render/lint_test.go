package render_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/workload"
)

// What a person reads first about a broken repository is its cause, with a
// place and something to do.
func TestTheFirstThingSaidIsTheCause(t *testing.T) {
	const table = "../testdata/lint/first.txt"
	archive, err := txtar.ParseFile("../testdata/lint/fixtures.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	repos := map[string]map[string]string{}
	for _, f := range archive.Files {
		name, path, _ := strings.Cut(f.Name, "/")
		if repos[name] == nil {
			repos[name] = map[string]string{}
			names = append(names, name)
		}
		repos[name][path] = string(f.Data)
	}
	var got strings.Builder
	for _, name := range names {
		in := shop
		in.Snapshot = commitOf(repos[name])
		bundle, err := render.Render(t.Context(), in, workload.Builder{})
		problems := bundle.Problems
		if err != nil {
			if problems = render.AsProblems(err); problems == nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if len(problems) == 0 {
			fmt.Fprintf(&got, "%-36s nothing\n", name)
			continue
		}
		first := render.ByUrgency(problems)[0]
		fmt.Fprintf(&got, "%-36s %s %s: %s; %s\n", name, first.Code, first.Pos, first.What, first.Fix)
		if first.IsError() && (first.Fix == "" || first.Pos.File == "") {
			t.Errorf("%s: there is nothing to do about: %v", name, first.Error())
		}
	}
	if *update {
		if err := os.WriteFile(table, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s; run with -update to accept:\n%s", table, diff)
	}
}
