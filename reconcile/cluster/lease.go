package cluster

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var leases = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}

// errHeld means that another holds the Lease.
var errHeld = errors.New("another holds the Lease")

// lease is this process's part in who holds a Lease. Clocks of machines are
// never compared: a Lease that does not change for as long as it says is free,
// on the clock of whoever looks, and the holder counts from before the request
// that renewed it.
type lease struct {
	api          dynamic.ResourceInterface
	name, holder string
	seen         leaseRecord               // as it was last read or written
	since        time.Time                 // when seen was first seen like that
	until        atomic.Pointer[time.Time] // until when nobody else can hold it; nil: not held
}

// leaseRecord is a Lease of the API server; nil: none is known.
type leaseRecord struct{ *unstructured.Unstructured }

func (r leaseRecord) holder() string {
	if r.Unstructured == nil {
		return ""
	}
	holder, _, _ := unstructured.NestedString(r.Object, "spec", "holderIdentity")
	return holder
}

func (r leaseRecord) number(field string) int64 {
	n, _, _ := unstructured.NestedInt64(r.Object, "spec", field)
	return n
}

// take takes the Lease if it is free, or renews it. It returns errHeld when
// another holds it, and when this process led and somebody else held it since.
// One request renews a Lease; the second look follows when it was changed.
func (l *lease) take(ctx context.Context, leads bool) error {
	if leads && l.held() {
		err := l.write(ctx, l.next())
		if !apierrors.IsConflict(err) {
			return err
		}
	}
	got, err := l.api.Get(ctx, l.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		l.seen = leaseRecord{}
		return l.first(l.write(ctx, l.next()))
	case err != nil:
		return err
	}
	if l.seen.Unstructured == nil || l.seen.GetResourceVersion() != got.GetResourceVersion() {
		l.seen, l.since = leaseRecord{got}, time.Now()
	}
	holder, lasts := l.seen.holder(), time.Duration(l.seen.number("leaseDurationSeconds"))*time.Second
	if holder != l.holder && (leads || holder != "" && time.Since(l.since) < lasts) {
		l.until.Store(nil)
		return errHeld
	}
	return l.first(l.write(ctx, l.next()))
}

// first makes a lost race for a Lease that was free what it is.
func (l *lease) first(err error) error {
	if !l.held() && (apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)) {
		return errHeld
	}
	return err
}

// next is the Lease as this process would hold it from now on.
func (l *lease) next() leaseRecord {
	now := time.Now().UTC().Format(metav1.RFC3339Micro)
	out, spec, transitions := &unstructured.Unstructured{}, map[string]any{}, int64(0)
	if l.seen.Unstructured == nil {
		out.Object = map[string]any{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": map[string]any{"name": l.name}}
	} else {
		out = l.seen.DeepCopy()
		spec, _, _ = unstructured.NestedMap(out.Object, "spec")
		transitions = l.seen.number("leaseTransitions") + 1
	}
	if spec == nil {
		spec = map[string]any{}
	}
	if l.seen.holder() != l.holder {
		spec["acquireTime"], spec["leaseTransitions"] = now, transitions
	}
	spec["holderIdentity"], spec["leaseDurationSeconds"], spec["renewTime"] = l.holder, int64(leaseDuration/time.Second), now
	out.Object["spec"] = spec
	return leaseRecord{out}
}

// write makes the API server's Lease that of r, unless it was changed since.
func (l *lease) write(ctx context.Context, r leaseRecord) error {
	until := time.Now().Add(leaseDuration)
	var got *unstructured.Unstructured
	var err error
	if r.GetResourceVersion() == "" {
		got, err = l.api.Create(ctx, r.Unstructured, metav1.CreateOptions{})
	} else {
		got, err = l.api.Update(ctx, r.Unstructured, metav1.UpdateOptions{})
	}
	if err != nil {
		return err
	}
	l.seen, l.since = leaseRecord{got}, time.Now()
	l.until.Store(&until)
	return nil
}

// giveBack lets the next one take the Lease at once. What is not held is left
// alone; from here on it counts as not held, whether or not that arrives.
func (l *lease) giveBack() error {
	if !l.held() {
		return nil
	}
	l.until.Store(nil)
	free := l.next()
	spec := free.Object["spec"].(map[string]any)
	delete(spec, "holderIdentity") // an empty one is refused
	spec["leaseDurationSeconds"] = int64(1)
	ctx, cancel := context.WithTimeout(context.Background(), renewDeadline)
	defer cancel()
	_, err := l.api.Update(ctx, free.Unstructured, metav1.UpdateOptions{})
	return err
}

// held reports whether nobody else can hold the Lease now.
func (l *lease) held() bool {
	until := l.until.Load()
	return until != nil && time.Now().Before(*until)
}

// fenced lets no write through, but for those of the Lease itself, once the
// Lease may be another's. Without a Lease it lets everything through.
type fenced struct {
	next  http.RoundTripper
	lease *atomic.Pointer[lease]
}

func (f *fenced) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && !strings.Contains(req.URL.Path, "/apis/coordination.k8s.io/") {
		if l := f.lease.Load(); l != nil && !l.held() {
			if req.Body != nil {
				_ = req.Body.Close() // nothing was read from it
			}
			return nil, ErrLeaseLost
		}
	}
	return f.next.RoundTrip(req)
}
