package daemon_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"rondo.dev/rondo/reconcile"
)

// public is a server that stands for the application's public address.
type public struct {
	address string
	status  atomic.Int64
	hits    atomic.Int64
}

func newPublic(t *testing.T) *public {
	p := &public{}
	p.status.Store(http.StatusOK)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.hits.Add(1)
		w.WriteHeader(int(p.status.Load()))
	}))
	t.Cleanup(server.Close)
	p.address = strings.TrimPrefix(server.URL, "http://")
	return p
}

// manifest is that of an application with a check.
func (p *public) manifest(image, more string) map[string]string {
	return manifest(fmt.Sprintf(`docker:
  configuration:
    activeprotect:
      health_check: { endpoint: /up, retries: 0%s }
services:
  web:
    image: registry.example.org/shop/%s
    ports: ["8000:80"]
    traffic_matches: [shop.example.org]
`, more, image))
}

func TestThePublicAddressIsAskedOnceAfterADeployment(t *testing.T) {
	p := newPublic(t)
	w := newWorld(t, settings{values: map[string]any{"health_checks": map[string]any{"allow_loopback": true, "connect_to": p.address}}})
	good := w.push(p.manifest("web:1", ""))
	w.settles(good, reconcile.Live)
	if s := w.status(good, "health", "success"); !strings.Contains(s.Description, "http://shop.example.org/up answered 200") {
		t.Errorf("told %q", s.Description)
	}
	hits := p.hits.Load()

	// Drift asks nobody; a failure is told and changes nothing.
	w.relabel()
	if got := p.hits.Load(); got != hits || hits != 1 {
		t.Errorf("asked %d times, then %d", hits, got)
	}
	p.status.Store(http.StatusServiceUnavailable)
	reported := w.push(p.manifest("web:2", ""))
	w.settles(reported, reconcile.Live)
	if s := w.status(reported, "health", "failure"); !strings.Contains(s.Description, "/up answered 503, want 200") {
		t.Errorf("told %q", s.Description)
	}
	w.status(reported, "deploy", "success")

	// on_failure: rollback puts back what was live, and holds it.
	bad := w.push(p.manifest("web:3", ", on_failure: rollback"))
	if s := w.status(bad, "deploy", "failure"); !strings.Contains(s.Description, "rolled back to main@"+reported[:7]) && !strings.Contains(s.Description, "rolled back to "+reported[:7]) {
		t.Errorf("told %q", s.Description)
	}
	w.status(bad, "health", "failure")
	w.runs("web:2")
	if got := w.state(); got.Condition != reconcile.Unhealthy || !strings.Contains(got.Applied, reported) {
		t.Errorf("state %s at %s: %s", got.Condition, got.Applied, got.Sentence)
	}
	p.status.Store(http.StatusOK)
	fixed := w.push(p.manifest("web:4", ", on_failure: rollback"))
	w.settles(fixed, reconcile.Live)
	w.status(fixed, "health", "success")
	w.runs("web:4")
}
