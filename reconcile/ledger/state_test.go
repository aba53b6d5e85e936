package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"rondo.dev/rondo/reconcile"
)

func TestStatesComeBackAndAreForgotten(t *testing.T) {
	l, c := fresh(t)
	zero, err := l.State(t.Context(), "shop")
	must(t, err)
	if diff := cmp.Diff(reconcile.State{}, zero); diff != "" {
		t.Errorf("an application never seen (-want +got):\n%s", diff)
	}
	r := begin(t, l, result("shop", main1))
	want := reconcile.State{App: "shop", Seen: main2, Applied: main1, Live: main1, Condition: reconcile.Live, Sentence: "3 objects healthy",
		InputDigest: "abc", Pass: r.Pass, Changed: c.now(), Score: "B", Application: r.App}
	must(t, l.Record(t.Context(), r, want, nil))
	rb := begin(t, l, result("blog", main1))
	must(t, l.Record(t.Context(), rb, reconcile.State{App: "blog"}, nil))
	must(t, l.Artifact(t.Context(), "shop", reconcile.Artifact{Revision: main1}, false))

	must(t, l.SetOrphaned(t.Context(), "shop", true))
	must(t, l.SetOrphaned(t.Context(), "never seen", true))
	want.Orphaned = true
	got, err := l.States(t.Context())
	must(t, err)
	if diff := cmp.Diff([]reconcile.State{{App: "blog"}, want}, got); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}

	must(t, l.Delete(t.Context(), "shop"))
	got, err = l.States(t.Context())
	must(t, err)
	_, found, err := l.LoadArtifact(t.Context(), "shop")
	must(t, err)
	if len(got) != 1 || found {
		t.Errorf("after Delete: %d states, artifact found %t", len(got), found)
	}
}

func TestAPassNeitherSetsNorEndsAPause(t *testing.T) {
	l, c := fresh(t)
	must(t, l.SetPaused(t.Context(), "shop", &reconcile.Pause{By: "ada"}))
	r := begin(t, l, result("shop", main1))
	must(t, l.Record(t.Context(), r, reconcile.State{App: "shop", Condition: reconcile.Live}, nil))
	got, err := l.State(t.Context(), "shop")
	must(t, err)
	want := reconcile.State{App: "shop", Condition: reconcile.Live, Paused: &reconcile.Pause{By: "ada", Since: c.now()}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paused, then recorded (-want +got):\n%s", diff)
	}

	must(t, l.SetPaused(t.Context(), "shop", nil))
	stale := got // read while it was paused
	stale.Orphaned = true
	must(t, l.Record(t.Context(), r, stale, nil))
	if got, err = l.State(t.Context(), "shop"); err != nil || got.Paused != nil || got.Orphaned {
		t.Errorf("a stale state brought back pause %v, orphaned %t, %v", got.Paused, got.Orphaned, err)
	}
}

func TestAPauseSetWhileAPassRecordsIsNotLost(t *testing.T) {
	l, _ := fresh(t)
	r := begin(t, l, result("shop", main1))
	var g errgroup.Group
	g.Go(func() error {
		for range 50 {
			s, err := l.State(t.Context(), "shop")
			if err != nil {
				return err
			}
			s.App = "shop"
			if err := l.Record(t.Context(), r, s, nil); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() error {
		for i := range 50 {
			var p *reconcile.Pause
			if i%2 == 1 {
				p = &reconcile.Pause{By: "ada", Since: time.Now()}
			}
			if err := l.SetPaused(t.Context(), "shop", p); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, g.Wait())
	if s, err := l.State(t.Context(), "shop"); err != nil || s.Paused == nil {
		t.Errorf("the last pause was lost: %+v, %v", s, err)
	}
}

func TestTheAuditListsNewestFirst(t *testing.T) {
	l, c := fresh(t)
	must(t, l.Audit(t.Context(), "ada", "pause", "shop", "by hand"))
	c.advance(time.Minute)
	must(t, l.Audit(t.Context(), "bob", "sync", "blog", ""))
	got, err := l.Audited(t.Context(), "", 10)
	must(t, err)
	want := []Entry{
		{ID: 2, At: c.now(), Who: "bob", What: "sync", App: "blog"},
		{ID: 1, At: c.now().Add(-time.Minute), Who: "ada", What: "pause", App: "shop", Detail: "by hand"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if got, err = l.Audited(t.Context(), "shop", 10); err != nil || len(got) != 1 || got[0].Who != "ada" {
		t.Errorf("audit of shop: %+v, %v", got, err)
	}
}
