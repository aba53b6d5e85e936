package ledger

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

func TestAResultComesBackAsItWasRecorded(t *testing.T) {
	l, _ := fresh(t)
	r := begin(t, l, result("shop", main1))
	want := r
	want.Condition, want.Ended = reconcile.Unhealthy, r.Started.Add(3*time.Second)
	want.Stages = []reconcile.Stage{{Name: "render", Took: 12 * time.Millisecond}}
	want.Problems = []render.Problem{{Pos: sources.Position{File: "manifest.yml", Line: 3}, Code: "W-X", What: "odd"}}
	want.Plan = &plan.Plan{Changes: []plan.Change{{Action: plan.Create, ID: render.ID{Kind: "ConfigMap", Namespace: "shop", Name: "env"},
		Fields: []plan.FieldChange{{Path: "/data/A", Want: `"1"`}}}}}
	want.Outcome = &plan.Outcome{Done: []plan.Done{{Action: plan.Create}}, Writes: 1, Took: time.Second}
	want.Health = &health.Report{Worst: health.Failed, Sentence: "web: 0 of 1 pods available"}
	want.Score = &score.Score{Version: score.Version, Overall: score.B, Grades: map[score.Metric]score.Grade{score.Code: score.B}}
	want.Failure = &reconcile.Failure{Kind: "health", Text: "web: 0 of 1 pods available"}
	must(t, l.Record(t.Context(), want, reconcile.State{App: "shop"}, nil))

	got, found, err := l.Pass(t.Context(), r.Pass)
	must(t, err)
	if diff := cmp.Diff(want, got); !found || diff != "" {
		t.Errorf("pass found %t (-want +got):\n%s", found, diff)
	}
	if _, found, err := l.Pass(t.Context(), 99); found || err != nil {
		t.Errorf("pass 99: found %t, %v", found, err)
	}
}

func TestPassNumbersRiseAndAreNeverGivenTwice(t *testing.T) {
	l, c := fresh(t)
	var last int64
	for range 3 {
		r := begin(t, l, result("shop", main1))
		if r.Pass <= last {
			t.Fatalf("pass %d follows %d", r.Pass, last)
		}
		last = r.Pass
		r.Ended = c.now()
		must(t, l.Record(t.Context(), r, reconcile.State{App: "shop"}, nil))
	}
	must(t, l.Delete(t.Context(), "shop"))
	c.advance(90 * day)
	if n, err := l.Retain(t.Context(), Policy{}); err != nil || n != 3 {
		t.Fatalf("retain removed %d, %v; want 3", n, err)
	}
	if r := begin(t, l, result("shop", main1)); r.Pass != last+1 {
		t.Errorf("after all passes were removed the next is %d, want %d", r.Pass, last+1)
	}
}

func TestPassesAreFoundByApplicationCommitAndEnd(t *testing.T) {
	l, c := fresh(t)
	a, b, other := begin(t, l, result("shop", main1)), begin(t, l, result("shop", main2)), begin(t, l, result("blog", main1))
	b.Ended = c.now()
	must(t, l.Record(t.Context(), b, reconcile.State{App: "shop"}, nil))

	numbers := func(rs []reconcile.Result, err error) (n []int64) {
		must(t, err)
		for _, r := range rs {
			n = append(n, r.Pass)
		}
		return n
	}
	for name, tc := range map[string]struct{ got, want []int64 }{
		"of an application, newest first": {numbers(l.Passes(t.Context(), "shop", 10)), []int64{b.Pass, a.Pass}},
		"only so many":                    {numbers(l.Passes(t.Context(), "shop", 1)), []int64{b.Pass}},
		"a negative limit gives none":     {numbers(l.Passes(t.Context(), "shop", -1)), nil},
		"of all applications":             {numbers(l.Passes(t.Context(), "", 10)), []int64{other.Pass, b.Pass, a.Pass}},
		"by a short hash":                 {numbers(l.FindCommit(t.Context(), "1111111", 10)), []int64{other.Pass, a.Pass}},
		"by the whole hash":               {numbers(l.FindCommit(t.Context(), main2.Hash, 10)), []int64{b.Pass}},
		"by an unknown hash":              {numbers(l.FindCommit(t.Context(), "ABCDEF", 10)), nil},
		"those that did not end":          {numbers(l.OpenPasses(t.Context())), []int64{a.Pass, other.Pass}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, bad := range []string{"", "abc", "main", "%%%%", "1111' OR 1"} {
		if _, err := l.FindCommit(t.Context(), bad, 10); err == nil || !strings.Contains(err.Error(), "four hex digits") {
			t.Errorf("find commit %q: %v", bad, err)
		}
	}
}

func TestARecordIsAllOrNothing(t *testing.T) {
	l, _ := fresh(t)
	r := begin(t, l, result("shop", main1))
	for name, tc := range map[string]struct {
		pass int64
		app  string
	}{"not begun": {0, "shop"}, "the state of another application": {r.Pass, "blog"}} {
		r := r
		r.Pass = tc.pass
		if err := l.Record(t.Context(), r, reconcile.State{App: tc.app}, nil); err == nil {
			t.Errorf("%s: recorded", name)
		}
	}
	// The message cannot be stored, so neither may what comes before it.
	must(t, l.exec(t.Context(), "test", `DELETE FROM counters WHERE name = 'message'`))
	r.Condition = reconcile.Live
	if err := l.Record(t.Context(), r, reconcile.State{App: "shop"}, []reconcile.Message{status("success", "live")}); err == nil {
		t.Fatal("recorded without a number for its message")
	}
	got, _, err := l.Pass(t.Context(), r.Pass)
	must(t, err)
	s, err := l.State(t.Context(), "shop")
	must(t, err)
	if got.Condition != reconcile.Running || s.App != "" {
		t.Errorf("half a record stayed: pass is %q, state of %q", got.Condition, s.App)
	}
}
