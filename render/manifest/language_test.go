package manifest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
)

// each visits every row of the table with its path.
func each(options []Option, path string, visit func(path string, o Option)) {
	for _, o := range options {
		p := join(path, o.Name)
		visit(p, o)
		if o.Keys != nil {
			if o.Named {
				p += ".<name>"
			}
			each(o.Keys(), p, visit)
		}
	}
}

func TestEveryOptionIsReadOrSaysWhyNot(t *testing.T) {
	unbuilt := map[string]bool{} // paths of which everything below is not built
	each(Language(), "", func(path string, o Option) {
		parent := path[:max(0, strings.LastIndexByte(path, '.'))]
		parent = strings.TrimSuffix(parent, ".<name>")
		idle := unbuilt[parent] || o.NotBuilt && o.at == nil || o.Disposition == render.NotApplicable
		if unbuilt[path] = idle; idle {
			return
		}
		if o.Disposition == render.Applied && !o.Read() && o.Keys == nil {
			t.Errorf("%s is applied, but nothing reads it", path)
		}
	})
}

func TestRowsOfTheTableAreWellFormed(t *testing.T) {
	each(Language(), "", func(path string, o Option) {
		switch {
		case o.Name == "" || o.Name != strings.ToLower(o.Name):
			t.Errorf("%s: the name is %q", path, o.Name)
		case o.Disposition == render.Unknown && (o.Hint == "" || o.Doc != ""):
			t.Errorf("%s is no option, so it has a hint and nothing else", path)
		case o.Disposition == render.Unknown:
		case o.Shape == 0:
			t.Errorf("%s has no shape", path)
		case !strings.HasSuffix(o.Doc, "."):
			t.Errorf("%s: the doc line %q is no sentence", path, o.Doc)
		case (o.Disposition == render.Deprecated || o.Disposition == render.Rejected) && o.Hint == "":
			t.Errorf("%s is %s but does not say what to use", path, o.Disposition)
		case o.Disposition == render.Rejected && o.Code == "":
			t.Errorf("%s is rejected without a code", path)
		case len(o.Words) > 0 && o.Shape&Text == 0:
			t.Errorf("%s has words but takes no text", path)
		case o.Words != nil && o.Default != "" && !slices.Contains(o.Words, o.Default):
			t.Errorf("%s: the default %q is not one of %v", path, o.Default, o.Words)
		}
	})
}

func TestNoKeyStandsTwiceInATable(t *testing.T) {
	seen := map[string]bool{}
	each(Language(), "", func(path string, o Option) {
		if seen[path] {
			t.Errorf("%s stands twice", path)
		}
		seen[path] = true
	})
	for _, path := range []string{"services.<name>.constraints.resources.limits.memory", "docker.configuration.activeprotect.health_check.cooldown",
		"mysql.groups.<name>.configuration.encoding", "load_balancer.configuration.errorfile_503", "jobs.<name>.schedule"} {
		if !seen[path] {
			t.Errorf("the table has no %s", path)
		}
	}
}

func TestCodesAreThoseThatTheSourcesUse(t *testing.T) {
	known := map[string]bool{}
	for _, c := range Codes() {
		if known[c.Name] || c.Meaning == "" {
			t.Errorf("%s stands twice or has no meaning", c.Name)
		}
		known[c.Name] = true
	}
	files, err := filepath.Glob("*.go")
	below, belowErr := filepath.Glob("../bounds/*.go")
	if err != nil || belowErr != nil || len(below) == 0 {
		t.Fatal(err, belowErr, below)
	}
	files = append(files, below...)
	used := map[string]bool{}
	for _, name := range files {
		if name == "codes.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"([EWI]-[A-Z0-9-]+)"`).FindAllSubmatch(b, -1) {
			used[string(m[1])] = true
			if !known[string(m[1])] {
				t.Errorf("%s uses %s, which Codes does not list", name, m[1])
			}
		}
	}
	for code := range known {
		if !used[code] {
			t.Errorf("nothing uses %s", code)
		}
	}
}

func TestNearestFindsWhatWasMeant(t *testing.T) {
	for name, tc := range map[string]struct {
		word string
		in   []string
		want string
	}{
		"a letter too few":         {"helth", []string{"health", "hosts"}, "health"},
		"two letters swapped":      {"prots", []string{"requires", "ports"}, "ports"},
		"a dash for an underscore": {"stop-grace", []string{"stop_grace"}, "stop_grace"},
		"the closest of two":       {"imagee", []string{"imagexx", "image"}, "image"},
		"too far":                  {"restart", []string{"requires"}, ""},
		"too short to tell":        {"ab", []string{"abc"}, ""},
		"itself is no suggestion":  {"image", []string{"image"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Nearest(tc.word, tc.in); got != tc.want {
				t.Errorf("Nearest(%q, %v) = %q, want %q", tc.word, tc.in, got, tc.want)
			}
		})
	}
}
