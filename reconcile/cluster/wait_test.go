package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
)

func TestWaitEndsWhenEverythingIsHealthy(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(configMap("env", "info"), service("web"), deployment("web", "example.org/shop:1"))
	f.pass(b)
	report, err := f.c.Wait(t.Context(), f.target, b)
	if err != nil || report.Worst != health.Current || report.Sentence != "3 objects are healthy" {
		t.Errorf("%+v, %v", report, err)
	}
	if got := f.c.Health(f.target.App); got.Worst != health.Current || len(got.Items) != 3 {
		t.Errorf("Health: %+v", got)
	}
	kubetest.Eventually(t, func() error { // the second endpoint may come after the first
		observed, err := f.c.Observe(t.Context(), f.target, b)
		if err != nil || observed.Endpoints["web"] != 2 || len(observed.Pods) != 2 || observed.Pods[0].Service != "web" || len(observed.RolloutExceeded) != 0 {
			return fmt.Errorf("Observe: %+v, %v", observed, err)
		}
		return nil
	})
	// The old rollout does not count for the new one.
	b = f.bundle(configMap("env", "info"), service("web"), deployment("web", "example.org/shop:2"))
	f.pass(b)
	report, err = f.c.Wait(t.Context(), f.target, b)
	pods, listErr := f.typed.CoreV1().Pods(f.target.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || listErr != nil || report.Worst != health.Current {
		t.Fatalf("%+v, %v, %v", report, err, listErr)
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil && pod.Spec.Containers[0].Image != "example.org/shop:2" {
			t.Errorf("pod %s still runs %s", pod.Name, pod.Spec.Containers[0].Image)
		}
	}
}

func TestWaitFailsEarlyForAnImageThatDoesNotExist(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(deployment("web", "example.org/no-such-image:1"))
	f.pass(b)
	began := time.Now()
	report, err := f.c.Wait(t.Context(), f.target, b)
	if err != nil || report.Worst != health.Failed || !strings.Contains(report.Sentence, "ImagePullBackOff") {
		t.Errorf("after %s: %+v, %v", time.Since(began), report, err)
	}
}

func TestWaitEndsAtItsDeadlineWithTheLastEvent(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(configMap("env", "info"), deployment("web", "example.org/shop:never-ready"))
	f.pass(b)
	event := func(name, kind, reason, message string, at time.Time) {
		_, err := f.typed.CoreV1().Events(f.target.Namespace).Create(t.Context(), &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{GenerateName: "e", Namespace: f.target.Namespace},
			InvolvedObject: corev1.ObjectReference{Kind: kind, Name: name, Namespace: f.target.Namespace},
			Type:           "Warning", Reason: reason, Message: message, LastTimestamp: metav1.NewTime(at)}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	kubetest.Eventually(t, func() error {
		d, err := f.typed.AppsV1().Deployments(f.target.Namespace).Get(t.Context(), "web", metav1.GetOptions{})
		if err == nil && d.Status.UpdatedReplicas != 2 {
			err = fmt.Errorf("%d Pods updated", d.Status.UpdatedReplicas)
		}
		return err
	})
	now := time.Now()
	event("web-5d8f-x", "Pod", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503\npassword=hunter2", now)
	event("web-5d8f-x", "Pod", "BackOff", "older", now.Add(-time.Hour))
	event("other", "Pod", "BackOff", "not ours", now.Add(time.Hour))
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, enough)
	defer cancel()
	report, err := f.c.Wait(ctx, f.target, b)
	want := "Deployment/" + f.target.Namespace + "/web: 0 of 2 pods available; Unhealthy: Readiness probe failed, statuscode: 503"
	if !errors.Is(err, enough) || report.Sentence != want {
		t.Errorf("got  %s (%v)\nwant %s", report.Sentence, err, want)
	}
}

func TestWaitEndsWhenAnObjectDrifts(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(configMap("env", "info"), deployment("web", "example.org/shop:never-ready"))
	f.pass(b)
	ended := make(chan error, 1)
	go func() {
		_, err := f.c.Wait(t.Context(), f.target, b)
		ended <- err
	}()
	f.by("kubectl-edit", f.id("", "ConfigMap", "env"), types.MergePatchType, `{"data":{"LEVEL":"debug"}}`)
	select {
	case err := <-ended:
		if !errors.Is(err, plan.ErrDrift) {
			t.Errorf("Wait: %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Wait goes on")
	}
	// The next round knows of the drift, so its wait is not ended by it again.
	p := f.plan(b)
	if got := actions(p); got != "heal ConfigMap/env" {
		t.Errorf("plan: %s", got)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, errors.New("enough"))
	defer cancel()
	if _, err := f.c.Wait(ctx, f.target, b); errors.Is(err, plan.ErrDrift) {
		t.Error("a drift that the plan knew of ended the wait")
	}
}

func TestWaitWithoutTheRightToWatchReadsAsTheApplication(t *testing.T) {
	t.Parallel()
	proxy, behind := newFaulty(t)
	proxy.set(forbidDeploymentsWatch)
	f := start(t, behind, func(o *Options) { o.SecretCheck = 100 * time.Millisecond })
	b := f.bundle(deployment("web", "example.org/shop:1"))
	f.pass(b)
	report, err := f.c.Wait(t.Context(), f.target, b)
	if err != nil || report.Worst != health.Current {
		t.Errorf("%+v, %v", report, err)
	}
	web := f.id("apps", "Deployment", "web")
	f.by("kubectl", web, types.MergePatchType, `{"spec":{"replicas":5}}`, "scale")
	f.drifted(web)
}

func TestFactsTellVersionAndDefaultClass(t *testing.T) {
	f := start(t)
	for _, name := range []string{"plain", "default-" + f.target.App} {
		class := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networkingv1.IngressClassSpec{Controller: "example.org/c"}}
		if name != "plain" {
			class.Annotations = map[string]string{"ingressclass.kubernetes.io/is-default-class": "true"}
		}
		if _, err := f.typed.NetworkingV1().IngressClasses().Create(t.Context(), class, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = f.typed.NetworkingV1().IngressClasses().Delete(context.Background(), name, metav1.DeleteOptions{})
		})
	}
	facts, err := f.c.Facts(t.Context())
	if err != nil || facts.ClusterVersion != "1.36" || facts.IngressClass != "default-"+f.target.App {
		t.Errorf("%+v, %v", facts, err)
	}
}

func TestBadImageThenGoodImageIsLiveWithoutWaiting(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(deployment("web", "example.org/shop:1")))
	f.pass(f.bundle(deployment("web", "example.org/no-such-image:1")))
	b := f.bundle(deployment("web", "example.org/shop:2"))
	f.pass(b)
	report, err := f.c.Wait(t.Context(), f.target, b)
	if err != nil || report.Worst != health.Current {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestFinishedJobThatCleanedUpIsHealthy(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle("{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {ttlSecondsAfterFinished: 0, template: {spec: {restartPolicy: Never, containers: [{name: m, image: example.org/m:1}]}}}}")
	f.pass(b)
	kubetest.Eventually(t, func() error {
		if f.exists(b.Objects[0].ID) {
			return fmt.Errorf("the Job is still there")
		}
		return nil
	})
	f.quiet("a Job that went by itself")
	if p := f.plan(b, asDrift); p.Writes() {
		t.Errorf("plan: %s", actions(p))
	}
	report, err := f.c.Wait(t.Context(), f.target, b)
	if err != nil || report.Worst != health.Current {
		t.Errorf("%+v, %v", report, err)
	}
}
