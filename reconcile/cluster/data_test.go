package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// slowDatabase is a database whose pod is not ready before the test says so, a
// command and a service.
func (f *fixture) slowDatabase(image string) (b render.Bundle, db, job, web render.ID) {
	b = f.database()
	containers := inPod(b.Objects[0].Body)["containers"].([]any)
	containers[0].(map[string]any)["image"] = "example.org/db:never-ready"
	b.Objects = append(b.Objects[:1:1], f.migration("migrate", "shop:1").Objects[0], f.object(deployment("web", image), 9))
	return b, b.Objects[0].ID, b.Objects[1].ID, b.Objects[2].ID
}

func inPod(body map[string]any) map[string]any {
	return body["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
}

// readiness makes the database's pod ready, or not ready any more.
func (f *fixture) readiness(status string) {
	f.Helper()
	kubetest.Eventually(f, func() error {
		pod, err := f.typed.CoreV1().Pods(f.target.Namespace).Get(f.Context(), "db-0", metav1.GetOptions{})
		if err == nil && pod.Status.Phase != "Running" {
			err = errors.New("the pod of the database does not run yet")
		}
		if err == nil {
			_, err = f.typed.CoreV1().Pods(f.target.Namespace).Patch(f.Context(), "db-0", types.StrategicMergePatchType,
				fmt.Appendf(nil, `{"status":{"conditions":[{"type":"Ready","status":"%s"}]}}`, status), metav1.PatchOptions{}, "status")
		}
		return err
	})
}

func TestADeploymentWaitsForDataThatItCreates(t *testing.T) {
	t.Parallel()
	f := start(t)
	b, db, job, web := f.slowDatabase("example.org/shop:1")
	nothing := func(when string) {
		t.Helper()
		if f.exists(job) || f.exists(web) {
			t.Fatalf("%s: the command or the service was applied", when)
		}
	}
	fresh := func(c *Cluster) bool {
		t.Helper()
		inv, err := c.readInventory(t.Context(), f.client(), f.target)
		if err != nil {
			t.Fatal(err)
		}
		entry, _ := inv.Find(db)
		return entry.Fresh
	}

	// A newer revision ends the wait and takes it over.
	ctx, cancel := context.WithCancelCause(t.Context())
	p, ended := f.plan(b), make(chan error, 1)
	go func() {
		_, err := f.c.Apply(ctx, p)
		ended <- err
	}()
	kubetest.Eventually(t, func() error {
		if !f.exists(db) {
			return errors.New("no database yet")
		}
		return nil
	})
	cancel(plan.ErrSuperseded)
	if err := <-ended; !errors.Is(err, plan.ErrSuperseded) {
		t.Fatalf("Apply: %v", err)
	}
	nothing("superseded")

	// It waits too, in another process, although it finds the database there.
	other := f.another()
	f.run(other)
	if !fresh(other) {
		t.Error("the inventory does not say that the database is new")
	}
	p = f.planWith(other, b, func(o *plan.Options) { o.WaveDeadline = time.Second })
	_, err := other.Apply(t.Context(), p)
	want := "db is not ready after 1s: 0 of 1 pod ready" // then the last event
	if err == nil || !strings.HasPrefix(err.Error(), want) || !plan.Early(err) || !errors.Is(err, plan.ErrUnhealthy) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	nothing("too late")

	// Once it is ready the others follow.
	p = f.planWith(other, b)
	go func() {
		_, err := other.Apply(t.Context(), p)
		ended <- err
	}()
	f.readiness("True")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !f.exists(job) || !f.exists(web) || fresh(other) {
		t.Errorf("command %t, service %t, new %t", f.exists(job), f.exists(web), fresh(other))
	}

	// From then on it is waited for no more.
	f.readiness("False")
	kubetest.Eventually(t, func() error {
		if other.Health(f.target.App).Worst == "Current" {
			return errors.New("the database is not seen to fail yet")
		}
		return nil
	})
	b, _, _, _ = f.slowDatabase("example.org/shop:2")
	p = f.planWith(other, b)
	if _, err := other.Apply(t.Context(), p); err != nil || f.image("web") != "example.org/shop:2" {
		t.Errorf("next deployment: %v, web runs %s", err, f.image("web"))
	}
}
