package manifest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/render/manifest"
)

// The reference in the manual is made from the table; -update makes it anew.
func TestManualIsThatOfTheTable(t *testing.T) {
	if testing.Short() && !*update {
		t.Skip("compared in whole runs")
	}
	const page = "../../docs/manifest.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want, err := manifest.Page(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("docs/manifest.md is stale; run with -update (want -, got +):\n%s", diff)
	}
}

func TestManualNamesEveryCodeAndOption(t *testing.T) {
	text := manifest.Manual()
	for _, c := range manifest.Codes() {
		if !strings.Contains(text, "| `"+c.Name+"` |") {
			t.Errorf("no row for %s", c.Name)
		}
	}
	for _, part := range []string{"| `services.<name>.health.ready.http_headers.name` |", "| `jobs.<name>.schedule`", "### rails, rack, sinatra, padrino, node",
		"| `docker.configuration.activeprotect.health_check.on_failure` † |", "| `server.same_as` |"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q", part)
		}
	}
}
