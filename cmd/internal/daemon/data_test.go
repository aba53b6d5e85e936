package daemon_test

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
)

func TestAFirstDeploymentWaitsForItsDatabase(t *testing.T) {
	w := newWorld(t, settings{
		app:    map[string]any{"health_deadline": "3s"},
		values: map[string]any{"catalogue": map[string]any{"postgresql": map[string]any{"17": "example.org/postgresql:never-ready"}}},
	})
	commit := w.push(manifest(`databases:
  postgresql: { version: "17" }
services:
  web:
    image: registry.example.org/shop/web:1.0.0
    deploy_command: bin/migrate
`))
	w.settles(commit, reconcile.Unhealthy)
	s := w.status(commit, "deploy", "failure")
	if !strings.Contains(s.Description, "postgresql-default is not ready after 3s: 0 of 1 pod ready") {
		t.Errorf("the commit was told %q", s.Description)
	}
	if _, err := w.kube.AppsV1().Deployments(w.ns).Get(t.Context(), "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) || len(w.jobs()) > 0 {
		t.Errorf("web came before its database: %v, Jobs %v", err, w.jobs())
	}

	w.deadline("1m")
	before := w.state().Newest.Pass
	w.do("sync", client.Action{})
	if _, err := w.kube.CoreV1().Pods(w.ns).Patch(t.Context(), "postgresql-default-0", types.StrategicMergePatchType,
		[]byte(`{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`), metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	w.ends(before, reconcile.Live)
	if w.image() != "registry.example.org/shop/web:1.0.0" || len(w.jobs()) != 1 {
		t.Errorf("web runs %s, Jobs %v", w.image(), w.jobs())
	}
}
