package daemon_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/render"
)

// calm is a service that only its users restart.
func calm(image string, count int) map[string]string {
	return manifest(fmt.Sprintf(`services:
  web:
    image: registry.example.org/shop/%s
    restart_on_deploy: false
    constraints: { min_count: %d, max_count: %[2]d }
`, image, count))
}

// running lists the images that the pods of web have, each once.
func (w *world) running(count int) string {
	w.t.Helper()
	var got string
	kubetest.Eventually(w.t, func() error {
		pods, err := w.kube.CoreV1().Pods(w.ns).List(w.t.Context(), metav1.ListOptions{LabelSelector: "tier=web"})
		if err != nil {
			return err
		}
		var images []string
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp == nil {
				images = append(images, strings.TrimPrefix(pod.Spec.Containers[0].Image, "registry.example.org/shop/"))
			}
		}
		slices.Sort(images)
		if got = strings.Join(slices.Compact(slices.Clone(images)), ", "); len(images) != count {
			return fmt.Errorf("%d pods run %s, want %d", len(images), got, count)
		}
		return nil
	})
	return got
}

func pendingRestart(d client.Detail) bool {
	return slices.ContainsFunc(d.Newest.Problems, func(p render.Problem) bool { return p.Code == "I-PENDING-RESTART" })
}

func TestAServiceIsRestartedByHand(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"health_deadline": "20s"}})
	step := func(what string, d client.Detail, count int, images string, pending bool) {
		t.Helper()
		if got := w.running(count); got != images {
			t.Errorf("%s: the pods run %s, want %s", what, got, images)
		}
		if pendingRestart(d) != pending {
			t.Errorf("%s: problems %v; pending restart %t", what, d.Newest.Problems, pending)
		}
	}
	step("first", w.settles(w.push(calm("web:1", 2)), reconcile.Live), 2, "web:1", false)
	step("a new image", w.settles(w.push(calm("web:2", 2)), reconcile.Live), 2, "web:1", true)
	step("another count", w.settles(w.push(calm("web:2", 3)), reconcile.Live), 3, "web:1", true)
	step("a newer image", w.settles(w.push(calm("web:3", 3)), reconcile.Live), 3, "web:1", true)

	// kubectl rollout resume deployment/web
	patch := []byte(`{"spec":{"paused":null}}`)
	if _, err := w.kube.AppsV1().Deployments(w.ns).Patch(t.Context(), "web", types.StrategicMergePatchType, patch,
		metav1.PatchOptions{FieldManager: "kubectl-rollout"}); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, func() error {
		if d := w.deployment("web"); d.Spec.Paused || d.Status.UpdatedReplicas != 3 || d.Status.Replicas != 3 {
			return fmt.Errorf("paused %t, %d updated of %d", d.Spec.Paused, d.Status.UpdatedReplicas, d.Status.Replicas)
		}
		return nil
	})
	commit := w.push(calm("web:3", 2))
	step("restarted", w.settles(commit, reconcile.Live), 2, "web:3", false)
	if w.deployment("web").Spec.Paused {
		t.Error("it is paused again although nothing waits")
	}
	step("the next image", w.settles(w.push(calm("web:4", 2)), reconcile.Live), 2, "web:3", true)
}
