package cluster

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

func TestApplyCreatesConfiguresAndPrunes(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(configMap("env", "info"), secret("passwords", "hunter2"), service("web"), deployment("web", "example.org/shop:1"))
	p, out := f.pass(b)
	if got := actions(p); got != "create ConfigMap/env, create Secret/passwords, create Service/web, create Deployment/web" {
		t.Errorf("first plan: %s", got)
	}
	if out.Writes != 4 {
		t.Errorf("%d writes, want 4: %+v", out.Writes, out.Done)
	}
	if p := f.plan(b); p.Writes() {
		t.Errorf("same bundle again: %s", actions(p))
	}

	b = f.bundle(configMap("env", "debug"), service("web"), deployment("web", "example.org/shop:1"))
	p, out = f.pass(b)
	if got := actions(p); got != "configure ConfigMap/env, prune Secret/passwords" {
		t.Errorf("second plan: %s", got)
	}
	if out.Writes != 2 {
		t.Errorf("%d writes, want 2: %+v", out.Writes, out.Done)
	}
	if f.exists(f.id("", "Secret", "passwords")) {
		t.Error("the pruned Secret is still there")
	}
	if len(out.Inventory.Entries) != 3 || out.Inventory.Revision != p.Revision || out.Inventory.Holder != "rondo-1" {
		t.Errorf("inventory %+v", out.Inventory)
	}
	f.quiet("after own writes")

	f.pass(f.bundle())
	for _, id := range []render.ID{f.id("apps", "Deployment", "web"), f.id("", "Service", "web"), f.id("", "ConfigMap", "env")} {
		if f.exists(id) {
			t.Errorf("%s is still there", id)
		}
	}
	if err := f.c.Remove(t.Context(), f.target); err != nil {
		t.Error(err)
	}
	if f.exists(f.id("", "ConfigMap", inventoryName(f.target.App))) {
		t.Error("the inventory is still there")
	}
	f.quiet("after removal")
}

// TestOneChangedConfigMapIsOneObjectWrite does not run in parallel: the counts
// are those of the whole server.
func TestOneChangedConfigMapIsOneObjectWrite(t *testing.T) {
	f := start(t)
	rest := []string{secret("passwords", "hunter2"), service("web"), deployment("web", "example.org/shop:1")}
	f.pass(f.bundle(append(rest, configMap("env", "info"))...))
	if _, err := f.c.Wait(t.Context(), f.target, f.bundle(rest...)); err != nil {
		t.Fatal(err)
	}
	writes := func(do func()) map[string]float64 {
		before := f.counts()
		do()
		diff := map[string]float64{}
		for key, n := range f.counts() {
			verb, _, _ := strings.Cut(key, " ")
			what := strings.Contains(key, "configmaps") || strings.Contains(key, "secrets") || strings.Contains(key, "services") || strings.Contains(key, "deployments")
			if what && !strings.Contains(key, "/status") && verb != "GET" && verb != "LIST" && verb != "WATCH" && n != before[key] {
				diff[key] = n - before[key]
			}
		}
		return diff
	}
	changed := f.bundle(append(rest, configMap("env", "debug"))...)
	got := writes(func() { f.pass(changed) })
	if len(got) != 2 || got["APPLY configmaps"] != 1 || got["PATCH configmaps"] != 2 {
		t.Errorf("one changed ConfigMap wrote %v, want one apply and two patches of the inventory", got)
	}
	if got := writes(func() { f.pass(changed) }); len(got) != 0 {
		t.Errorf("the same again wrote %v", got)
	}
}

func TestForeignObjectWithOurLabelsIsNeverPruned(t *testing.T) {
	t.Parallel()
	f := start(t)
	theirs := f.object(configMap("theirs", "info"), 1)
	if _, err := f.resource(theirs.ID).Create(t.Context(), &unstructured.Unstructured{Object: theirs.Body}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.pass(f.bundle(configMap("env", "info")))
	f.pass(f.bundle())
	if err := f.c.Remove(t.Context(), f.target); err != nil {
		t.Fatal(err)
	}
	if !f.exists(theirs.ID) {
		t.Error("an object that was never applied was deleted")
	}
}

func TestUnlabelledObjectIsAdoptedWithItsForeignFields(t *testing.T) {
	t.Parallel()
	f := start(t)
	env := f.id("", "ConfigMap", "env")
	old := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "env"}, "data": map[string]any{"LEVEL": "debug", "OLD": "1"}}}
	if _, err := f.resource(env).Create(t.Context(), old, metav1.CreateOptions{FieldManager: "kubectl-client-side-apply"}); err != nil {
		t.Fatal(err)
	}
	p, _ := f.pass(f.bundle(configMap("env", "info")))
	if got := actions(p); got != "configure ConfigMap/env" || p.Changes[0].Reason != "adopted" {
		t.Errorf("plan %s, reason %q", got, p.Changes[0].Reason)
	}
	data, _, _ := unstructured.NestedStringMap(f.get(env).Object, "data")
	if len(data) != 2 || data["LEVEL"] != "info" {
		t.Errorf("data is %v, want LEVEL and MODE alone", data)
	}
}

func TestObjectOfAnotherApplicationIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		object string
		late   bool // created after the plan was computed
	}{
		"seen by the plan":                      {configMap("env", "theirs"), false},
		"created after the plan, watched":       {configMap("env", "theirs"), true},
		"created after the plan, never watched": {secret("env", "theirs"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			o := f.object(tc.object, 1)
			theirs := (&unstructured.Unstructured{Object: o.Body}).DeepCopy()
			theirs.SetLabels(map[string]string{render.LabelApp: "other"})
			create := func() {
				if _, err := f.resource(o.ID).Create(t.Context(), theirs, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			b := f.bundle(strings.ReplaceAll(tc.object, "theirs", "ours"))
			if !tc.late {
				create()
				p := f.plan(b)
				if len(p.Refused) != 1 || p.Refused[0].Code != "E-OBJECT-OWNED" {
					t.Errorf("plan: %s, refused %v", actions(p), p.Refused)
				}
				return
			}
			p := f.plan(b)
			create()
			before := bare(f.get(o.ID))
			if o.ID.Kind == "ConfigMap" {
				f.caughtUp(o.ID)
			}
			_, err := f.c.Apply(t.Context(), p)
			if !errors.Is(err, ErrForeign) || render.AsProblems(err) == nil {
				t.Errorf("Apply: %v", err)
			}
			if after := bare(f.get(o.ID)); after != before {
				t.Errorf("the other application's object is now\n%s", after)
			}
		})
	}
}

func ranged(o render.Object, r render.Range) render.Object {
	unstructured.RemoveNestedField(o.Body, "spec", "replicas")
	o.Replicas = &r
	return o
}

func (f *fixture) replicas(id render.ID) int64 {
	f.Helper()
	n, _, err := unstructured.NestedInt64(f.get(id).Object, "spec", "replicas")
	if err != nil {
		f.Fatal(err)
	}
	return n
}

func TestCountRangeAndKubectlScaleLiveTogether(t *testing.T) {
	t.Parallel()
	f := start(t)
	web := f.id("apps", "Deployment", "web")
	b := render.Bundle{Objects: []render.Object{ranged(f.object(deployment("web", "example.org/shop:1"), 1), render.Range{Min: 2, Max: 6})}}
	f.pass(b)
	if n := f.replicas(web); n != 2 {
		t.Errorf("created with %d replicas, want 2", n)
	}
	f.by("kubectl", web, types.MergePatchType, `{"spec":{"replicas":4}}`, "scale")
	f.caughtUp(web)
	if p := f.plan(b, asDrift); p.Writes() {
		t.Errorf("scaled to 4: %s", actions(p))
	}
	f.quiet("scaled inside the range")
	f.by("kubectl", web, types.MergePatchType, `{"spec":{"replicas":10}}`, "scale")
	f.drifted(web)
	f.pass(b, asDrift)
	if n := f.replicas(web); n != 6 {
		t.Errorf("%d replicas after scaling to 10, want 6", n)
	}
	if p := f.plan(b, asDrift); p.Writes() {
		t.Errorf("after the clamp: %s", actions(p))
	}
}

func TestReleasedReplicasKeepTheirCount(t *testing.T) {
	t.Parallel()
	f := start(t)
	web := f.id("apps", "Deployment", "web")
	f.pass(f.bundle(deployment("web", "example.org/shop:1"))) // 2 replicas, ours
	var counts []int64
	events, err := f.resource(web).Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=web"})
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for event := range events.ResultChan() {
			if u, ok := event.Object.(*unstructured.Unstructured); ok {
				n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
				counts = append(counts, n)
			}
		}
	})
	b := render.Bundle{Objects: []render.Object{ranged(f.object(deployment("web", "example.org/shop:1"), 1), render.Range{Min: 1})}}
	f.pass(b)
	f.caughtUp(web)
	events.Stop()
	done.Wait()
	if len(counts) < 2 {
		t.Errorf("only %d events were seen", len(counts))
	}
	for _, n := range counts {
		if n != 2 {
			t.Errorf("replicas went through %v, want always 2", counts)
			break
		}
	}
}

func TestImmutableFieldIsAProblemWithACommand(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(deployment("web", "example.org/shop:1")))
	other := strings.ReplaceAll(deployment("web", "example.org/shop:1"), "app: web", "app: shop")
	p := f.plan(f.bundle(other))
	_, err := f.c.Apply(t.Context(), p)
	problems := render.AsProblems(err)
	if len(problems) != 1 || problems[0].Code != "E-API-IMMUTABLE" {
		t.Fatalf("Apply: %v", err)
	}
	want := "manifest.yml:1: Deployment/" + f.target.Namespace + "/web cannot be changed in place: spec.selector: Invalid value: field is immutable; " +
		"restore the old value, or run: kubectl delete deployment web -n " + f.target.Namespace + " and then rondo sync " + f.target.App + " [E-API-IMMUTABLE]"
	if got := problems[0].Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// The failed object keeps its old entry, so the next pass tries again.
	if p := f.plan(f.bundle(other)); actions(p) != "configure Deployment/web" {
		t.Errorf("next plan: %s", actions(p))
	}
}

func TestChangedJobIsRecreated(t *testing.T) {
	t.Parallel()
	f := start(t)
	job := func(image string) string {
		return "{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: m, image: " + image + "}]}}}}"
	}
	b := f.bundle(job("example.org/migrate:1"))
	f.pass(b)
	if _, err := f.c.Wait(t.Context(), f.target, b); err != nil {
		t.Fatal(err)
	}
	before := f.get(f.id("batch", "Job", "migrate")).GetUID()
	b = f.bundle(job("example.org/migrate:2"))
	p, _ := f.pass(b)
	if got := actions(p); got != "recreate Job/migrate" {
		t.Errorf("plan: %s", got)
	}
	if after := f.get(f.id("batch", "Job", "migrate")).GetUID(); after == before {
		t.Error("the Job is the same one")
	}
	report, err := f.c.Wait(t.Context(), f.target, b)
	if err != nil || report.Worst != "Current" {
		t.Errorf("%+v, %v", report, err)
	}
	f.quiet("recreated")
}

func TestFailureStopsBeforeTheNextStageAndIsRecorded(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(configMap("old", "info")))
	bad := "{apiVersion: v1, kind: ConfigMap, metadata: {name: bad}, data: {A: {B: c}}}"
	live, err := f.c.Live(t.Context(), f.target, f.bundle(configMap("good", "info"), deployment("web", "example.org/shop:1")), false)
	if err != nil {
		t.Fatal(err)
	}
	b := f.bundle(bad, configMap("good", "info"), deployment("web", "example.org/shop:1"))
	live.Objects[b.Objects[0].ID] = plan.LiveObject{} // as if nothing had been tried
	p := f.compute(b, live)
	out, err := f.c.Apply(t.Context(), p)
	if problems := render.AsProblems(err); len(problems) != 1 || !strings.Contains(problems[0].Error(), "ConfigMap/"+f.target.Namespace+"/bad") {
		t.Fatalf("Apply: %v", err)
	}
	if !f.exists(f.id("", "ConfigMap", "good")) {
		t.Error("the independent object of the same stage was not applied")
	}
	if f.exists(f.id("apps", "Deployment", "web")) || !f.exists(f.id("", "ConfigMap", "old")) {
		t.Error("the next stage or the prune was begun")
	}
	inv, err := f.c.readInventory(t.Context(), f.client(), f.target)
	if err != nil || len(inv.Entries) != 4 {
		t.Errorf("inventory %+v, %v", inv, err)
	}
	for name, applied := range map[string]bool{"good": true, "bad": false, "old": true} {
		if e, ok := inv.Find(f.id("", "ConfigMap", name)); !ok || (e.Digest != "") != applied {
			t.Errorf("entry of %s is %+v", name, e)
		}
	}
	if len(out.Done) != 2 {
		t.Errorf("done: %+v", out.Done)
	}
}

func (f *fixture) client() client {
	f.Helper()
	api, err := f.c.api.For(f.target)
	if err != nil {
		f.Fatal(err)
	}
	return api
}

func TestWritingGoesOnWhenTheCallerGivesUp(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.plan(f.bundle(configMap("env", "info"), service("web")))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.c.Apply(ctx, p); err != nil {
		t.Fatal(err)
	}
	if !f.exists(f.id("", "Service", "web")) {
		t.Error("the Service was not applied")
	}
}

func TestWavesWaitInDeploymentsOnly(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(deployment("db", "example.org/db:1"), deployment("web", "example.org/shop:1"))
	b.Objects[1].Wave = 1
	f.pass(b)
	db, web := f.get(f.id("apps", "Deployment", "db")), f.get(f.id("apps", "Deployment", "web"))
	available := time.Time{}
	conditions, _, _ := unstructured.NestedSlice(db.Object, "status", "conditions")
	for _, c := range conditions {
		if c := c.(map[string]any); c["type"] == "Available" && c["status"] == "True" {
			available, _ = time.Parse(time.RFC3339, c["lastTransitionTime"].(string))
		}
	}
	if available.IsZero() || web.GetCreationTimestamp().Time.Before(available) {
		t.Errorf("web was created at %s, db available at %s", web.GetCreationTimestamp(), available)
	}

	// A wave that never comes ends with the caller's context, not with the writing.
	b = f.bundle(deployment("db", "example.org/db:never-ready"), deployment("web", "example.org/shop:2"))
	b.Objects[1].Wave = 1
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
	defer cancel()
	p := f.plan(b)
	if _, err := f.c.Apply(ctx, p); err == nil || !strings.Contains(err.Error(), "wait for wave 0: enough") {
		t.Errorf("Apply: %v", err)
	}
	if image := f.image("web"); image != "example.org/shop:1" {
		t.Errorf("the next wave was applied: %s", image)
	}
	// Healing does not wait.
	if err := f.resource(f.id("apps", "Deployment", "web")).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.drifted(f.id("apps", "Deployment", "web"))
	f.pass(b, asDrift)
	if image := f.image("web"); image != "example.org/shop:2" {
		t.Errorf("after the heal: %s", image)
	}
}

func (f *fixture) image(name string) string {
	f.Helper()
	containers, _, _ := unstructured.NestedSlice(f.get(f.id("apps", "Deployment", name)).Object, "spec", "template", "spec", "containers")
	image, _ := containers[0].(map[string]any)["image"].(string)
	return image
}
