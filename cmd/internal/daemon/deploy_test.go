package daemon_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
)

func TestPushBecomesLiveObjects(t *testing.T) {
	w := newWorld(t, settings{})
	commit := w.push(manifest(ten))
	detail := w.settles(commit, reconcile.Live)

	if d := w.deployment("web"); d.Status.AvailableReplicas != 1 || d.Labels["rondo.dev/app"] != w.app {
		t.Errorf("web: %d available, labels %v", d.Status.AvailableReplicas, d.Labels)
	}
	if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != "hello" {
		t.Errorf("GREETING is %q", got)
	}
	if _, err := w.kube.NetworkingV1().Ingresses(w.ns).Get(t.Context(), "web", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	if detail.Graded == nil || detail.Graded.Overall == "" {
		t.Errorf("no score: %+v", detail.Graded)
	}
	w.status(commit, "manifest", "success")
	w.status(commit, "score", "success")
	deploy := w.status(commit, "deploy", "success")
	if deploy.Context != "rondo/"+w.app+"/production/deploy" {
		t.Errorf("context %q", deploy.Context)
	}
	var states []string
	for _, s := range w.GitHub.Statuses() {
		if s.Commit == commit && strings.HasSuffix(s.Context, "/deploy") {
			states = append(states, s.State)
		}
	}
	if fmt.Sprint(states) != "[pending success]" {
		t.Errorf("deploy went %v", states)
	}
}

func TestOneChangedConfigMapIsOneObjectWrite(t *testing.T) {
	w := newWorld(t, settings{})
	// A service that asks not to be restarted reads its variables at its next start.
	quiet := strings.Replace(ten, "    health: default\n", "    health: default\n    restart_on_deploy: false\n", 1)
	w.settles(w.push(manifest(quiet)), reconcile.Live)
	from := time.Now()
	commit := w.push(manifest(strings.Replace(quiet, "hello", "good evening", 1)))
	detail := w.settles(commit, reconcile.Live)
	if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != "good evening" {
		t.Errorf("GREETING is %q", got)
	}
	writes := w.writes(from)
	var inventory, objects int
	for _, write := range writes {
		if strings.Contains(write, "inventory") {
			inventory++
		} else {
			objects++
		}
	}
	if objects != 1 || inventory > 2 || detail.Newest.Outcome.Writes != 1 {
		t.Errorf("the API server saw %v; the pass counted %d", writes, detail.Newest.Outcome.Writes)
	}
}

func TestPushThatChangesNoInputWritesNothing(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	from := time.Now()
	commit := w.push(map[string]string{"README.md": "# shop\n"})
	detail := w.settles(commit, reconcile.Live)
	if writes := w.writes(from); len(writes) > 0 {
		t.Errorf("the API server saw %v", writes)
	}
	if !detail.Newest.SameInput || !strings.HasSuffix(detail.Live, commit) {
		t.Errorf("same input %t, live %s", detail.Newest.SameInput, detail.Live)
	}
	w.status(commit, "deploy", "success")
	w.status(commit, "manifest", "success")
}

func TestARemovedServiceIsPrunedAndAForeignObjectIsNot(t *testing.T) {
	w := newWorld(t, settings{})
	two := ten + "  worker:\n    image: registry.example.org/shop/worker:1.0.0\n"
	w.settles(w.push(manifest(two)), reconcile.Live)
	labels := w.deployment("worker").Labels
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "foreign", Labels: labels}}
	if _, err := w.kube.CoreV1().ConfigMaps(w.ns).Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.settles(w.push(manifest(ten)), reconcile.Live)
	kubetest.Eventually(t, func() error {
		list, err := w.kube.AppsV1().Deployments(w.ns).List(t.Context(), metav1.ListOptions{})
		if err == nil && len(list.Items) != 1 {
			err = fmt.Errorf("%d deployments", len(list.Items))
		}
		return err
	})
	w.configMap("foreign")
}

func TestABadCommitDoesNotHoldUpTheGoodOneAfterIt(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	bad := w.push(manifest(strings.Replace(ten, "web:1.0.0", "web:never-ready", 1)))
	kubetest.Eventually(t, func() error {
		if got := w.deployment("web").Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(got, "never-ready") {
			return fmt.Errorf("web runs %s", got)
		}
		return nil
	})
	start := time.Now()
	good := w.push(manifest(strings.Replace(ten, "web:1.0.0", "web:1.0.1", 1)))
	w.settles(good, reconcile.Live)
	if took := time.Since(start); took > time.Minute { // a health deadline is 5
		t.Errorf("the good commit took %s", took)
	}
	w.status(good, "deploy", "success")
	if s := w.status(bad, "deploy", "success"); !strings.Contains(s.Description, "superseded by "+good[:7]) {
		t.Errorf("the bad commit was told %q", s.Description)
	}
}

func TestALostWebhookCostsOnePoll(t *testing.T) {
	w := newWorld(t, settings{values: map[string]any{"poll": map[string]any{"min": "1s", "max": "2s"}}})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	w.settles(w.commit(manifest(strings.Replace(ten, "hello", "hi", 1))), reconcile.Live)
}

func TestAnUnhealthyRevisionIsHeldAndTold(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	w.deadline("3s")
	commit := w.push(manifest(strings.Replace(ten, "web:1.0.0", "web:never-ready", 1)))
	w.settles(commit, reconcile.Unhealthy)
	if s := w.status(commit, "deploy", "failure"); !strings.Contains(s.Description, "Deployment/"+w.ns+"/web") {
		t.Errorf("the status names no object: %q", s.Description)
	}
	// Nothing returns in silence: the failed revision stays as it was applied.
	if got := w.deployment("web").Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(got, "never-ready") {
		t.Errorf("web runs %s", got)
	}
}

func TestAnExternalDatabaseIsReachedByItsAddress(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest("postgresql: { server: external, host: 192.0.2.10 }\ndatabases: [postgresql]\n"+ten)), reconcile.Live)
	list, err := w.kube.DiscoveryV1().EndpointSlices(w.ns).List(t.Context(), metav1.ListOptions{
		LabelSelector: "endpointslice.kubernetes.io/managed-by=rondo",
	})
	if err != nil || len(list.Items) != 2 { // of the Services postgresql and postgresql-default
		t.Fatalf("%d endpoint slices, %v", len(list.Items), err)
	}
	for _, slice := range list.Items {
		if got := fmt.Sprint(slice.Endpoints[0].Addresses); got != "[192.0.2.10]" {
			t.Errorf("%s leads to %s", slice.Name, got)
		}
	}
}

func TestAWaveThatFailsIsToldAndNotRetriedForEver(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"health_deadline": "3s"}})
	text := ten + "  worker:\n    image: registry.example.org/shop/worker:1.0.0\n    requires: [web]\n"
	commit := w.push(manifest(strings.Replace(text, "web:1.0.0", "web:never-ready", 1)))
	w.settles(commit, reconcile.Unhealthy)
	if s := w.status(commit, "deploy", "failure"); !strings.Contains(s.Description, "/web") {
		t.Errorf("the status names no object: %q", s.Description)
	}
	w.deadline("1m")
	w.settles(w.push(manifest(text)), reconcile.Live)
}
