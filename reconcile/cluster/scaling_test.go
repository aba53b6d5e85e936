package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/fstest"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/workload"
	"rondo.dev/rondo/sources"
)

// folder is a Snapshot of one manifest, without a revision.
type folder struct{ fstest.MapFS }

func (folder) Revision() sources.Revision         { return sources.Revision{} }
func (folder) Close() error                       { return nil }
func (f folder) Hash(path string) (string, error) { b, err := f.ReadFile(path); return string(b), err }

// rendered is the Bundle of a manifest with the one service web.
func (f *fixture) rendered(service string) render.Bundle {
	f.Helper()
	text := "services: { web: { image: \"example.org/shop:1\", " + service + " } }\n"
	b, err := render.Render(f.Context(), render.Input{
		App: f.target.App, Environment: "production", Namespace: f.target.Namespace,
		Snapshot: folder{fstest.MapFS{"manifest.yml": &fstest.MapFile{Data: []byte(text), Mode: 0o644}}},
	}, workload.Builder{Key: testKey})
	if err != nil {
		f.Fatal(err)
	}
	return b
}

// scales gathers the values that spec.replicas of id takes, each as often as it
// changes, until stop is called.
func (f *fixture) scales(id render.ID) (stop func() []int64) {
	f.Helper()
	ctx, cancel := context.WithCancel(f.Context())
	events, err := f.resource(id).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + id.Name})
	if err != nil {
		f.Fatal(err)
	}
	var seen []int64
	var done sync.WaitGroup
	done.Go(func() {
		for event := range events.ResultChan() {
			if u, ok := event.Object.(*unstructured.Unstructured); ok {
				if n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas"); len(seen) == 0 || seen[len(seen)-1] != n {
					seen = append(seen, n)
				}
			}
		}
	})
	return func() []int64 {
		cancel()
		done.Wait()
		return seen
	}
}

// An autoscaler takes over the count that runs and gives it back, and at no time
// is the Deployment scaled to anything that nobody asked for.
func TestAutoscalingIsSwitchedOnAndOffWithoutADip(t *testing.T) {
	t.Parallel()
	f := start(t)
	web := f.id("apps", "Deployment", "web")
	scaler := f.id("autoscaling", "HorizontalPodAutoscaler", "web")
	const requests = "resources: { requests: { cpu: 100m } }"
	f.pass(f.rendered("constraints: { min_count: 3, max_count: 3, " + requests + " }"))
	kubetest.Eventually(f, func() error {
		if n, _, _ := unstructured.NestedInt64(f.get(web).Object, "status", "readyReplicas"); n != 3 {
			return fmt.Errorf("%d Pods of 3 are ready", n)
		}
		return nil
	})
	stop := f.scales(web)

	scaled := f.rendered("constraints: { min_count: 2, " + requests + " }, autoscaling: { max: 6, cpu: 70 }")
	f.pass(scaled)
	f.caughtUp(web)
	if n, _, _ := unstructured.NestedInt64(f.get(scaler).Object, "spec", "maxReplicas"); n != 6 {
		t.Errorf("the autoscaler goes up to %d, want 6", n)
	}
	if n := f.replicas(web); n != 3 {
		t.Errorf("%d replicas under the autoscaler, want the 3 that ran", n)
	}

	// As the controller of the autoscaler writes.
	deployments := f.typed.AppsV1().Deployments(f.target.Namespace)
	scale := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: f.target.Namespace}, Spec: autoscalingv1.ScaleSpec{Replicas: 5}}
	if _, err := deployments.UpdateScale(t.Context(), "web", scale, metav1.UpdateOptions{FieldManager: "kube-controller-manager"}); err != nil {
		t.Fatal(err)
	}
	f.caughtUp(web)
	if p := f.plan(scaled, asDrift); p.Writes() {
		t.Errorf("scaled to 5 by the autoscaler: %s", actions(p))
	}
	f.pass(f.rendered("constraints: { min_count: 2, " + requests + " }, autoscaling: { max: 6, cpu: 60 }, work_dir: /srv"))
	if n := f.replicas(web); n != 5 {
		t.Errorf("%d replicas after a deployment under the autoscaler, want 5", n)
	}

	f.pass(f.rendered("constraints: { min_count: 2, max_count: 2, " + requests + " }"))
	f.caughtUp(web)
	if _, err := f.resource(scaler).Get(t.Context(), "web", metav1.GetOptions{}); err == nil {
		t.Error("the autoscaler is still there")
	}
	if got, want := stop(), []int64{3, 5, 2}; !slices.Equal(got, want) {
		t.Errorf("the count went through %v, want %v", got, want)
	}
}
