package daemon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
)

// reporting is a manifest of a service and of a job that stands still while it
// is deployed.
func reporting(image, hour string) map[string]string {
	return manifest(`services:
  web:
    image: registry.example.org/shop/` + image + `
jobs:
  report:
    service: web
    command: bin/report
    schedule: "0 ` + hour + ` * * *"
    pause_during_deploy: true
`)
}

// report is the schedule of the job, and whether it is suspended.
func (w *world) report() string {
	w.t.Helper()
	job, err := w.kube.BatchV1().CronJobs(w.ns).Get(w.t.Context(), "report", metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("%s %t", job.Spec.Schedule, *job.Spec.Suspend)
}

// rollsOut waits until web has the image, and wants the job suspended then.
func (w *world) rollsOut(image, report string) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		if got := w.image(); !strings.HasSuffix(got, image) {
			return fmt.Errorf("web runs %s", got)
		}
		return nil
	})
	if got := w.report(); got != report {
		w.t.Errorf("while %s is rolled out the job is %s, want %s", image, got, report)
	}
}

func TestAJobStandsStillWhileADeploymentRuns(t *testing.T) {
	w := newWorld(t, settings{})
	is := func(when, want string) {
		t.Helper()
		if got := w.report(); got != want {
			t.Errorf("%s: the job is %s, want %s", when, got, want)
		}
	}
	w.settles(w.push(reporting("web:1", "1")), reconcile.Live)
	is("first", "0 1 * * * false")

	w.deadline("6s")
	slow := w.push(reporting("web:never-ready", "2"))
	w.rollsOut("web:never-ready", "0 1 * * * true")
	w.relabel() // drift is corrected meanwhile, and does not wake the job
	if w.state().Newest.Ended.IsZero() {
		is("after a heal", "0 1 * * * true")
	}
	w.settles(slow, reconcile.Unhealthy)
	is("after a deployment that failed", "0 2 * * * false")

	w.deadline("1m")
	w.push(reporting("web:never-ready-again", "3"))
	w.rollsOut("web:never-ready-again", "0 2 * * * true")
	bad := w.push(manifest("services: [web]\n"))
	w.settles(bad, reconcile.Invalid)
	is("after one that a broken commit superseded", "0 3 * * * false")

	w.deadline("6s")
	from := time.Now()
	w.settles(w.push(reporting("web:never-ready-again", "4")), reconcile.Unhealthy)
	is("after a change of the job alone", "0 4 * * * false")
	if writes := w.writes(from); len(writes) != 3 {
		t.Errorf("a change of the job alone wrote %v", writes)
	}

	w.deadline("1m")
	w.settles(w.push(reporting("web:2", "4")), reconcile.Live)
	is("after one that succeeded", "0 4 * * * false")
	before := w.state().Newest.Pass
	w.do("sync", client.Action{Refresh: true})
	if detail := w.ends(before, reconcile.Live); detail.Newest.Outcome != nil && detail.Newest.Outcome.Writes > 0 {
		t.Errorf("one that changes nothing wrote %+v", detail.Newest.Outcome)
	}
}

func TestAJobThatACrashLeftSuspendedRunsAgain(t *testing.T) {
	w := newApart(t, settings{app: map[string]any{"health_deadline": "60s"}})
	first := w.serve(w.Config)
	first.leads()
	commit, err := w.pushTo(first, reporting("web:1", "1"))
	if err != nil {
		t.Fatal(err)
	}
	first.goesLive(commit)
	n := len(first.diary.all())
	if _, err := w.pushTo(first, reporting("web:never-ready", "1")); err != nil {
		t.Fatal(err)
	}
	if !first.reaches(n, "wait") {
		t.Fatal("the deployment does not wait for health")
	}
	w.rollsOut("web:never-ready", "0 1 * * * true")
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	bad := w.commit(manifest("services: [web]\n")) // nothing of it is ever applied

	second := w.serve(w.Config)
	kubetest.Eventually(t, func() error {
		detail, err := second.api().App(t.Context(), w.app)
		if err != nil {
			return err
		}
		if r := detail.Newest; r.Revision.Hash != bad || r.Ended.IsZero() {
			return fmt.Errorf("pass of %s is %s", r.Revision, r.Condition)
		}
		return nil
	})
	if got := w.report(); got != "0 1 * * * false" {
		t.Errorf("the job is %s", got)
	}
}
