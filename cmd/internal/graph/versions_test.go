package graph

import (
	"testing"

	"golang.org/x/mod/semver"
)

// floor names, for modules with published flaws, the first version without them.
// It has to be raised by hand when a new flaw is published.
var floor = map[string]string{
	"github.com/go-git/go-git/v5":   "v5.19.2", // CVE-2026-71556, CVE-2026-71557: links, ref names
	"github.com/go-git/go-billy/v5": "v5.9.0",  // CVE-2026-44740, CVE-2026-44973: link loops, traversal
	"github.com/labstack/echo/v4":   "v4.9.0",  // CVE-2022-40083: open redirect
	"gopkg.in/yaml.v3":              "v3.0.1",  // CVE-2022-28948: panic on hostile input
	"gopkg.in/yaml.v2":              "v2.2.8",  // CVE-2019-11254: CPU time
	"go.yaml.in/yaml/v2":            "v2.2.8",
	"go.yaml.in/yaml/v3":            "v3.0.1",
	"go.opentelemetry.io/contrib/instrumentation/github.com/labstack/echo/otelecho": "v0.44.0", // CVE-2023-45142: memory
}

func TestNoModuleIsOlderThanItsLastKnownFlaw(t *testing.T) {
	seen := map[string]string{}
	for _, p := range all(t) {
		if p.Module != nil {
			seen[p.Module.Path] = p.Module.Version
		}
	}
	for path, least := range floor {
		if has, linked := seen[path]; linked && semver.Compare(has, least) < 0 {
			t.Errorf("%s is %s; %s is the first version without known flaws", path, has, least)
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d modules are linked; the list is broken", len(seen))
	}
}
