package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

func TestTextIsAligned(t *testing.T) {
	o := &render.Object{}
	p := Plan{
		Changes: []Change{
			{Action: Create, ID: render.ID{Kind: "ConfigMap", Namespace: "shop", Name: "env-v2"}, Origin: sources.Position{File: "env.yaml", Line: 1, Column: 3}, Object: o},
			{Action: Unchanged, ID: render.ID{Kind: "ConfigMap", Namespace: "shop", Name: "a-name-that-is-much-longer-than-all"}},
			{Action: Heal, ID: render.ID{Kind: "Deployment", Namespace: "shop", Name: "web"}, Origin: sources.Position{File: "manifest.yml", Line: 12}, Object: o,
				Reason: "spec.replicas taken by kubectl (scale)",
				Fields: []FieldChange{{Field: "spec.replicas", Live: "5", Want: "2", Manager: "kubectl (scale)"}, {Field: "spec.x", Want: "1"}, {Field: "spec.y", Live: "1"}}},
			{Action: Prune, ID: render.ID{Kind: "ConfigMap", Namespace: "shop", Name: "env"}, Reason: "gone from git"},
		},
		Refused: []render.Problem{{Pos: sources.Position{File: "a.yml", Line: 2}, Code: "E-OBJECT-OWNED", What: "Service/shop/web belongs to application other", Fix: "rename it"}},
		Held:    "would delete all",
	}
	want := `create    ConfigMap/shop/env-v2   env.yaml:1
heal      Deployment/shop/web     manifest.yml:12   spec.replicas taken by kubectl (scale)
          spec.replicas: 5 → 2   by kubectl (scale)
          spec.x: (unset) → 1
          spec.y: 1 → (removed)
prune     ConfigMap/shop/env      inventory
refused   a.yml:2: Service/shop/web belongs to application other; rename it [E-OBJECT-OWNED]
held      would delete all
`
	if got := Text(p, false); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var stored Plan
	if err := json.Unmarshal(raw, &stored); err != nil {
		t.Fatal(err)
	}
	if got := Text(stored, false); got != want {
		t.Errorf("from the ledger:\n%s\nwant\n%s", got, want)
	}
	coloured := Text(p, true)
	if !strings.Contains(coloured, "\x1b[32mcreate    \x1b[0mConfigMap/shop/env-v2   env.yaml:1\n") {
		t.Errorf("got\n%q", coloured)
	}
}

func TestTextCannotSteerTheTerminal(t *testing.T) {
	p := Plan{Changes: []Change{{Action: Create, ID: render.ID{Kind: "ConfigMap\x1b[2J", Name: "a\u202eb\r"},
		Origin: sources.Position{File: "x\x07.yml"}, Reason: "\u009b31m", Fields: []FieldChange{{Field: "\x1b]0;x\x07", Manager: "\n"}}}},
		Held: "\x1b", Refused: []render.Problem{{What: "\x1b"}}}
	for _, r := range strings.ReplaceAll(Text(p, false), "\n", "") {
		if r < ' ' || r == '\u009b' || r == '\u202e' {
			t.Errorf("%U got through", r)
		}
	}
}

func TestCounts(t *testing.T) {
	for want, p := range map[string]Plan{
		"nothing to do": {},
		"1 created, 1 configured, 2 unchanged, 1 pruned": {Changes: []Change{{Action: Prune}, {Action: Unchanged}, {Action: Create}, {Action: Configure}, {Action: Unchanged}}},
		"1 put back, 1 recreated, 1 left alone":          {Changes: []Change{{Action: Skip}, {Action: Recreate}, {Action: Heal}}},
	} {
		if got := p.Counts().String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for want, o := range map[string]Outcome{
		"nothing to do":       {},
		"1 created":           {Done: []Done{{Action: Create}}},
		"1 created, 1 failed": {Done: []Done{{Action: Create}, {Action: Configure, Error: "conflict"}}},
		"2 failed":            {Done: []Done{{Action: Create, Error: "x"}, {Action: Configure, Error: "y"}}},
	} {
		if got := o.Sentence(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
