package manifest_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// compiled is the schema as an editor would read it.
func compiled(t *testing.T, environment bool) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(manifest.Schema(environment))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("manifest.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

func TestSchemaRefusesWhatIsMisspelt(t *testing.T) {
	file, level := compiled(t, false), compiled(t, true)
	for name, tc := range map[string]struct {
		text string
		ok   bool
	}{
		"a small manifest":               {"services: {web: {image: a}}", true},
		"an environment":                 {"production: {services: {web: {image: a, ports: ['80:80', {container: 90}]}}}", true},
		"a misspelt key of a service":    {"services: {web: {image: a, prots: [80]}}", false},
		"the same in an environment":     {"production: {services: {web: {image: a, prots: [80]}}}", false},
		"a misspelt key further inside":  {"services: {web: {image: a, constraints: {min_cout: 1}}}", false},
		"a misspelt key of a check":      {"services: {web: {image: a, health: {ready: {endpont: /}}}}", false},
		"a list where text must be":      {"services: {web: {image: [a]}}", false},
		"a word that does not exist":     {"services: {web: {image: a, load_balancing: fast}}", false},
		"words of YAML 1.1":              {"services: {web: {image: a, restart_on_deploy: 'no'}}", true},
		"engines by name and by mapping": {"services: {web: {image: a}}\ndatabases: [postgresql, {redis: {server: external}}]", true},
		"a key that only warns":          {"services: {web: {image: a}}\nsurprise: {a: 1}", true},
		"another spelling":               {"service: {web: {image: a}}\npostgres: {server: external}", true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(t, file, tc.text); (err == nil) != tc.ok {
				t.Errorf("%s: %v", tc.text, err)
			}
			if strings.Contains(tc.text, "production:") {
				return
			}
			if err := validate(t, level, tc.text); (err == nil) != tc.ok {
				t.Errorf("one environment: %s: %v", tc.text, err)
			}
		})
	}
}

// Whatever Parse accepts in the fixtures, the schema accepts.
func TestSchemaAcceptsTheFixturesThatParseAccepts(t *testing.T) {
	schema := compiled(t, false)
	accepted := 0
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
				if filepath.Base(f.Name) != "manifest.yml" {
					continue
				}
				out, err := manifest.Parse(one(string(f.Data)), manifest.Options{Environment: "production", Incomplete: true})
				if err != nil {
					t.Fatal(err)
				}
				refused := slices.ContainsFunc(out.Problems, func(p render.Problem) bool { return p.IsError() })
				if _, err := yaml.YAMLToJSON(f.Data); out.App == nil || refused || err != nil {
					continue
				}
				accepted++
				if err := validate(t, schema, string(f.Data)); err != nil {
					t.Errorf("%s %s: %v\n%s", path, f.Name, err, f.Data)
				}
			}
		}
	}
	if accepted < 50 {
		t.Errorf("only %d files were accepted by Parse", accepted)
	}
}
