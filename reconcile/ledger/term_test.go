package ledger

import (
	"errors"
	"testing"

	"rondo.dev/rondo/reconcile"
)

func TestAFormerLeaderWritesNothing(t *testing.T) {
	o, _ := options(t)
	former, next := open(t, o), open(t, o)
	must(t, former.Lead(t.Context()))
	r := begin(t, former, result("shop", main1))
	must(t, former.Record(t.Context(), r, reconcile.State{App: "shop", Condition: reconcile.Live}, []reconcile.Message{status("pending", "deploying")}))
	due, err := former.NextMessages(t.Context(), former.now(), 1)
	must(t, err)
	must(t, former.Attempt(t.Context(), due[0].ID))

	must(t, next.Lead(t.Context()))
	must(t, next.Record(t.Context(), r, reconcile.State{App: "shop", Condition: reconcile.Superseded}, []reconcile.Message{status("success", "superseded")}))
	_, err = former.Begin(t.Context(), r)
	for what, err := range map[string]error{
		"begin":    err,
		"record":   former.Record(t.Context(), r, reconcile.State{App: "shop", Condition: reconcile.Retrying}, nil),
		"tell":     former.Tell(t.Context(), []reconcile.Message{status("pending", "again")}),
		"artifact": former.Artifact(t.Context(), "shop", reconcile.Artifact{}, false),
		"delete":   former.Delete(t.Context(), "shop"),
		"sent":     former.Sent(t.Context(), due[0].ID, "1"),
		"defer":    former.Defer(t.Context(), due[0].ID, former.now(), "later"),
		"attempt":  former.Attempt(t.Context(), due[0].ID),
	} {
		if !errors.Is(err, reconcile.ErrFenced) {
			t.Errorf("%s: %v", what, err)
		}
	}
	state, err := next.State(t.Context(), "shop")
	must(t, err)
	if state.Condition != reconcile.Superseded {
		t.Errorf("the state is %+v", state)
	}
	if due, err := next.NextMessages(t.Context(), next.now(), 10); err != nil || len(due) != 1 || due[0].Message.State != "success" {
		t.Errorf("the outbox has %+v, %v", due, err)
	}
	if fresh, err := former.Deliver(t.Context(), Delivery{ID: "d-1", Repo: shop}); !fresh || err != nil {
		t.Errorf("a former leader takes no deliveries: %t, %v", fresh, err)
	}

	must(t, former.Lead(t.Context()))
	begin(t, former, r)
}
