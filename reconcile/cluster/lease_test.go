package cluster

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type passing struct{}

func (passing) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestOnlyWhoHoldsTheLeaseWrites(t *testing.T) {
	const object, leases = "/api/v1/namespaces/shop/configmaps/env", "/apis/coordination.k8s.io/v1/namespaces/rondo/leases/rondo"
	held := func(l *lease, for_ time.Duration) *lease {
		until := time.Now().Add(for_)
		l.until.Store(&until)
		return l
	}
	for name, tc := range map[string]struct {
		lease        *lease
		method, path string
		refused      bool
	}{
		"without a Lease everything is let through": {nil, http.MethodPatch, object, false},
		"the holder writes":                         {held(&lease{}, time.Minute), http.MethodPatch, object, false},
		"one whose Lease ran out does not":          {held(&lease{}, -time.Millisecond), http.MethodPatch, object, true},
		"one who waits for the Lease does not":      {&lease{}, http.MethodDelete, object, true},
		"but reads":                                 {&lease{}, http.MethodGet, object, false},
		"and asks for the Lease":                    {&lease{}, http.MethodPut, leases, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fenced{next: passing{}, lease: &atomic.Pointer[lease]{}}
			f.lease.Store(tc.lease)
			_, err := f.RoundTrip(httptest.NewRequest(tc.method, tc.path, nil))
			if errors.Is(err, ErrLeaseLost) != tc.refused {
				t.Errorf("%s %s: %v", tc.method, tc.path, err)
			}
		})
	}
}

func TestALeaseIsHeldFromItsRenewalUntilItIsGivenBack(t *testing.T) {
	t.Parallel()
	f := start(t)
	api := f.c.api.own.dynamic.Resource(leases).Namespace(f.target.Namespace)
	first, second := &lease{api: api, name: "turns", holder: "rondo-1"}, &lease{api: api, name: "turns", holder: "rondo-2"}
	runsOut := func(l *lease) { l.since = l.since.Add(-leaseDuration) }
	for _, step := range []struct {
		what          string
		do            func() error
		want          error
		first, second bool // who holds it afterwards
		transitions   int64
	}{
		{"the first creates it", func() error { return first.take(t.Context(), false) }, nil, true, false, 0},
		{"the second waits", func() error { return second.take(t.Context(), false) }, errHeld, true, false, 0},
		{"the first renews", func() error { return first.take(t.Context(), true) }, nil, true, false, 0},
		{"the second sees that, whatever time passed before", func() error {
			runsOut(second)
			return second.take(t.Context(), false)
		}, errHeld, true, false, 0},
		{"somebody writes a note on it, and the first renews", func() error {
			noted := first.seen.DeepCopy()
			noted.SetAnnotations(map[string]string{"note": "x"})
			_, err := api.Update(t.Context(), noted, metav1.UpdateOptions{})
			return errors.Join(err, first.take(t.Context(), true))
		}, nil, true, false, 0},
		{"nothing is heard of the first", func() error {
			err := second.take(t.Context(), false)
			runsOut(second)
			if !errors.Is(err, errHeld) {
				return err
			}
			return second.take(t.Context(), false)
		}, nil, true, true, 1}, // the first does not know yet, and counts from before its own request
		{"the first hears", func() error { return first.take(t.Context(), true) }, errHeld, false, true, 1},
		{"the second gives it back", second.giveBack, nil, false, false, 1},
		{"whoever led does not take it again unasked", func() error { return second.take(t.Context(), true) }, errHeld, false, false, 1},
		{"whoever waits has it at once", func() error { return first.take(t.Context(), false) }, nil, true, false, 2},
	} {
		if err := step.do(); !errors.Is(err, step.want) {
			t.Errorf("%s: %v", step.what, err)
		}
		if first.held() != step.first || second.held() != step.second {
			t.Errorf("%s: held by the first %t, by the second %t", step.what, first.held(), second.held())
		}
		got, err := api.Get(t.Context(), "turns", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if n := (leaseRecord{got}).number("leaseTransitions"); n != step.transitions {
			t.Errorf("%s: %d transitions, want %d", step.what, n, step.transitions)
		}
	}
}
