package manifest_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// table gives the keys of each leaf as "path disposition code".
func table(t *testing.T, text string, o manifest.Options) string {
	t.Helper()
	out, err := manifest.Parse(one(text), o)
	if err != nil {
		t.Fatal(err)
	}
	render.Mark(out.Keys, out.Problems)
	var b strings.Builder
	for _, k := range out.Keys {
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprintf("%d:%d %s %s %s", k.Pos.Line, k.Pos.Column, k.Path, k.Disposition, k.Code)))
	}
	return b.String()
}

func TestEachLeafKeyHasADisposition(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"an option that is followed": {
			"services:\n  web:\n    image: a",
			"3:5 services.web.image applied\n"},
		"lists of scalars are one leaf, items of others count": {
			"services: {web: {image: a, requires: [], ports: [80, {container: 90, http: 80}], command: [a, b]}}",
			"1:18 services.web.image applied\n1:28 services.web.requires applied\n1:50 services.web.ports[0] applied\n" +
				"1:55 services.web.ports[1].container applied\n1:70 services.web.ports[1].http applied\n1:82 services.web.command applied\n"},
		"names that users choose": {
			"services: {web: {image: a, env_vars: {A: x}, annotations: {b/c: y}}}\nenvironment_variables: {D: z}",
			"1:18 services.web.image applied\n1:39 services.web.env_vars.A applied\n1:60 services.web.annotations.b/c applied\n" +
				"2:25 environment_variables.D applied\n"},
		"a misspelt key takes along what is below": {
			"services: {web: {image: a, constrains: {min_count: 1}}}\nnot_there: {a: {b: 1}}",
			"1:18 services.web.image applied\n1:41 services.web.constrains.min_count unknown E-KEY-UNKNOWN\n2:17 not_there.a.b unknown W-KEY-UNKNOWN\n"},
		"strict makes every unknown key an error": {
			"strict: true\nservices: {web: {image: a}}\nnot_there: 1",
			"1:1 strict applied\n2:18 services.web.image applied\n3:1 not_there unknown E-KEY-UNKNOWN\n"},
		"what has no meaning here": {
			"services: {web: {image: a}}\ngateway: {name: x, servers: [{server: {region: y}}]}",
			"1:18 services.web.image applied\n2:11 gateway.name not_applicable W-NOT-APPLICABLE\n" +
				"2:40 gateway.servers[0].server.region not_applicable W-NOT-APPLICABLE\n"},
		"what is not accepted": {
			"services: {web: {image: a, stop_grace: soon, use_habitus: true}}",
			"1:18 services.web.image applied\n1:28 services.web.stop_grace rejected E-VALUE\n1:46 services.web.use_habitus rejected E-HABITUS\n"},
		"older forms": {
			"services: {web: {image: a, envs: [A: x], constraints: {resources: {memory: 64M, min_count: 2}}}}",
			"1:18 services.web.image applied\n1:35 services.web.envs[0].A deprecated W-DEPRECATED\n" +
				"1:68 services.web.constraints.resources.memory deprecated W-DEPRECATED\n" +
				"1:81 services.web.constraints.resources.min_count deprecated W-KEY-MOVED\n"},
		"health of version 1": {
			"services: {web: {image: a, ports: [80], health: {endpoint: /up, accept: ['200']}}}",
			"1:18 services.web.image applied\n1:28 services.web.ports applied\n" +
				"1:50 services.web.health.endpoint translated I-TRANSLATED\n1:65 services.web.health.accept translated I-TRANSLATED\n"},
		"databases in lists": {
			"services: {web: {image: a}}\ndatabases: [{redis: {server: external, host: db.example.org}}]",
			"1:18 services.web.image applied\n2:22 databases[0].redis.server applied\n2:40 databases[0].redis.host applied\n"},
		"a warning about a value does not change what becomes of it": {
			"services: {web: {image: a, env_vars: {A: yes}}}",
			"1:18 services.web.image applied\n1:39 services.web.env_vars.A applied W-ENV-TYPE\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, table(t, tc.text, manifest.Options{})); diff != "" {
				t.Errorf("%s\nwant -, got +:\n%s", tc.text, diff)
			}
		})
	}
}

func TestAnEnvironmentReplacesKeys(t *testing.T) {
	text := "services: {web: {image: a, stop_grace: 5}}\nstaging:\n  services: {web: {image: b}}\nother:\n  services: {web: {image: c}}\n"
	want := "1:28 services.web.stop_grace applied\n3:20 services.web.image applied\n"
	if diff := cmp.Diff(want, table(t, text, manifest.Options{Environment: "staging"})); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// leaves are the places of the leaf keys of a YAML text, found without rondo.
func leaves(n *yaml.Node, at *yaml.Node, visit func(line, column int)) {
	scalars := func(items []*yaml.Node) bool {
		return !slices.ContainsFunc(items, func(item *yaml.Node) bool { return item.Kind != yaml.ScalarNode })
	}
	switch {
	case n.Kind == yaml.DocumentNode:
		leaves(n.Content[0], n.Content[0], visit)
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		for i := 0; i+1 < len(n.Content); i += 2 {
			leaves(n.Content[i+1], n.Content[i], visit)
		}
	case n.Kind == yaml.SequenceNode && !scalars(n.Content):
		for _, item := range n.Content {
			leaves(item, item, visit)
		}
	default:
		visit(at.Line, at.Column)
	}
}

// Nothing is dropped in silence: whatever stands in the fixtures is in the list
// of keys, once. Files with aliases or environments have tests of their own.
func TestEveryLeafOfTheFixturesIsListedOnce(t *testing.T) {
	compared := 0
	for _, pattern := range []string{"../../testdata/manifest/*.txtar", "../../testdata/render/*.txtar"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range archive.Files {
				var tree yaml.Node
				if filepath.Base(f.Name) != "manifest.yml" || strings.Contains(string(f.Data), "&") || strings.Contains(string(f.Data), "<<") || yaml.Unmarshal(f.Data, &tree) != nil || tree.Kind == 0 {
					continue
				}
				out, err := manifest.Parse(one(string(f.Data)), manifest.Options{Environment: "none of them"})
				if err != nil {
					t.Fatal(err)
				}
				if len(out.Keys) == 0 || slices.ContainsFunc(tree.Content[0].Content, isEnvironment) {
					continue
				}
				compared++
				want, got := map[string]int{}, map[string]int{}
				leaves(&tree, nil, func(line, column int) { want[fmt.Sprint(line, ":", column)]++ })
				for _, k := range out.Keys {
					got[fmt.Sprint(k.Pos.Line, ":", k.Pos.Column)]++
					if !slices.Contains(render.Dispositions(), k.Disposition) {
						t.Errorf("%s %s: %s is %q", path, f.Name, k.Path, k.Disposition)
					}
				}
				render.Mark(out.Keys, out.Problems)
				told, listed := 0, 0
				for _, p := range out.Problems {
					if strings.HasSuffix(p.Code, "-KEY-UNKNOWN") {
						told++
					}
				}
				for _, k := range out.Keys {
					if k.Disposition == render.Unknown {
						listed++
					}
				}
				if listed > 0 && told == 0 || told > 0 && listed == 0 {
					t.Errorf("%s %s: %d unknown keys are told, %d listed\n%s\n%v", path, f.Name, told, listed, f.Data, out.Keys)
				}
				if !maps.Equal(want, got) {
					t.Errorf("%s %s: leaves want -, got +:\n%s\n%s", path, f.Name, cmp.Diff(want, got), f.Data)
				}
			}
		}
	}
	if compared < 50 {
		t.Errorf("only %d files compared", compared)
	}
}

// isEnvironment recognises the node of an environment by what the language has
// in it.
func isEnvironment(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		for _, o := range manifest.Language() {
			if name := n.Content[i].Value; name == o.Name && o.Disposition != render.Unknown && name != "version" && name != "default" {
				return true
			}
		}
	}
	return false
}

// A name that may be a value at the wrong place is not shown.
func TestKeysCarryNoValues(t *testing.T) {
	const secret = "hunter2hunter2"
	text := "services: {web: {image: a, env_vars: {A: " + secret + "}, 'PASSWORD:" + secret + "': 1}}\nenvironment_variables: {'PASSWORD=" + secret + "': x}"
	if got := table(t, text, manifest.Options{}); strings.Contains(got, secret) || !strings.Contains(got, "PASSWORD…") {
		t.Errorf("the keys hold a value:\n%s", got)
	}
}
