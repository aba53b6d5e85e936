package main_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mixed = `services:
  web:
    image: "example.org/web:1"
    envs: [A: x]
gateway: {name: bastion}
`

func TestLintTellsWhatBecameOfEachKey(t *testing.T) {
	t.Parallel()
	got := run{dir: folder(t, "shop", map[string]string{"manifest.yml": mixed}), args: []string{"lint", "--keys"}}.do(t)
	want := `warning: manifest.yml:4:5: service web: envs is deprecated; write a mapping env_vars: [W-DEPRECATED]
warning: manifest.yml:5:1: gateway has no effect here; remove it; the cluster has its own servers [W-NOT-APPLICABLE]
0 errors, 2 warnings, 0 infos

manifest.yml:3:5   applied         services.web.image      
manifest.yml:4:12  deprecated      services.web.envs[0].A  service web: envs is deprecated; write a mapping env_vars: [W-DEPRECATED]
manifest.yml:5:11  not_applicable  gateway.name            gateway has no effect here; remove it; the cluster has its own servers [W-NOT-APPLICABLE]
3 keys: 1 applied, 1 not applicable, 1 deprecated
`
	if diff := cmp.Diff(want, got.out); diff != "" || got.code != 0 {
		t.Errorf("exit %d; want -, got +:\n%s", got.code, diff)
	}
}

// The fields of the JSON are what programs read.
func TestLintAsJSONHoldsProblemsKeysAndCounts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"fine": mixed, "with an error": mixed + "services2: [\n"} {
		got := run{dir: folder(t, "shop", map[string]string{"manifest.yml": text}), args: []string{"lint", "-o", "json"}}.do(t)
		var out map[string]json.RawMessage
		if err := json.Unmarshal([]byte(got.out), &out); err != nil || len(out) != 3 {
			t.Fatalf("%s: %v\n%s", name, err, got.out)
		}
		for _, key := range []string{"problems", "keys"} {
			if !strings.HasPrefix(string(out[key]), "[") {
				t.Errorf("%s: %s is no list: %s", name, key, out[key])
			}
		}
		var counts map[string]int
		if err := json.Unmarshal(out["counts"], &counts); err != nil || len(counts) != 7 {
			t.Errorf("%s: counts: %v, %s", name, err, out["counts"])
		}
		if name == "fine" && (counts["applied"] != 1 || !strings.Contains(got.out, `"key": "gateway.name"`) || !strings.Contains(got.out, `"what": "gateway has no effect here"`)) {
			t.Errorf("%s", got.out)
		}
	}
}

func TestLintAsAnnotationsOfAWorkflow(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		args  []string
		code  int
		want  string
	}{
		"a warning": {map[string]string{"manifest.yml": "services: {web: {image: a}}\ngateway: {name: x}"}, nil, 0,
			"::warning file=manifest.yml,line=2,col=1,title=W-NOT-APPLICABLE::gateway has no effect here; remove it; the cluster has its own servers\n" +
				"0 errors, 1 warning, 0 infos\n"},
		"a folder below, whose name needs escapes": {map[string]string{"a,b%:/manifest.yml": "services: {web: {image: a, prots: 1}}"}, []string{"a,b%:"}, 1,
			"::error file=a%2Cb%25%3A/manifest.yml,line=1,col=28,title=E-KEY-UNKNOWN::service web: unknown key prots; write ports\n" +
				"1 error, 0 warnings, 0 infos\n"},
		"no file": {map[string]string{"README": "x"}, nil, 1,
			"::error file=manifest.yml,title=E-FILE-NONE::no manifest in the repository; add one, or set manifest: in rondo.yaml to its path\n" +
				"1 error, 0 warnings, 0 infos\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run{dir: folder(t, "shop", tc.files), args: append([]string{"lint", "-o", "github"}, tc.args...)}.do(t)
			if diff := cmp.Diff(tc.want, got.out); diff != "" || got.code != tc.code {
				t.Errorf("exit %d, want %d; want -, got +:\n%s", got.code, tc.code, diff)
			}
		})
	}
	if got := (run{dir: t.TempDir(), args: []string{"render", "-o", "github"}}).do(t); got.code != 2 || !strings.Contains(got.err, "write text, json or yaml") {
		t.Errorf("render -o github: %+v", got)
	}
}
