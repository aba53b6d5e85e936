package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// manifest has 5 objects: ConfigMap, Deployment, Service, PodDisruptionBudget, Ingress.
func manifest(version string) map[string]string {
	return map[string]string{"manifest.yml": fmt.Sprintf(`environment_variables:
  %[1]s: %[2]q
services:
  web:
    image: registry.example.org/bench/web:1.0.0
    annotations: { %[1]s: %[2]q }
    ports: ["8000:80"]
    traffic_matches: [bench.example.org]
    health: default
    constraints:
      resources: { requests: { cpu: 1m, memory: 4M } }
      min_count: 2
      max_count: 2
`, versionKey, version)}
}

func measureDaemon(ctx context.Context, o options, dir string, r *report) (err error) {
	f, err := lay(ctx, dir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.clear()) }()
	sites, err := makeSites(f.world.Git, o.apps, "app", manifest)
	if err != nil {
		return err
	}
	d, err := newRondo(ctx, dir, f.world, sites)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	cold, err := f.coldStart(ctx, d, sites)
	if err != nil {
		return err
	}
	r.figure(fmt.Sprintf("cold start, %d applications × 5 objects applied", o.apps), fmt.Sprintf("%.2f s", cold.Seconds()))

	from := time.Now()
	before, err := stages(ctx, d.process.InternalURL)
	if err != nil {
		return err
	}
	_, times, err := f.pushEach(ctx, d, sites)
	if err != nil {
		return err
	}
	r.bar("push to all objects applied, p50", r.percentiles("push to all objects applied", times).Seconds(), 0.10, "s")
	after, err := stages(ctx, d.process.InternalURL)
	if err != nil {
		return err
	}
	r.figure("mean of each step:", means(before, after))
	asked, err := countAudit(f.cp.AuditLog, d.users(), from, time.Now())
	if err != nil {
		return err
	}
	r.figure("writes per pass that changes 2 objects (inventory too)", fmt.Sprintf("%.2f", float64(asked.writes)/float64(len(sites))))

	burst, err := pushAll(ctx, f, d, sites)
	if err != nil {
		return err
	}
	r.percentiles(fmt.Sprintf("the same, %d pushes at once", len(sites)), burst)
	if err := d.settle(ctx, sites...); err != nil {
		return err
	}
	atOnce, err := stages(ctx, d.process.InternalURL)
	if err != nil {
		return err
	}
	r.figure("mean of each step then:", means(after, atOnce))
	q, err := f.quiet(ctx, d, o.quiet)
	if err != nil {
		return err
	}
	r.bar("quiet: CPU", q.cores, 0.02, "cores")
	r.bar("quiet: requests to the API server", q.perSecond, 0.5, "/s")
	r.figure("quiet: commonest requests", q.requests.most())
	r.bar("quiet: memory (RSS)", float64(q.rss)/1e6, 80, "MB")
	r.figure("memory at its highest", fmt.Sprintf("%.1f MB", float64(q.peak)/1e6))
	return nil
}

// pushAll pushes to all sites at once and returns how long each took.
func pushAll(ctx context.Context, f *field, d deployer, sites []*site) ([]time.Duration, error) {
	olds := make([]string, len(sites))
	for i, s := range sites {
		var err error
		if olds[i], err = s.commit(); err != nil {
			return nil, err
		}
	}
	times, errs := make([]time.Duration, len(sites)), make([]error, len(sites))
	var group sync.WaitGroup
	for i, s := range sites {
		group.Go(func() { _, times[i], errs[i] = f.announce(ctx, d, s, olds[i]) })
	}
	group.Wait()
	return times, errors.Join(errs...)
}
