package manual

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/reconcile"
)

// rows gives the tables of a page as first column to second, without backquotes.
func rows(page string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		if len(cells) > 3 && strings.HasPrefix(cells[1], " `") {
			found[bare(cells[1])] = bare(cells[2])
		}
	}
	return found
}

func bare(cell string) string { return strings.TrimSpace(strings.ReplaceAll(cell, "`", "")) }

func TestManualHasEveryOptionWithItsDefault(t *testing.T) {
	want := map[string]string{}
	for key, value := range options(reflect.ValueOf(config.Defaults()), "") {
		want[key] = spell(value)
	}
	// Those of an application are filled in when the file is read.
	c, err := config.Parse("rondo.yaml", []byte(`
github: { webhook_secret_file: secret }
applications: [{ name: shop, repository: "https://git.example.org/shop", service_account: deployer }]
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Apps) != 1 {
		t.Fatalf("refused: %v", c.Invalid)
	}
	app := c.Apps[0]
	want["applications[].ref"], want["applications[].environment"] = app.Ref, app.Environment
	want["applications[].namespace"] = strings.NewReplacer(app.Name, "<name>", app.Environment, "<environment>").Replace(app.Namespace)
	want["applications[].health_deadline"] = spell(reconcile.DefaultHealthDeadline)

	got := rows(read(t, "docs", "operate.md"))
	maps.DeleteFunc(got, func(key, _ string) bool { return strings.HasPrefix(key, "rondo_") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operate.md differs from rondo.yaml (- code, + manual):\n%s", diff)
	}
}

// spell writes a default as a person would.
func spell(value any) string {
	switch v := value.(type) {
	case time.Duration:
		if v == 0 {
			return ""
		}
		return regexp.MustCompile(`([hm])0[ms](0s)?$`).ReplaceAllString(v.String(), "$1")
	case []string:
		return strings.Join(v, ", ")
	case map[string]string:
		return strings.Join(slices.Sorted(maps.Keys(v)), ", ")
	case map[string]map[string]string:
		if len(v) == 0 {
			return ""
		}
		return "those that rondo comes with"
	default:
		return fmt.Sprint(v)
	}
}

var metricName = regexp.MustCompile(`^rondo_[a-z_]+$`)

func TestManualHasEveryMetric(t *testing.T) {
	var want []string
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				if name, err := strconv.Unquote(text.Value); err == nil && metricName.MatchString(name) {
					want = append(want, name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	got := slices.Sorted(maps.Keys(rows(read(t, "docs", "operate.md"))))
	got = slices.DeleteFunc(got, func(key string) bool { return !strings.HasPrefix(key, "rondo_") })
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Errorf("docs/operate.md differs from the metrics in the code (- code, + manual):\n%s", diff)
	}
}
