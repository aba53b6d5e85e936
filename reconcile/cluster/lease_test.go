package cluster

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
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
	l := &lease{LeaseLock: resourcelock.LeaseLock{LockConfig: resourcelock.ResourceLockConfig{Identity: "rondo-1"}}}
	mine, nobodys := resourcelock.LeaderElectionRecord{HolderIdentity: "rondo-1"}, resourcelock.LeaderElectionRecord{}
	write := func(err error) func() error { return func() error { return err } }
	down := errors.New("down")
	for i, step := range []struct {
		record resourcelock.LeaderElectionRecord
		err    error
		held   bool
	}{
		{mine, down, false},
		{mine, nil, true},
		{mine, down, true}, // until it runs out
		{nobodys, down, false},
	} {
		if err := l.note(step.record, write(step.err)); !errors.Is(err, step.err) || l.held() != step.held {
			t.Errorf("step %d: held %t, %v", i, l.held(), err)
		}
	}
}
