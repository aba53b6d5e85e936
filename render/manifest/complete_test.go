package manifest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
)

// listed reads testdata/language: the options that the language has, by path,
// with what becomes of each. README.md there tells the form.
func listed(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/language/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("testdata/language: %d files, %v", len(paths), err)
	}
	out := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sets := map[string]string{}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			for _, name := range slices.Backward(slices.Sorted(maps.Keys(sets))) { // $engines before $engine
				line = strings.ReplaceAll(line, "$"+name, sets[name])
			}
			if definition, ok := strings.CutPrefix(line, "let "); ok {
				name, value, _ := strings.Cut(definition, " = ")
				sets[name] = "{" + value + "}"
				continue
			}
			options, disposition, ok := strings.Cut(line, " ")
			if !ok {
				t.Fatalf("%s: %q has no disposition", path, line)
			}
			for _, option := range braces(options) {
				if out[option] != "" {
					t.Errorf("%s: %s is listed twice", path, option)
				}
				out[option] = disposition
			}
		}
	}
	return out
}

// braces expands a{b,c{d,e}} as a shell does.
func braces(s string) []string {
	open := strings.IndexByte(s, '{')
	if open < 0 {
		return []string{s}
	}
	var parts []string
	depth, from := 0, open+1
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case ',':
			if depth == 1 {
				parts = append(parts, s[from:i])
				from = i + 1
			}
		case '}':
			if depth--; depth > 0 {
				continue
			}
			parts = append(parts, s[from:i])
			var out []string
			for _, part := range parts {
				out = append(out, braces(s[:open]+part+s[i+1:])...)
			}
			return out
		}
	}
	return []string{s}
}

// leafRows gives the options that hold no others, with what becomes of each.
func leafRows(options []Option, path, around string, out map[string]string) {
	for _, o := range options {
		if o.Disposition == render.Unknown {
			continue
		}
		at, fate := join(path, o.Name), string(o.Disposition)
		switch {
		case around != "":
			fate = around
		case o.NotBuilt:
			fate = "not_built"
		}
		if o.Keys == nil {
			out[at] = fate
			continue
		}
		if fate == string(render.Applied) || fate == string(render.Translated) || fate == string(render.Once) {
			fate = ""
		}
		if o.Named {
			at += ".<name>"
		}
		leafRows(o.Keys(), at, fate, out)
	}
}

// The table has all options of the language and no others, and what it says of
// each is what the list says.
func TestTableIsComplete(t *testing.T) {
	if testing.Short() {
		t.Skip("compared in whole runs")
	}
	want, got := listed(t), map[string]string{}
	leafRows(Language(), "", "", got)
	var wrong []string
	wantCounts, gotCounts := map[string]int{}, map[string]int{}
	for path, disposition := range want {
		has, ok := got[path]
		switch {
		case !ok:
			wrong = append(wrong, path+" is missing in the table")
		case disposition == "elsewhere":
			continue
		case has != disposition:
			wrong = append(wrong, fmt.Sprintf("%s is %s, listed as %s", path, has, disposition))
		}
		wantCounts[disposition]++
	}
	for path, disposition := range got {
		switch want[path] {
		case "":
			wrong = append(wrong, path+" is not listed")
		case "elsewhere":
			continue
		}
		gotCounts[disposition]++
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		t.Errorf("%d differences:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	for _, d := range slices.Sorted(maps.Keys(wantCounts)) {
		t.Logf("%-15s %4d listed %4d in the table", d, wantCounts[d], gotCounts[d])
	}
	if !maps.Equal(wantCounts, gotCounts) {
		t.Errorf("counts differ: listed %v, in the table %v", wantCounts, gotCounts)
	}
}
