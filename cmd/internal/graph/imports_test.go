package graph

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// mayImport is the whole graph: what else of rondo each package may import. A
// row for "render/*" is for all packages below render that have none of their own.
var mayImport = map[string][]string{
	"sources":         {},
	"sources/*":       {"sources"},
	"render":          {"sources"},
	"render/*":        {"sources", "render", "render/manifest"},
	"render/bounds":   {"sources", "render"},
	"render/manifest": {"sources", "render", "render/bounds"},
	"render/kustomize": {
		"sources", "render", "render/manifest", "render/bounds", "render/validate"},
	"render/workload": {
		"sources", "render", "render/manifest", "render/data", "render/edge", "render/validate"},
	"reconcile/plan":   {"sources", "render"},
	"reconcile/health": {"sources", "render"},
	"reconcile/score":  {"sources", "render", "reconcile/plan", "reconcile/health"},
	"reconcile":        {"sources", "render", "reconcile/plan", "reconcile/health", "reconcile/score"},
	"reconcile/cluster": {
		"sources", "render", "reconcile/plan", "reconcile/health", "reconcile/score"},
	"reconcile/ledger": {
		"sources", "render", "reconcile/plan", "reconcile/health", "reconcile/score", "reconcile"},
	"reconcile/probe":    {"sources", "render", "reconcile/health"},
	"reconcile/kubetest": {},
	"notify": {
		"sources", "render", "reconcile/plan", "reconcile/health", "reconcile/score", "reconcile"},
	"notify/*": {
		"sources", "render", "reconcile/plan", "reconcile/health", "reconcile/score", "reconcile", "notify"},
	"notify/githubtest": {"sources"},
	"charts":            {},
}

// playgrounds are the programs that run on test servers.
var playgrounds = []string{"cmd/demo", "cmd/internal/bench"}

func TestEachPackageImportsOnlyWhatItsRowSays(t *testing.T) {
	for name, p := range ours(t) {
		if within(name, "cmd") {
			continue
		}
		allowed, ok := mayImport[name]
		if !ok {
			allowed, ok = mayImport[path.Dir(name)+"/*"]
		}
		if !ok {
			t.Errorf("%s has no row in mayImport; say what it may import", name)
			continue
		}
		for _, imported := range p.Imports {
			if dep, mine := below(imported); mine && !slices.Contains(allowed, dep) {
				t.Errorf("%s imports %s; it may import %v", name, dep, allowed)
			}
		}
	}
}

func TestNothingImportsCmd(t *testing.T) {
	for name, p := range ours(t) {
		if within(name, "cmd") {
			continue
		}
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if dep, _ := below(imported); within(dep, "cmd") {
				t.Errorf("%s imports %s", name, dep)
			}
		}
	}
}

func TestOnlyTestsAndPlaygroundsImportTestPackages(t *testing.T) {
	for name, p := range ours(t) {
		if strings.HasSuffix(name, "test") || slices.Contains(playgrounds, name) {
			continue
		}
		for _, imported := range p.Imports {
			if dep, mine := below(imported); mine && strings.HasSuffix(dep, "test") || imported == "testing" {
				t.Errorf("%s imports %s outside its tests", name, imported)
			}
		}
	}
}

// homes names, for each big dependency, the only trees of packages that import
// it. What a test needs is not counted.
var homes = map[string][]string{
	"github.com/go-git/go-git":    {"sources/git", "sources/gittest"},
	"golang.org/x/crypto/ssh":     {"sources/git", "sources/gittest"},
	"github.com/google/go-github": {"sources/github", "sources/webhook", "notify/github", "notify/githubtest"},
	"github.com/bradleyfalzon":    {"sources/github"},
	// Kubernetes reads the schedule of a CronJob with the same library.
	"github.com/robfig/cron":                 {"sources/poll", "render/manifest"},
	"github.com/labstack/echo":               {"sources/webhook", "cmd/internal/daemon", "cmd/internal/dashboard"},
	"github.com/moby/buildkit":               {"sources/build"},
	"sigs.k8s.io/kustomize":                  {"render/kustomize"},
	"k8s.io/client-go":                       {"reconcile/cluster", "reconcile/kubetest", "cmd"},
	"sigs.k8s.io/structured-merge-diff":      {"reconcile/plan", "reconcile/cluster"},
	"github.com/pressly/goose":               {"reconcile/ledger"},
	"modernc.org/sqlite":                     {"reconcile/ledger"},
	"github.com/jackc/pgx":                   {"reconcile/ledger"},
	"github.com/getkin/kin-openapi":          {"notify/githubtest"},
	"github.com/google/go-containerregistry": {"sources/build", "cmd/internal/image"},
	"github.com/spf13/cobra":                 {"cmd"},
}

func TestEachBigDependencyStaysAtHome(t *testing.T) {
	for name, p := range ours(t) {
		for _, imported := range p.Imports {
			for dep, trees := range homes {
				if within(imported, dep) && !slices.ContainsFunc(trees, func(tree string) bool { return within(name, tree) }) {
					t.Errorf("%s imports %s, whose home is %v", name, imported, trees)
				}
			}
		}
	}
}

// never names what a package must not reach, however many imports away.
var never = map[string][]string{
	"reconcile/plan":   {"k8s.io/client-go", "database/sql", "net/http"},
	"reconcile/health": {"k8s.io/client-go", "database/sql"},
	"reconcile/score":  {"k8s.io/client-go", "database/sql"},
	"render":           {"k8s.io/client-go", "database/sql", "net/http", module + "/reconcile", module + "/notify"},
	"render/*":         {"k8s.io/client-go", "database/sql", module + "/reconcile", module + "/notify"},
	// kustomize's schema library knows SQL's scanners; it opens no database.
	"render/kustomize": {"k8s.io/client-go", module + "/reconcile", module + "/notify"},
	"sources/*":        {"k8s.io/client-go", "database/sql", module + "/render", module + "/reconcile"},
	"reconcile":        {"k8s.io/client-go", "database/sql"},
}

func TestPurePackagesReachNothingThatTouchesTheWorld(t *testing.T) {
	for name, p := range ours(t) {
		forbidden := never[name]
		if forbidden == nil {
			forbidden = never[path.Dir(name)+"/*"]
		}
		for _, dep := range p.Deps {
			if slices.ContainsFunc(forbidden, func(tree string) bool { return within(dep, tree) }) {
				t.Errorf("%s reaches %s; it must compute, not fetch", name, dep)
			}
		}
	}
}

func TestWordsCarryLittle(t *testing.T) {
	for name, allowed := range map[string][]string{
		"sources": nil,
		"render":  nil,
		"reconcile": {
			"github.com/prometheus/client_golang/prometheus", "k8s.io/apimachinery/pkg/api/errors"},
	} {
		for _, imported := range ours(t)[name].Imports {
			_, mine := below(imported)
			if !mine && !all(t)[imported].Standard && !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s; beyond rondo and the standard library it may import %v", name, imported, allowed)
			}
		}
	}
}
