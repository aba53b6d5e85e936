package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func push(id string, at time.Time) Delivery {
	return Delivery{ID: id, Forge: "github", Event: "push", Repo: shop, Ref: "main", Received: at}
}

func TestT12_DeliveryIsFreshOnceAndAgainAfterAFailure(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(t *testing.T, l *Ledger)
		want bool
	}{
		"the same id while the first waits is a duplicate":  {func(*testing.T, *Ledger) {}, false},
		"the same id after the first was handled is one":    {func(t *testing.T, l *Ledger) { must(t, l.Handled(t.Context(), "d1")) }, false},
		"the same id after a failed first attempt is fresh": {func(t *testing.T, l *Ledger) { must(t, l.Failed(t.Context(), "d1")) }, true},
		"another id is fresh": {func(t *testing.T, l *Ledger) {
			got, err := l.Deliver(t.Context(), push("d0", time.Time{}))
			must(t, err)
			if !got {
				t.Error("d0 is not fresh")
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			l, c := fresh(t)
			first, err := l.Deliver(t.Context(), push("d1", c.now()))
			must(t, err)
			if !first {
				t.Error("the first delivery is not fresh")
			}
			tc.end(t, l)
			got, err := l.Deliver(t.Context(), push("d1", c.now()))
			must(t, err)
			if got != tc.want {
				t.Errorf("second delivery: fresh = %t, want %t", got, tc.want)
			}
		})
	}
}

func TestUnhandledDeliveriesSurviveARestartInOrder(t *testing.T) {
	o, c := options(t)
	l, err := Open(t.Context(), o)
	must(t, err)
	later, sooner := push("a", c.now().Add(time.Second)), push("b", c.now())
	sooner.PullRequest, sooner.Event = 7, "pull_request"
	for _, d := range []Delivery{later, sooner, push("handled", c.now()), push("failed", c.now())} {
		_, err := l.Deliver(t.Context(), d)
		must(t, err)
	}
	must(t, l.Handled(t.Context(), "handled", "never seen"))
	must(t, l.Failed(t.Context(), "failed"))
	must(t, l.Close())

	got, err := open(t, o).Unhandled(t.Context())
	must(t, err)
	if diff := cmp.Diff([]Delivery{sooner, later}, got); diff != "" {
		t.Errorf("unhandled (-want +got):\n%s", diff)
	}
	if s := got[0].Signal(); s.Delivery != "b" || s.PullRequest != 7 || s.Repo != shop || s.Ref != "main" {
		t.Errorf("signal is %+v", s)
	}
}

func TestADeliveryWithoutAnIDIsRefused(t *testing.T) {
	l, _ := fresh(t)
	if _, err := l.Deliver(t.Context(), Delivery{}); err == nil {
		t.Error("it was taken")
	}
}
