package daemon_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
)

// migrating is a manifest of a service with a command before it.
func migrating(image string) map[string]string {
	return manifest("services:\n  web:\n    image: registry.example.org/shop/" + image + "\n    deploy_command: bin/migrate\n")
}

// jobs are the names of the application's Jobs.
func (w *world) jobs() []string {
	w.t.Helper()
	list, err := w.kube.BatchV1().Jobs(w.ns).List(w.t.Context(), metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, job := range list.Items {
		names = append(names, job.Name)
	}
	slices.Sort(names)
	return names
}

// finish lets the pod of a commit's Job end well.
func (w *world) finish(job string) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		pods, err := w.kube.CoreV1().Pods(w.ns).List(w.t.Context(), metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=" + job})
		if err != nil || len(pods.Items) == 0 {
			return errors.Join(fmt.Errorf("%s has no pod yet", job), err)
		}
		_, err = w.kube.CoreV1().Pods(w.ns).Patch(w.t.Context(), pods.Items[0].Name, types.MergePatchType,
			[]byte(`{"status":{"phase":"Succeeded"}}`), metav1.PatchOptions{}, "status")
		return err
	})
}

// relabel changes a label of web by hand, and waits until it is put back.
func (w *world) relabel() {
	w.t.Helper()
	w.edit(deployments, "web", "robot", types.MergePatchType, `{"metadata":{"labels":{"rondo.dev/environment":"other"}}}`)
	kubetest.Eventually(w.t, func() error {
		if got := w.deployment("web").Labels["rondo.dev/environment"]; got != "production" {
			return fmt.Errorf("the label is %q", got)
		}
		return nil
	})
}

func TestAPushDuringARunningMigrationJobWaitsForIt(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"health_deadline": "20s"}})
	w.settles(w.push(migrating("web:1")), reconcile.Live)

	slow := w.push(migrating("web:never-ready"))
	var running string
	kubetest.Eventually(t, func() error {
		for _, name := range w.jobs() {
			if strings.Contains(name, slow[:7]) {
				running = name
				return nil
			}
		}
		return fmt.Errorf("no Job of %s: %v", slow[:7], w.jobs())
	})
	next := w.push(migrating("web:2"))
	time.Sleep(time.Second) // what must not happen has time to
	if detail := w.state(); detail.Newest.Revision.Hash != slow || !detail.Newest.Ended.IsZero() || slices.ContainsFunc(w.jobs(), func(name string) bool { return strings.Contains(name, next[:7]) }) {
		t.Fatalf("the newer revision began: pass of %s, %s; Jobs %v", detail.Newest.Revision.Short(), detail.Newest.Condition, w.jobs())
	}
	w.finish(running)
	w.settles(next, reconcile.Live)
	if s := w.status(slow, "deploy", "success"); !strings.Contains(s.Description, "superseded by "+next[:7]) {
		t.Errorf("the older commit was told %q", s.Description)
	}
	if d := w.deployment("web"); !strings.HasSuffix(w.image(), "web:2") || d.Generation != 2 {
		t.Errorf("web runs %s and was written %d times", w.image(), d.Generation)
	}

	// One that fails stops its deployment, and what ran goes on.
	bad := w.push(migrating("web:crash"))
	w.settles(bad, reconcile.Unhealthy)
	if s := w.status(bad, "deploy", "failure"); !strings.Contains(s.Description, "exit code 1") || !strings.Contains(s.Description, bad[:7]) {
		t.Errorf("the commit was told %q", s.Description)
	}
	w.relabel()
	if !strings.HasSuffix(w.image(), "web:2") {
		t.Errorf("web runs %s", w.image())
	}
	good := w.push(migrating("web:3"))
	w.settles(good, reconcile.Live)
	if names := w.jobs(); len(names) != 1 || !strings.Contains(names[0], good[:7]) {
		t.Errorf("Jobs %v, want only that of %s", names, good[:7])
	}
}

func TestABuildCommandRunsUntilADeploymentHasSucceeded(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"health_deadline": "5s"}})
	building := func(image string) map[string]string {
		return manifest("services:\n  web:\n    image: registry.example.org/shop/" + image + "\n    build_command: bin/seed\n")
	}
	first := w.push(building("web:crash"))
	w.settles(first, reconcile.Unhealthy)
	w.deadline("1m")
	second := w.push(building("web:1"))
	w.settles(second, reconcile.Live)
	if names := w.jobs(); len(names) != 1 || !strings.Contains(names[0], second[:7]) {
		t.Errorf("Jobs %v, want only that of %s", names, second[:7])
	}
	// What was recorded is a fact of the next rendering, and of that alone.
	third := w.push(map[string]string{"README": "1"})
	if got := w.settles(third, reconcile.Live); got.Newest.SameInput {
		t.Error("the mark is no part of the input")
	}
	fourth := w.push(map[string]string{"README": "2"})
	if got := w.settles(fourth, reconcile.Live); !got.Newest.SameInput || got.Newest.Outcome != nil {
		t.Errorf("renders again and again: same input %t, %+v", got.Newest.SameInput, got.Newest.Outcome)
	}
	if names := w.jobs(); slices.ContainsFunc(names, func(name string) bool {
		return strings.Contains(name, third[:7]) || strings.Contains(name, fourth[:7])
	}) {
		t.Errorf("it ran again: %v", names)
	}
}
