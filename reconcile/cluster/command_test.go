package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// migration is a bundle of a Deployment and of a command before it; the image
// says what becomes of its pod.
func (f *fixture) migration(name, image string) render.Bundle {
	f.Helper()
	job := f.object(fmt.Sprintf(`
apiVersion: batch/v1
kind: Job
metadata: {name: %s}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: 600
  ttlSecondsAfterFinished: 86400
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: "example.org/%s"}]
`, name, image), 1)
	job.Stage, job.Command = render.StageCommand, true
	b := f.bundle(deployment("web", "example.org/shop:1"))
	b.Objects = append([]render.Object{job}, b.Objects...)
	return b
}

// finish lets the pod of a Job end well.
func (f *fixture) finish(job string) {
	f.Helper()
	kubetest.Eventually(f, func() error {
		pods, err := f.typed.CoreV1().Pods(f.target.Namespace).List(f.Context(), metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=" + job})
		if err != nil || len(pods.Items) == 0 {
			return fmt.Errorf("no pod of %s yet: %w", job, err)
		}
		_, err = f.typed.CoreV1().Pods(f.target.Namespace).Patch(f.Context(), pods.Items[0].Name, types.MergePatchType,
			[]byte(`{"status":{"phase":"Succeeded","conditions":[]}}`), metav1.PatchOptions{}, "status")
		return err
	})
}

func TestACommandRunsOnceBeforeTheWorkloads(t *testing.T) {
	t.Parallel()
	f := start(t)
	web, job := f.id("apps", "Deployment", "web"), f.id("batch", "Job", "migrate-1")
	b := f.migration("migrate-1", "shop:1")
	p, _ := f.pass(b)
	if got := actions(p); got != "create Job/migrate-1, create Deployment/web" {
		t.Errorf("plan %s", got)
	}
	if f.get(job).GetCreationTimestamp().After(f.get(web).GetCreationTimestamp().Time) {
		t.Error("the workload came first")
	}
	uid := f.get(job).GetUID()
	if p := f.plan(b); p.Writes() {
		t.Errorf("again: %s", actions(p))
	}
	if err := f.resource(job).Delete(t.Context(), "migrate-1", metav1.DeleteOptions{PropagationPolicy: new(metav1.DeletePropagationBackground)}); err != nil {
		t.Fatal(err)
	}
	other := f.another()
	f.run(other)
	if p := f.planWith(other, b); p.Writes() {
		t.Errorf("once it is gone: %s", actions(p))
	}
	f.quiet("nobody misses it")
	p, _ = f.pass(f.migration("migrate-2", "shop:1"))
	if got := actions(p); !strings.HasPrefix(got, "create Job/migrate-2") || f.get(f.id("batch", "Job", "migrate-2")).GetUID() == uid {
		t.Errorf("the next: %s", got)
	}
	p, _ = f.pass(f.bundle(deployment("web", "example.org/shop:1")), func(o *plan.Options) { o.AllowPrune = false })
	if got := actions(p); got != "prune Job/migrate-2" {
		t.Errorf("without: %s", got)
	}
}

func TestAFailedCommandStopsTheDeployment(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.migration("migrate", "shop:crash")
	p := f.plan(b)
	_, err := f.c.Apply(t.Context(), p)
	var failed *plan.CommandError
	if !errors.As(err, &failed) || !failed.Early || !errors.Is(err, plan.ErrUnhealthy) ||
		!strings.Contains(err.Error(), "Job/"+f.target.Namespace+"/migrate failed: BackoffLimitExceeded: container migrate: exit code 1") {
		t.Errorf("got %v", err)
	}
	if f.exists(f.id("apps", "Deployment", "web")) {
		t.Error("the workload was rolled out")
	}
	if p := f.plan(b, asDrift); strings.Contains(actions(p), "Job") {
		t.Errorf("drift: %s", actions(p))
	}
	if p := f.plan(b); !strings.HasPrefix(actions(p), "recreate Job/migrate") {
		t.Errorf("the next deployment: %s", actions(p))
	}
	b.Objects[0].Tolerate = true
	p = f.plan(b)
	out, err := f.c.Apply(t.Context(), p)
	if err != nil || len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "exit code 1") || !f.exists(f.id("apps", "Deployment", "web")) {
		t.Errorf("tolerated: %v, notes %q", err, out.Notes)
	}
	if p := f.plan(b); p.Writes() {
		t.Errorf("tolerated, it runs again: %s", actions(p))
	}
}

func TestANewerRevisionWaitsForARunningCommand(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.migration("migrate", "shop:never-ready")
	ctx, supersede := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	p := f.plan(b)
	go func() {
		_, err := f.c.Apply(ctx, p)
		ended <- err
	}()
	kubetest.Eventually(t, func() error {
		_, err := f.typed.BatchV1().Jobs(f.target.Namespace).Get(t.Context(), "migrate", metav1.GetOptions{})
		return err
	})
	supersede(plan.ErrSuperseded)
	select {
	case err := <-ended:
		t.Fatalf("the pass ended while the Job runs: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	f.finish("migrate")
	if err := <-ended; !errors.Is(err, plan.ErrSuperseded) {
		t.Errorf("got %v", err)
	}
	if f.exists(f.id("apps", "Deployment", "web")) {
		t.Error("the older revision was rolled out")
	}
	if p := f.plan(b); strings.Contains(actions(p), "Job") {
		t.Errorf("it runs again: %s", actions(p))
	}
}

func TestACommandThatACrashLeftRunningIsWaitedFor(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.migration("migrate", "shop:never-ready")
	dying, kill := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	p := f.plan(b)
	go func() {
		_, err := f.c.Apply(dying, p)
		ended <- err
	}()
	kubetest.Eventually(t, func() error {
		_, err := f.typed.BatchV1().Jobs(f.target.Namespace).Get(t.Context(), "migrate", metav1.GetOptions{})
		return err
	})
	kill(errors.New("the daemon is stopping"))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "the daemon is stopping") {
		t.Errorf("got %v", err)
	}
	uid := f.get(b.Objects[0].ID).GetUID()

	// A newer revision without that command waits for it as well.
	other := f.another()
	f.run(other)
	next := f.migration("migrate-2", "shop:1")
	p = f.planWith(other, next)
	if got := actions(p); got != "create Job/migrate-2, create Deployment/web, prune Job/migrate" {
		t.Errorf("plan %s", got)
	}
	go func() {
		_, err := other.Apply(t.Context(), p)
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	if f.exists(next.Objects[0].ID) || f.get(b.Objects[0].ID).GetUID() != uid {
		t.Error("it began while the other runs")
	}
	f.finish("migrate")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if f.exists(b.Objects[0].ID) {
		t.Error("the old command is still there")
	}
}
