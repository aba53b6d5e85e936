package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestAFolderIsLintedRenderedAndScored(t *testing.T) {
	t.Parallel()
	bad := strings.Replace(good, "traffic_matches", "trafic_matches", 1)
	for name, tc := range map[string]struct {
		manifest string
		args     []string
		code     int
		out, err string // parts of what is printed
	}{
		"lint says that all is well":               {good, []string{"lint"}, 0, "no findings\n", ""},
		"lint names the place and the fix":         {bad, []string{"lint"}, 1, "error: manifest.yml:7:5: service web: unknown key trafic_matches; write traffic_matches [E-KEY-UNKNOWN]\n1 error, 0 warnings, 0 infos\n", ""},
		"lint of nothing":                          {"", []string{"lint"}, 1, "the file is empty", ""},
		"lint of a folder that is not there":       {good, []string{"lint", "nope"}, 2, "", "rondo: nope does not exist\n"},
		"lint of two folders":                      {good, []string{"lint", ".", "."}, 2, "", "2 arguments given, one folder or manifest is taken; see rondo lint --help"},
		"lint of the manifest itself":              {bad, []string{"lint", "./manifest.yml"}, 1, "error: manifest.yml:7:5: service web: unknown key trafic_matches", ""},
		"lint of a manifest in a manifest":         {bad, []string{"lint", "manifest.yml", "--manifest", "manifest.yml"}, 2, "", "rondo: manifest.yml is no folder\n"},
		"render prints documents in order":         {good, []string{"render", "."}, 0, "---\n# manifest.yml:2:13\napiVersion: v1\n", ""},
		"render puts faults on standard error":     {bad, []string{"render"}, 1, "", "unknown key trafic_matches"},
		"render into a namespace":                  {good, []string{"render", "-n", "elsewhere"}, 0, "namespace: elsewhere\n", ""},
		"score tells the letter and the reasons":   {good, []string{"score"}, 0, "StackScore C", ""},
		"score puts faults on standard error":      {bad, []string{"score"}, 1, "", "unknown key trafic_matches"},
		"schema prints one of JSON":                {good, []string{"schema", "--environment-level"}, 0, `"$ref": "#/$defs/environment"`, ""},
		"an unknown flag":                          {good, []string{"lint", "--ouput", "json"}, 2, "", "rondo: unknown flag: --ouput; see rondo lint --help\n"},
		"an unknown form":                          {good, []string{"lint", "-o", "xml"}, 2, "", "write text, json, yaml or github"},
		"an unknown command":                       {good, []string{"lnt"}, 2, "", "Did you mean this?\n\tlint"},
		"an environment that the manifest has not": {good, []string{"lint", "-e", "staging"}, 0, "no findings", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run{dir: folder(t, "shop", map[string]string{"manifest.yml": tc.manifest}), args: tc.args}.do(t)
			if got.code != tc.code || !strings.Contains(got.out, tc.out) || !strings.Contains(got.err, tc.err) {
				t.Errorf("exit %d, want %d\n%s%s\nwant %q and %q", got.code, tc.code, got.out, got.err, tc.out, tc.err)
			}
			if (tc.err == "") != (got.err == "") || tc.out == "" && got.out != "" {
				t.Errorf("on the wrong stream:\nout %q\nerr %q", got.out, got.err)
			}
			if strings.Contains(got.out+got.err, "\x1b") {
				t.Errorf("colour in a pipe: %q", got.out+got.err)
			}
		})
	}
}

// TestPrintedFormsAreRead by the parsers of their forms; both say the same.
func TestPrintedFormsAreRead(t *testing.T) {
	t.Parallel()
	dir := folder(t, "shop", map[string]string{"manifest.yml": good})
	for _, command := range []string{"lint", "render", "score"} {
		asJSON, asYAML := run{dir: dir, args: []string{command, "-o", "json"}}.do(t), run{dir: dir, args: []string{command, "-o", "yaml"}}.do(t)
		var a, b any
		if err := json.Unmarshal([]byte(asJSON.out), &a); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if command == "render" {
			list, ok := a.(map[string]any)
			if items, _ := list["items"].([]any); !ok || list["kind"] != "List" || len(items) != strings.Count(asYAML.out, "\n---\n")+1 {
				t.Errorf("render: %v is no List of the objects", a)
			}
			continue
		}
		if err := yaml.Unmarshal([]byte(asYAML.out), &b); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		if x, y := marshal(t, a), marshal(t, b); x != y {
			t.Errorf("%s: JSON says %s, YAML %s", command, x, y)
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestEveryCommandHasHelpThatFitsATerminal(t *testing.T) {
	t.Parallel()
	root := rondo(t, "--help")
	commands := []string{""}
	for _, name := range []string{"lint", "render", "plan", "score", "schema", "serve", "status", "sync", "pause", "resume", "remove"} {
		if !strings.Contains(root.out, "\n  "+name+" ") {
			t.Errorf("rondo --help does not list %s", name)
		}
		commands = append(commands, name)
	}
	for _, name := range commands {
		got := rondo(t, append(strings.Fields(name), "--help")...)
		if got.code != 0 || got.err != "" || !strings.Contains(got.out, "\nUsage:\n") || !strings.Contains(got.out, "\nExamples:\n") {
			t.Errorf("rondo %s --help: exit %d, %q\n%s", name, got.code, got.err, got.out)
		}
		for line := range strings.Lines(got.out) {
			if n := len(strings.TrimSuffix(line, "\n")); n > 100 {
				t.Errorf("rondo %s --help has a line of %d characters: %s", name, n, line)
			}
		}
	}
	if got := rondo(t, "--version"); got.code != 0 || !strings.HasPrefix(got.out, "rondo version ") {
		t.Errorf("--version: %+v", got)
	}
	if got := rondo(t, "completion", "bash"); got.code != 0 || !strings.Contains(got.out, "complete") {
		t.Errorf("completion: exit %d %s", got.code, got.err)
	}
}

func TestServeChecksItsFile(t *testing.T) {
	t.Parallel()
	const head = "github: { webhook_secret_file: secret }\naccess: []\n"
	app := "- { name: shop, repository: 'https://github.com/acme/shop', service_account: deployer }\n"
	for name, tc := range map[string]struct {
		file string
		code int
		out  string
		err  string
	}{
		"a good file":                 {head + "applications:\n" + app, 0, "rondo.yaml is in order: 1 application\n", ""},
		"an unknown key":              {head + "aplications:\n" + app, 1, "rondo.yaml:3", ""},
		"one application of two":      {head + "applications:\n" + app + strings.Replace(strings.Replace(app, "shop,", "blog,", 1), "https://github.com", "ext::sh", 1), 1, "2 applications, 1 refused\n", ""},
		"without a webhook secret":    {"applications:\n" + app, 1, "webhook_secret_file is missing", ""},
		"no YAML":                     {"\t{", 1, "rondo.yaml:1", ""},
		"a file that does not exist ": {"", 2, "", "name the daemon's file with --config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"other": ""}
			if tc.file != "" {
				files["rondo.yaml"] = tc.file
			}
			got := run{dir: folder(t, "etc", files), args: []string{"serve", "--check", "--config", "rondo.yaml"}}.do(t)
			if got.code != tc.code || !strings.Contains(got.out, tc.out) || !strings.Contains(got.err, tc.err) {
				t.Errorf("exit %d, want %d\n%s%s\nwant %q and %q", got.code, tc.code, got.out, got.err, tc.out, tc.err)
			}
		})
	}
}
