package daemon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
)

// counted is a manifest of one service with a count.
func counted(constraints, image string) map[string]string {
	return manifest(fmt.Sprintf("environment_variables: {GREETING: hello}\nservices:\n  web:\n    image: registry.example.org/shop/web:%s\n    constraints: {%s}\n", image, constraints))
}

// scale is kubectl scale.
func (w *world) scale(n int) {
	w.t.Helper()
	w.edit(deployments, "web/scale", "kubectl-scale", types.MergePatchType, fmt.Sprintf(`{"spec":{"replicas":%d}}`, n))
}

func (w *world) replicas() int32 { return *w.deployment("web").Spec.Replicas }

// overtake makes drift of another object and waits until it is put back, so
// that what the daemon meant to do before is done.
func (w *world) overtake() {
	w.t.Helper()
	before := w.state().Newest.Pass
	w.edit(configMaps, w.app+"-environment", "robot", types.MergePatchType, `{"data":{"GREETING":"bye"}}`)
	w.heal(before, "data.GREETING")
}

func TestACountRangeAndScalingLiveTogether(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(counted("min_count: 1, max_count: 5", "1.0.0")), reconcile.Live)
	if n := w.replicas(); n != 1 {
		t.Errorf("it began with %d", n)
	}
	w.scale(3)
	w.overtake()
	if n := w.replicas(); n != 3 {
		t.Errorf("scaled to 3, it has %d", n)
	}
	w.settles(w.push(counted("min_count: 1, max_count: 5", "1.0.1")), reconcile.Live)
	if n := w.replicas(); n != 3 {
		t.Errorf("a new image made it %d", n)
	}
	before := w.state().Newest.Pass
	w.scale(9)
	kubetest.Eventually(t, func() error {
		if n := w.replicas(); n != 5 {
			return fmt.Errorf("scaled to 9, it has %d", n)
		}
		return nil
	})
	w.heal(before, "spec.replicas")
}

func TestDriftWhileTheDaemonIsAwayIsPutBack(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(counted("min_count: 1, max_count: 5", "1.0.0")), reconcile.Live)
	away := func(edit func()) {
		t.Helper()
		if err := w.Stop(); err != nil {
			t.Fatal(err)
		}
		edit()
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	away(func() {
		w.edit(configMaps, w.app+"-environment", "robot", types.MergePatchType, `{"data":{"GREETING":"bye"}}`)
	})
	kubetest.Eventually(t, func() error {
		if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != "hello" {
			return fmt.Errorf("GREETING is %q", got)
		}
		return nil
	})
	away(func() { w.scale(9) })
	kubetest.Eventually(t, func() error {
		if n := w.replicas(); n != 5 {
			return fmt.Errorf("web has %d", n)
		}
		return nil
	})
}

func TestReleasingACountKeepsTheLiveOne(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(counted("min_count: 2, max_count: 2", "1.0.0")), reconcile.Live)
	events, err := w.kube.AppsV1().Deployments(w.ns).Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	commit := w.push(counted("min_count: 1, max_count: 5", "1.0.1"))
	w.settles(commit, reconcile.Live)
	w.scale(4) // whoever sees this has seen all before it
	timeout := time.After(time.Minute)
	for seen := 0; ; seen++ {
		select {
		case e := <-events.ResultChan():
			d, ok := e.Object.(*appsv1.Deployment)
			switch {
			case !ok:
				t.Fatalf("the watch gave %+v", e)
			case *d.Spec.Replicas == 4:
				if seen < 2 {
					t.Errorf("the watch saw %d events", seen)
				}
				return
			case *d.Spec.Replicas != 2:
				t.Errorf("the count went to %d", *d.Spec.Replicas)
			}
		case <-timeout:
			t.Fatal("the scaling was not seen")
		}
	}
}

func TestAFightIsGivenUpAndToldUntilSomebodySyncs(t *testing.T) {
	w := newWorld(t, settings{})
	commit := w.push(counted("min_count: 2, max_count: 2", "1.0.0"))
	w.settles(commit, reconcile.Live)
	w.status(commit, "deploy", "success")
	for range 3 {
		before := w.state().Newest.Pass
		w.scale(7)
		w.heal(before, "spec.replicas")
	}
	before := w.state().Newest.Pass
	w.scale(7)
	detail := w.ends(before, reconcile.Fought)
	if detail.Condition != reconcile.Fought || !strings.Contains(detail.Sentence, "kubectl-scale") {
		t.Errorf("the application is %s: %s", detail.Condition, detail.Sentence)
	}
	s := w.status(commit, "deploy", "failure")
	for _, want := range []string{"spec.replicas", "Deployment/" + w.ns + "/web"} {
		if !strings.Contains(s.Description, want) {
			t.Errorf("%q is not in the status %q", want, s.Description)
		}
	}
	// Another object is still kept.
	w.edit(configMaps, w.app+"-environment", "robot", types.MergePatchType, `{"data":{"GREETING":"bye"}}`)
	kubetest.Eventually(t, func() error {
		if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != "hello" {
			return fmt.Errorf("GREETING is %q", got)
		}
		return nil
	})
	if n := w.replicas(); n != 7 {
		t.Errorf("given up, it has %d", n)
	}

	// What ends the fight is told; what began it is not forgotten.
	w.delete(deployments, "web")
	w.told(commit, "deploy", "success", "live again: 1 put back, 3 unchanged")
	before = w.state().Newest.Pass
	w.scale(7)
	before = w.ends(before, reconcile.Fought).Pass
	w.do("sync", client.Action{})
	w.ends(before, reconcile.Live)
	if n := w.replicas(); n != 2 {
		t.Errorf("after the sync it has %d", n)
	}
	w.status(commit, "deploy", "success")
	before = w.state().Newest.Pass
	w.scale(7)
	w.heal(before, "spec.replicas")
}

func TestIgnoredFieldsAreLeftAlone(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"ignore": []any{
		map[string]any{"kind": "Deployment", "name": "web", "pointers": []any{"/spec/replicas"}},
	}}})
	w.settles(w.push(counted("min_count: 2, max_count: 2", "1.0.0")), reconcile.Live)
	w.scale(7)
	w.overtake()
	if n := w.replicas(); n != 7 {
		t.Errorf("the ignored count was made %d", n)
	}
}
