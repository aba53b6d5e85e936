package cluster

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestOneLeadsAndTheOtherTakesOverWhenItEnds(t *testing.T) {
	t.Parallel()
	f := start(t)
	second := f.another(func(o *Options) { o.Holder = "rondo-2" })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	leads := make(chan string, 2)
	ended := make(chan error, 2)
	lead := func(ctx context.Context, c *Cluster, name string) {
		ended <- c.Lead(ctx, f.target.Namespace, "rondo", func(ctx context.Context) error {
			leads <- name
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}
	go lead(ctx, f.c, "first")
	if got := <-leads; got != "first" {
		t.Fatalf("%s leads", got)
	}
	go lead(t.Context(), second, "second")
	select {
	case got := <-leads:
		t.Fatalf("%s leads, too", got)
	case <-time.After(retryPeriod + time.Second):
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Lead: %v", err)
	}
	select {
	case got := <-leads:
		if got != "second" {
			t.Errorf("%s leads", got)
		}
	case <-time.After(leaseDuration / 2):
		t.Error("the Lease was not given back")
	}
}

func TestLosingTheLeaseEndsTheLeader(t *testing.T) {
	t.Parallel()
	proxy, behind := newFaulty(t)
	f := start(t, behind)
	leads := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- f.c.Lead(t.Context(), f.target.Namespace, "rondo", func(ctx context.Context) error {
			close(leads)
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	<-leads
	proxy.set(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/leases/") {
			status(w, 500, metav1.StatusReasonInternalError)
			return true
		}
		return false
	})
	select {
	case err := <-ended:
		if !errors.Is(err, ErrLeaseLost) {
			t.Errorf("Lead: %v", err)
		}
	case <-time.After(leaseDuration + 5*time.Second):
		t.Fatal("still leading although the Lease could not be renewed")
	}
}
