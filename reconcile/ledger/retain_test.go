package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/reconcile"
)

func TestRetentionKeepsWhatIsYoungOpenOrUnsent(t *testing.T) {
	p := newPost(t) // its pass stays open
	ctx := t.Context()
	for _, d := range []string{"handled", "failed", "pending"} {
		_, err := p.Deliver(ctx, push("old "+d, p.now()))
		must(t, err)
	}
	must(t, p.Handled(ctx, "old handled"))
	must(t, p.Failed(ctx, "old failed"))
	must(t, p.Audit(ctx, "ada", "old", "", ""))
	p.record(status("pending", "applying"))
	p.sent(p.attempt())
	p.record(status("success", "unsent"))
	for range 4 {
		r := begin(t, p.Ledger, result("shop", main1))
		r.Ended = p.now()
		must(t, p.Record(ctx, r, reconcile.State{App: "shop"}, nil))
	}
	gone := begin(t, p.Ledger, result("gone", main1))
	gone.Ended = p.now()
	must(t, p.Record(ctx, gone, reconcile.State{App: "gone"}, nil))
	must(t, p.Delete(ctx, "gone"))

	policy := Policy{Deliveries: time.Hour, Passes: 2, Removed: time.Hour, Statuses: time.Hour, Audit: time.Hour}
	// Young: only the two passes of shop that are too many.
	if n, err := p.Retain(ctx, policy); err != nil || n != 2 {
		t.Errorf("removed %d young rows, %v; want 2", n, err)
	}
	p.advance(2 * time.Hour)
	_, err := p.Deliver(ctx, push("young", p.now()))
	must(t, err)
	must(t, p.Handled(ctx, "young"))
	must(t, p.Audit(ctx, "ada", "young", "", ""))
	if n, err := p.Retain(ctx, policy); err != nil || n != 5 {
		t.Errorf("removed %d old rows, %v; want 2 deliveries, 1 pass, 1 status, 1 entry", n, err)
	}

	passes, err := p.Passes(ctx, "", 10)
	must(t, err)
	var numbers []int64
	for _, r := range passes {
		numbers = append(numbers, r.Pass)
	}
	if diff := cmp.Diff([]int64{5, 4, p.r.Pass}, numbers); diff != "" {
		t.Errorf("passes (-want +got):\n%s", diff)
	}
	if got := p.due(); got != "success unsent" {
		t.Errorf("due: %q", got)
	}
	for id, want := range map[string]bool{"old handled": true, "old failed": true, "old pending": false, "young": false} {
		if got, err := p.Deliver(ctx, push(id, p.now())); err != nil || got != want {
			t.Errorf("delivery %q is fresh: %t, %v; want %t", id, got, err, want)
		}
	}
	if _, err := p.Retain(ctx, Policy{Passes: -1}); err == nil {
		t.Error("a negative limit was taken")
	}
}

func TestRetentionGoesInBatchesToTheEnd(t *testing.T) {
	l, c := fresh(t)
	const n = 2*retainBatch + 1
	must(t, l.write(t.Context(), "test", func(ctx context.Context, tx *sql.Tx) error {
		for i := range n {
			_, err := tx.ExecContext(ctx, `INSERT INTO deliveries VALUES ($1, '', '', '', '', 0, $2, 'handled')`, fmt.Sprint(i), micros(c.now()))
			if err != nil {
				return err
			}
		}
		return nil
	}))
	c.advance(31 * day)
	if got, err := l.Retain(t.Context(), Policy{}); err != nil || got != n {
		t.Errorf("removed %d, %v; want %d", got, err, n)
	}
}
