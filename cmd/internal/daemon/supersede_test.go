package daemon_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
)

// runs waits until web runs an image.
func (w *world) runs(image string) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		if got := w.image(); !strings.HasSuffix(got, image) {
			return fmt.Errorf("web runs %s, want %s", got, image)
		}
		return nil
	})
}

func TestAfterThreeSupersedesTheRunningDeploymentMayFinish(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"health_deadline": "15s"}})
	version := func(image string) map[string]string { return manifest(strings.Replace(ten, "web:1.0.0", image, 1)) }
	w.settles(w.push(version("web:1.0.0")), reconcile.Live)
	var bad []string
	for i := range 4 {
		image := fmt.Sprintf("web:never-ready-%d", i)
		bad = append(bad, w.push(version(image)))
		w.runs(image)
	}
	good := w.push(version("web:1.0.1"))
	w.settles(good, reconcile.Live)
	for i, commit := range bad[:3] {
		if s := w.status(commit, "deploy", "success"); !strings.Contains(s.Description, "superseded by "+bad[i+1][:7]) {
			t.Errorf("commit %d was told %q", i, s.Description)
		}
	}
	if s := w.status(bad[3], "deploy", "failure"); !strings.Contains(s.Description, "Deployment/"+w.ns+"/web") {
		t.Errorf("the one that was let finish was told %q", s.Description)
	}
	w.status(good, "deploy", "success")
}

func TestABurstOfPushesEndsAtTheNewestWithNothingPending(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	var newest string
	for i := range 20 {
		newest = w.push(manifest(strings.Replace(ten, "hello", fmt.Sprintf("hello %d", i), 1)))
	}
	w.settles(newest, reconcile.Live)
	if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != "hello 19" {
		t.Errorf("GREETING is %q", got)
	}
	w.status(newest, "deploy", "success")
	w.nothingPending()
}

// nothingPending waits until no commit has a pending context.
func (w *world) nothingPending() {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		last := map[string]string{}
		for _, s := range w.GitHub.Statuses() {
			last[s.Commit[:7]+" "+s.Context] = s.State
		}
		for what, state := range last {
			if state == "pending" {
				return fmt.Errorf("%s is pending", what)
			}
		}
		return nil
	})
}

// Threats T29: reloads, webhooks, drift and readers at the same time, under
// the race detector; RONDO_SOAK=1 makes it a minute.
func TestT29_ReloadsWebhooksAndDriftAtTheSameTime(t *testing.T) {
	long := 5 * time.Second
	if os.Getenv("RONDO_SOAK") != "" {
		long = time.Minute
	}
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	second := w.Git.Repo("acme/other-" + w.app)
	other := daemontest.App{"name": "o" + w.app, "repository": second.URL(), "namespace": w.ns, "service_account": "deployer"}
	second.Commit(manifest("services:\n  other:\n    image: registry.example.org/shop/other:1.0.0\n"))

	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	var rounds [4]atomic.Int64
	g := new(errgroup.Group)
	each := func(i int, do func(n int64) error) {
		g.Go(func() error {
			for ctx.Err() == nil {
				if err := do(rounds[i].Add(1)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	each(0, func(n int64) error { // reloads, with and without a second application and a token
		apps := []daemontest.App{w.entry(nil)}
		if n%2 == 0 {
			apps = append(apps, other)
		}
		if err := w.Configure(apps...); err != nil {
			return err
		}
		return w.Daemon().Reload(t.Context())
	})
	each(1, func(n int64) error { // pushes
		before := w.repo.Ref("refs/heads/main")
		hash, err := w.repo.Write(manifest(strings.Replace(ten, "hello", fmt.Sprint("hello ", n), 1)))
		if err == nil {
			_, err = w.Hook(t.Context(), w.URL(), w.repo, "main", before, hash)
		}
		return err
	})
	each(2, func(int64) error { // drift
		path := fmt.Sprintf(configMaps, w.ns) + "/" + w.app + "-environment"
		patch := fmt.Sprintf(`{"data":{"GREETING":"by hand %d"}}`, rand.Int())
		return w.kube.Discovery().RESTClient().Patch(types.MergePatchType).AbsPath(path).Body([]byte(patch)).Do(t.Context()).Error()
	})
	each(3, func(int64) error { // readers
		_, err := w.API().Apps(t.Context())
		return err
	})
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, n := range [...]string{"reloads", "pushes", "edits", "reads"} {
		t.Logf("%d %s", rounds[i].Load(), n)
	}
	w.reload(w.entry(nil))
	last := fmt.Sprint("hello ", rounds[1].Load()+1)
	commit := w.push(manifest(strings.Replace(ten, "hello", last, 1)))
	w.settlesLater(commit, reconcile.Live)
	if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != last {
		t.Errorf("GREETING is %q, want %q", got, last)
	}
	w.nothingPending()
	if log := w.log.String(); strings.Contains(log, "panic") {
		t.Error("something panicked; see the log")
	}
}
