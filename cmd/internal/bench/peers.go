package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// measurePeers deploys the same repositories with rondo, then with Flux, on one
// API server. Each is alone while it is measured.
//
// Both look at git each minute and are told of pushes. Flux is spared what rondo
// does besides: it finds the namespaces made, does not wait for health, and needs
// no webhook to be checked.
func measurePeers(ctx context.Context, o options, dir string, r *report) (err error) {
	controllers, err := buildFlux(ctx)
	if err != nil {
		return err
	}
	f, err := lay(ctx, dir, map[string]any{"poll": map[string]any{"min": interval.String(), "max": interval.String()}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.clear()) }()
	sites, err := makeSites(f.world.Git, o.apps, "rondo", kustomization)
	if err != nil {
		return err
	}
	d, err := newRondo(ctx, dir, f.world, sites)
	if err != nil {
		return err
	}
	ours, err := f.measure(ctx, d, sites, o.quiet)
	if err != nil {
		return fmt.Errorf("rondo: %w", err)
	}

	theirs := make([]*site, len(sites))
	for i, s := range sites {
		same := *s
		same.name = fmt.Sprintf("flux-%04d", i)
		theirs[i] = &same
	}
	x, err := newFlux(ctx, dir, f.cp, controllers, theirs)
	if err != nil {
		return err
	}
	peer, err := f.measure(ctx, x, theirs, o.quiet)
	if err != nil {
		return fmt.Errorf("peer Flux: %w", err)
	}
	if peer.quiet.requests.all == 0 {
		return errors.New("peer Flux asked nothing of the API server while it was watched; it cannot have worked")
	}

	fmt.Fprintf(r.out, "%d applications × %d objects; Flux is", o.apps, kinds)
	for _, c := range controllers {
		fmt.Fprintf(r.out, " %s %s", c.name, c.version)
	}
	fmt.Fprintf(r.out, "\n%-40s %14s %14s %8s\n", "", "rondo", "Flux", "ratio")
	compare(r, ours, peer, o.quiet)
	fmt.Fprintf(r.out, "commonest requests of rondo: %s\ncommonest requests of Flux: %s\n", ours.quiet.requests.most(), peer.quiet.requests.most())
	return nil
}

// figures are what one deployer is measured by.
type figures struct {
	cold       time.Duration
	first, all []time.Duration // after each push
	quiet      quiet
}

// measure starts d, measures it, and stops it.
func (f *field) measure(ctx context.Context, d deployer, sites []*site, lasts time.Duration) (m figures, err error) {
	defer func() { err = errors.Join(err, d.stop()) }()
	if m.cold, err = f.coldStart(ctx, d, sites); err != nil {
		return m, err
	}
	if m.first, m.all, err = f.pushEach(ctx, d, sites); err != nil {
		return m, err
	}
	m.quiet, err = f.quiet(ctx, d, lasts)
	return m, err
}

// compare prints the figures of both, with the bars of the design.
func compare(r *report, ours, peer figures, lasts time.Duration) {
	r.beside("cold start until all is applied", ours.cold.Seconds(), peer.cold.Seconds(), "s", limits{})
	for _, p := range []int{50, 90, 99} {
		r.beside(fmt.Sprintf("push to first object, p%d", p), percentile(ours.first, p).Seconds(), percentile(peer.first, p).Seconds(), "s", limits{})
	}
	for _, p := range []int{50, 90, 99} {
		var l limits
		if p == 50 {
			l = limits{max: 0.10, share: 3}
		}
		r.beside(fmt.Sprintf("push to all objects, p%d", p), percentile(ours.all, p).Seconds(), percentile(peer.all, p).Seconds(), "s", l)
	}
	quiet := "quiet for " + lasts.String()
	r.beside(quiet+": CPU", ours.quiet.cores, peer.quiet.cores, "cores", limits{share: 20})
	r.beside(quiet+": requests", ours.quiet.perSecond, peer.quiet.perSecond, "/s", limits{max: 0.5})
	r.beside(quiet+": memory (RSS)", float64(ours.quiet.rss)/1e6, float64(peer.quiet.rss)/1e6, "MB", limits{max: 80})
}

// kustomization has the same 5 objects as the manifest.
func kustomization(version string) map[string]string {
	return map[string]string{
		"kustomization.yaml": "resources: [objects.yaml]\n",
		"objects.yaml": fmt.Sprintf(`apiVersion: v1
kind: ConfigMap
metadata: { name: web }
data: { %[1]s: %[2]q }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
      annotations: { %[1]s: %[2]q }
    spec:
      containers:
        - name: web
          image: registry.example.org/bench/web:1.0.0
          envFrom: [{ configMapRef: { name: web } }]
          ports: [{ containerPort: 8000 }]
          resources: { requests: { cpu: 1m, memory: 4M } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8000 }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec:
  maxUnavailable: 1
  selector: { matchLabels: { app: web } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec:
  rules:
    - host: bench.example.org
      http:
        paths:
          - { path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }
`, versionKey, version),
	}
}
