package manual

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/cmd/internal/folder"
)

var fenced = regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```$")

// example is the first fenced YAML of a page that holds mark, without the
// indentation that a list gives it.
func example(t *testing.T, page, mark string) string {
	t.Helper()
	for _, match := range fenced.FindAllStringSubmatch(read(t, page), -1) {
		if !strings.Contains(match[1], mark) {
			continue
		}
		indent := len(match[1]) - len(strings.TrimLeft(match[1], " "))
		return strings.ReplaceAll("\n"+match[1], "\n"+strings.Repeat(" ", indent), "\n")
	}
	t.Fatalf("%s has no example with %q", page, mark)
	return ""
}

func TestManifestsOfTheManualRender(t *testing.T) {
	for name, tc := range map[string]struct {
		page, mark string
		want       []string // objects, among others
	}{
		"README": {"README.md", "services:", []string{"Deployment/", "Service/", "Ingress/", "PodDisruptionBudget/"}},
		"manual": {"docs/manifest.md", "services:", []string{"Deployment/", "Service/", "Ingress/"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "manifest.yml"), []byte(example(t, tc.page, tc.mark)), 0o644); err != nil {
				t.Fatal(err)
			}
			o, err := folder.Options{Dir: dir, App: "shop"}.Complete()
			if err != nil {
				t.Fatal(err)
			}
			bundle, err := folder.Render(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range bundle.Problems {
				t.Errorf("an example should have no findings: %v", &p)
			}
			var names []string
			for _, o := range bundle.Objects {
				names = append(names, o.ID.String())
			}
			for _, kind := range tc.want {
				if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, kind) }) {
					t.Errorf("no %s among %v", kind, names)
				}
			}
		})
	}
}

// Every manifest of the manual is one that could be pushed.
func TestNoExampleOfTheManualHasAnError(t *testing.T) {
	examples := fenced.FindAllStringSubmatch(read(t, "docs/manifest.md"), -1)
	if len(examples) < 8 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, match := range examples {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "manifest.yml"), []byte(match[1]), 0o644); err != nil {
			t.Fatal(err)
		}
		o, err := folder.Options{Dir: dir, App: "shop"}.Complete()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := folder.Render(t.Context(), o); err != nil {
			t.Errorf("%v in\n%s", err, match[1])
		}
	}
}

func TestReadmesManifestHasTenLines(t *testing.T) {
	if lines := strings.Count(strings.TrimSpace(example(t, "README.md", "services:")), "\n") + 1; lines > 10 {
		t.Errorf("it has %d lines", lines)
	}
}

func TestReadmesValuesInstall(t *testing.T) {
	objects, _ := chart(t, "rondo-system", example(t, "README.md", "existingSecret"))
	c, err := config.Parse("rondo.yaml", []byte(rondoYAML(t, objects)))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Invalid) > 0 || len(c.Apps) != 1 {
		t.Errorf("applications %v, refused: %v", c.Apps, c.Invalid)
	}
	find(t, objects, "Ingress/rondo")
}
