package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/sources/gittest"
)

// manifest has 5 objects: ConfigMap, Deployment, Service, PodDisruptionBudget, Ingress.
func manifest(version int) string {
	return fmt.Sprintf(`environment_variables:
  VERSION: "%d"
services:
  web:
    image: registry.example.org/bench/web:1.0.0
    ports: ["8000:80"]
    traffic_matches: [bench.example.org]
    health: default
    constraints:
      resources: { requests: { cpu: 1m, memory: 4M } }
      min_count: 2
      max_count: 2
`, version)
}

// site is one application under measurement.
type site struct {
	name string
	repo *gittest.Repo
	head string
}

// heads is what each application must be live at.
func heads(sites []*site) map[string]string {
	out := map[string]string{}
	for _, s := range sites {
		out[s.name] = s.head
	}
	return out
}

func measureDaemon(ctx context.Context, o options, dir string, r *report) (err error) {
	cp, err := kubetest.Start(ctx, kubetest.Options{Nodes: 4, AuditLog: true, Out: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cp.Stop()) }()
	if err := daemontest.Grant(ctx, cp.Config(), "rondo"); err != nil {
		return err
	}
	kubeconfig, err := daemontest.Kubeconfig(dir, cp.ConfigFor("rondo"))
	if err != nil {
		return err
	}
	world, err := daemontest.Start(ctx, daemontest.Options{Dir: dir, Kubeconfig: kubeconfig, Out: os.Stderr})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	sites := make([]*site, o.apps)
	apps := make([]daemontest.App, o.apps)
	for i := range sites {
		s := &site{name: fmt.Sprintf("app-%04d", i)}
		if s.repo, err = world.Git.Create("bench/" + s.name); err != nil {
			return err
		}
		if s.head, err = s.repo.Write(map[string]string{"manifest.yml": manifest(0)}); err != nil {
			return err
		}
		sites[i] = s
		apps[i] = daemontest.App{"name": s.name, "repository": s.repo.URL(), "namespace": s.name, "service_account": "deployer"}
	}
	if err := world.Configure(apps...); err != nil {
		return err
	}
	binary, err := daemontest.Build(ctx, dir)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "rondo.log"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	seen, err := watch(ctx, cp.Config())
	if err != nil {
		return err
	}
	start := time.Now()
	d, err := daemontest.Serve(binary, world.Config, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	for _, s := range sites {
		if err := seen.wait(ctx, s.name, 5, 0); err != nil {
			return fmt.Errorf("cold start of %s: %w", s.name, err)
		}
	}
	r.figure(fmt.Sprintf("cold start, %d applications × 5 objects applied", o.apps), fmt.Sprintf("%.2f s", time.Since(start).Seconds()))
	if err := world.Quiet(ctx, d.URL, heads(sites)); err != nil {
		return err
	}

	var times []time.Duration
	writes := cp.AuditLog
	from := time.Now()
	before, err := stages(ctx, d.InternalURL)
	if err != nil {
		return err
	}
	for i, s := range sites {
		hash, err := s.repo.Write(map[string]string{"manifest.yml": manifest(i + 1)})
		if err != nil {
			return err
		}
		start := time.Now()
		if _, err := world.Hook(ctx, d.URL, s.repo, "main", s.head, hash); err != nil {
			return err
		}
		s.head = hash
		if err := seen.wait(ctx, s.name, 2, i+1); err != nil {
			return fmt.Errorf("push to %s: %w", s.name, err)
		}
		times = append(times, time.Since(start))
		// One push at a time: the rollout of this one must not be measured with the next.
		if err := world.Quiet(ctx, d.URL, map[string]string{s.name: hash}); err != nil {
			return err
		}
	}
	r.bar("push to all objects applied, p50", r.percentiles("push to all objects applied", times).Seconds(), 0.10, "s")
	if err := world.Quiet(ctx, d.URL, heads(sites)); err != nil {
		return err
	}
	after, err := stages(ctx, d.InternalURL)
	if err != nil {
		return err
	}
	r.figure("mean of each step:", means(before, after))
	byRondo, err := countAudit(writes, from, time.Now())
	if err != nil {
		return err
	}
	r.figure("writes per pass that changes 2 objects (inventory too)", fmt.Sprintf("%.2f", float64(byRondo.writes)/float64(len(sites))))

	var burst []time.Duration
	var mu sync.Mutex
	var group sync.WaitGroup
	for i, s := range sites {
		hash, err := s.repo.Write(map[string]string{"manifest.yml": manifest(1000 + i)})
		if err != nil {
			return err
		}
		old := s.head
		s.head = hash
		group.Go(func() {
			start := time.Now()
			if _, err := world.Hook(ctx, d.URL, s.repo, "main", old, hash); err != nil {
				return
			}
			if seen.wait(ctx, s.name, 2, 1000+i) == nil {
				mu.Lock()
				defer mu.Unlock()
				burst = append(burst, time.Since(start))
			}
		})
	}
	group.Wait()
	r.percentiles(fmt.Sprintf("the same, %d pushes at once", len(sites)), burst)
	return measureQuiet(ctx, o, world, heads(sites), cp, d, r)
}

func measureQuiet(ctx context.Context, o options, world *daemontest.World, heads map[string]string, cp *kubetest.ControlPlane, d *daemontest.Process, r *report) error {
	if err := world.Quiet(ctx, d.URL, heads); err != nil {
		return err
	}
	before, err := usageOf(d.Pid())
	if err != nil {
		return err
	}
	from := time.Now()
	select {
	case <-time.After(o.quiet):
	case <-ctx.Done():
		return ctx.Err()
	}
	after, err := usageOf(d.Pid())
	if err != nil {
		return err
	}
	took := time.Since(from)
	asked, err := countAudit(cp.AuditLog, from, time.Now())
	if err != nil {
		return err
	}
	r.bar("quiet: CPU", (after.cpu-before.cpu).Seconds()/took.Seconds(), 0.02, "cores")
	r.bar("quiet: requests to the API server", float64(asked.all)/took.Seconds(), 0.5, "/s")
	r.figure("quiet: commonest requests", asked.most())
	r.bar("quiet: memory (RSS)", float64(after.rss)/1e6, 80, "MB")
	r.figure("memory at its highest", fmt.Sprintf("%.1f MB", float64(after.peak)/1e6))
	return nil
}
