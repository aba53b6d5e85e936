package daemon_test

import (
	"strings"
	"testing"

	"rondo.dev/rondo/reconcile"
)

func TestAServiceThatNoNodeSuitsIsAWarning(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"health_deadline": "2s"}})
	placed := func(node string) map[string]string {
		return manifest(ten + "      servers: { names: [" + node + "] }\n")
	}
	commit := w.push(placed("node-nowhere"))
	detail := w.settles(commit, reconcile.Unhealthy)
	found := false
	for _, p := range detail.Newest.Problems {
		if p.Code == "W-PLACEMENT-EMPTY" {
			found = true
			if p.Pos.String() != "manifest.yml:4:3" || !strings.Contains(p.What, "Deployment/"+w.ns+"/web") {
				t.Errorf("got %v", p)
			}
		}
	}
	if s := w.status(commit, "manifest", "success"); !found || !strings.Contains(s.Description, "1 warning") {
		t.Errorf("problems %v; the commit was told %q", detail.Newest.Problems, s.Description)
	}
	// The Bundle is the same when it is taken from the ledger, and so is the warning.
	again := w.push(map[string]string{"README.md": "# shop\n"})
	if detail := w.settles(again, reconcile.Unhealthy); !detail.Newest.SameInput || len(detail.Newest.Problems) != 1 {
		t.Errorf("same input %t, problems %v", detail.Newest.SameInput, detail.Newest.Problems)
	}

	w.deadline("1m")
	commit = w.push(placed("node-1"))
	if detail := w.settles(commit, reconcile.Live); len(detail.Newest.Problems) != 0 {
		t.Errorf("problems %v", detail.Newest.Problems)
	}
}
