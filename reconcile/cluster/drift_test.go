package cluster

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// by writes a patch as a field manager, the way its program does.
func (f *fixture) by(manager string, id render.ID, kind types.PatchType, patch string, subresources ...string) {
	f.Helper()
	_, err := f.resource(id).Patch(f.Context(), id.Name, kind, []byte(patch), metav1.PatchOptions{FieldManager: manager}, subresources...)
	if err != nil {
		f.Fatalf("patch %s as %s: %v", id, manager, err)
	}
}

func TestHandMadeDriftIsToldAndPutBack(t *testing.T) {
	t.Parallel()
	f := start(t, func(o *Options) { o.SecretCheck = 200 * time.Millisecond })
	b := f.bundle(configMap("env", "info"), secret("passwords", "hunter2"), service("web"), deployment("web", "example.org/shop:1"),
		"{apiVersion: v1, kind: Secret, metadata: {name: encoded}, data: {PASSWORD: aHVudGVyMg==}}")
	f.pass(b)
	encoded := f.id("", "Secret", "encoded")
	web, env, passwords, svc := f.id("apps", "Deployment", "web"), f.id("", "ConfigMap", "env"), f.id("", "Secret", "passwords"), f.id("", "Service", "web")
	if _, err := f.c.Wait(t.Context(), f.target, b); err != nil {
		t.Fatal(err)
	}

	for _, tc := range []struct {
		name string
		id   render.ID
		edit func()
		by   string // in the reason of the heal
	}{
		{"scale", web, func() {
			f.by("kubectl", web, types.MergePatchType, `{"spec":{"replicas":5}}`, "scale")
		}, "kubectl"},
		{"set image", web, func() {
			f.by("kubectl-set", web, types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.org/evil:1"}]}}}}`)
		}, "kubectl-set"},
		{"removed env", web, func() {
			f.by("kubectl-edit", web, types.JSONPatchType, `[{"op":"remove","path":"/spec/template/spec/containers/0/env/1"}]`)
		}, "removed"},
		{"changed label", web, func() {
			f.by("kubectl-label", web, types.MergePatchType, `{"metadata":{"labels":{"tier":"db"}}}`)
		}, "kubectl-label"},
		{"removed label that rondo watches by", web, func() {
			f.by("kubectl-label", web, types.MergePatchType, `{"metadata":{"labels":{"rondo.dev/app":null}}}`)
		}, "removed"},
		{"container added by client-side apply", web, func() {
			f.by("kubectl-client-side-apply", web, types.StrategicMergePatchType,
				`{"spec":{"template":{"spec":{"containers":[{"name":"miner","image":"example.org/miner:1","securityContext":{"privileged":true}}]}}}}`)
		}, "kubectl-client-side-apply"},
		{"apply under our own name", web, func() {
			body := f.object(deployment("web", "example.org/evil:2"), 1).Body
			_, err := f.resource(web).Apply(t.Context(), "web", &unstructured.Unstructured{Object: body}, metav1.ApplyOptions{FieldManager: plan.Manager, Force: true})
			if err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"update under our own name", web, func() {
			f.by(plan.Manager, web, types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.org/evil:3"}]}}}}`)
		}, ""},
		{"deleted Deployment", web, func() {
			if err := f.resource(web).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "deleted"},
		{"edited ConfigMap", env, func() {
			f.by("kubectl-edit", env, types.MergePatchType, `{"data":{"LEVEL":"debug"}}`)
		}, "kubectl-edit"},
		{"key added to a ConfigMap", env, func() {
			f.by("kubectl-edit", env, types.MergePatchType, `{"data":{"EXTRA":"1"}}`)
		}, "kubectl-edit"},
		{"ConfigMap edited by a program that is not listed", env, func() {
			f.by("robot", env, types.MergePatchType, `{"data":{"LEVEL":"debug"}}`)
		}, "robot"},
		{"managedFields wiped and value changed", env, func() {
			f.by("robot", env, types.MergePatchType, `{"metadata":{"managedFields":[{}]},"data":{"LEVEL":"debug"}}`)
		}, ""},
		{"edited Service", svc, func() {
			f.by("kubectl-edit", svc, types.JSONPatchType, `[{"op":"replace","path":"/spec/ports/0/targetPort","value":9999}]`)
		}, "kubectl-edit"},
		{"deleted Service", svc, func() {
			if err := f.resource(svc).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "deleted"},
		{"edited Secret", passwords, func() {
			f.by("kubectl-edit", passwords, types.MergePatchType, `{"stringData":{"PASSWORD":"known"}}`)
		}, ""},
		{"encoded Secret edited by a program that is not listed", encoded, func() {
			f.by("robot", encoded, types.MergePatchType, `{"data":{"PASSWORD":"a25vd24="}}`)
		}, "robot"},
		{"Secret edited by a program that is not listed", passwords, func() {
			f.by("robot", passwords, types.MergePatchType, `{"data":{"PASSWORD":"a25vd24="}}`)
		}, ""},
		{"deleted Secret", passwords, func() {
			if err := f.resource(passwords).Delete(t.Context(), "passwords", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}, "deleted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := *f
			f.T = t
			f.forgetDriftsOf(tc.id)
			before := bare(f.get(tc.id))
			began := time.Now()
			tc.edit()
			drift := f.drifted(tc.id)
			t.Logf("told after %s: %+v", time.Since(began), drift)
			p, _ := f.pass(b, asDrift)
			if got, want := actions(p), "heal "+tc.id.Kind+"/"+tc.id.Name; got != want {
				t.Errorf("plan %q, want %q", got, want)
			}
			for _, change := range p.Changes {
				if change.Action == plan.Heal && !strings.Contains(change.Reason, tc.by) {
					t.Errorf("reason %q does not name %q", change.Reason, tc.by)
				}
			}
			if after := bare(f.get(tc.id)); after != before {
				t.Errorf("after the heal:\n%s\nbefore the edit:\n%s", after, before)
			}
			if p := f.plan(b, asDrift); p.Writes() {
				t.Errorf("one more pass: %s", actions(p))
			}
		})
	}
}

// forgetDriftsOf works on the shared record of a copied fixture.
func (f *fixture) forgetDriftsOf(id render.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.drifts, id)
}

func TestWhatOthersMayDoIsNoDrift(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(configMap("env", "info"), service("web"), deployment("web", "example.org/shop:1"))
	f.pass(b)
	web, env := f.id("apps", "Deployment", "web"), f.id("", "ConfigMap", "env")
	if _, err := f.c.Wait(t.Context(), f.target, b); err != nil {
		t.Fatal(err)
	}
	f.by("kubectl-rollout", web, types.StrategicMergePatchType, `{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-01-01T00:00:00Z"}}}}}`)
	f.by("robot", web, types.MergePatchType, `{"spec":{"minReadySeconds":1}}`)
	f.by("robot", env, types.MergePatchType, `{"metadata":{"annotations":{"robot.example.org/seen":"yes"}}}`)
	f.by("robot", env, types.MergePatchType, `{"data":{"LEVEL":"info"}}`)
	f.caughtUp(web)
	f.caughtUp(env)
	// Both are suspects; the GET that clears them notes their new version.
	for _, id := range []render.ID{web, env} {
		kubetest.Eventually(t, func() error {
			f.c.mu.Lock()
			defer f.c.mu.Unlock()
			o := f.c.objects[id]
			if v := o.judge(); v != fine && !time.Time.IsZero(o.checked) {
				// Later suspicions wait a minute; the pass below sees to them.
				return nil
			} else if v != fine {
				return fmt.Errorf("%s is judged %d", id, v)
			}
			return nil
		})
	}
	f.quiet("what others may do")
	if p := f.plan(b, asDrift); p.Writes() {
		t.Errorf("plan: %s", actions(p))
	}
	live, err := f.c.Live(t.Context(), f.target, b, false)
	if err != nil || len(live.Objects) > 0 || len(live.Drifts) > 0 {
		t.Errorf("Live reads %d objects and has drifts %v (%v), want none", len(live.Objects), live.Drifts, err)
	}
}

func TestOwnWritesAreNoDrift(t *testing.T) {
	t.Parallel()
	f := start(t)
	for i := range 10 {
		value := fmt.Sprintf("v%d", i)
		b := f.bundle(configMap("env", value), service("web"), deployment("web", "example.org/shop:"+value))
		f.pass(b)
	}
	f.caughtUp(f.id("apps", "Deployment", "web"))
	f.caughtUp(f.id("", "ConfigMap", "env"))
	f.quiet("ten own passes")
}

func TestDriftWhileTheDaemonWasAwayIsFound(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(configMap("env", "info"), service("web"), deployment("web", "example.org/shop:1"))
	f.pass(b)
	web, env := f.id("apps", "Deployment", "web"), f.id("", "ConfigMap", "env")
	f.c.Follow(nil) // the first one is away
	f.by("kubectl", web, types.MergePatchType, `{"spec":{"replicas":5}}`, "scale")
	if err := f.resource(env).Delete(t.Context(), "env", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// One that never runs a pass is told of it, too.
	f.forgetDrifts()
	second := f.another()
	second.Follow([]plan.Target{f.target})
	f.run(second)
	f.drifted(web)
	if drift := f.drifted(env); !drift.Missing {
		t.Errorf("%+v, want it missing", drift)
	}
	third := f.another()
	f.run(third)
	p := f.planWith(third, b, asDrift)
	if got := actions(p); got != "heal ConfigMap/env, heal Deployment/web" {
		t.Errorf("first pass of a new daemon: %q", got)
	}
}

func TestSameSecondApplyUnderOurNameIsFoundByItsValues(t *testing.T) {
	t.Parallel()
	f := start(t)
	web := f.id("apps", "Deployment", "web")
	b := f.bundle(deployment("web", "example.org/shop:1"))
	for i := range 5 {
		f.pass(b)
		f.forgetDrifts()
		body := f.object(deployment("web", fmt.Sprintf("example.org/evil:%d", i)), 1).Body
		if _, err := f.resource(web).Apply(t.Context(), "web", &unstructured.Unstructured{Object: body}, metav1.ApplyOptions{FieldManager: plan.Manager, Force: true}); err != nil {
			t.Fatal(err)
		}
		f.caughtUp(web)
		p := f.plan(b, asDrift)
		if got := actions(p); got != "heal Deployment/web" {
			t.Fatalf("try %d: plan %q", i, got)
		}
		if _, err := f.c.Apply(context.Background(), p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPauseAnnotationIsTold(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(configMap("env", "info")))
	inventory := f.id("", "ConfigMap", inventoryName(f.target.App))
	for _, tc := range []struct {
		patch string
		want  string
	}{
		{`{"metadata":{"annotations":{"rondo.dev/reconcile":"paused"}}}`, "[true]"},
		{`{"metadata":{"annotations":{"rondo.dev/reconcile":null}}}`, "[true false]"},
	} {
		f.by("kubectl-annotate", inventory, types.MergePatchType, tc.patch)
		kubetest.Eventually(t, func() error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if got := fmt.Sprint(f.pauses); got != tc.want {
				return fmt.Errorf("told %s, want %s", got, tc.want)
			}
			return nil
		})
		live, err := f.c.Live(t.Context(), f.target, f.bundle(configMap("env", "info")), false)
		if want := tc.want == "[true]"; err != nil || live.Inventory.Paused != want {
			t.Errorf("Paused is %v, want %v (%v)", live.Inventory.Paused, want, err)
		}
	}
}

func TestUnfollowedApplicationsAreNotToldOf(t *testing.T) {
	t.Parallel()
	f := start(t)
	env := f.id("", "ConfigMap", "env")
	f.pass(f.bundle(configMap("env", "info")))
	f.c.Follow(nil)
	f.by("kubectl-edit", env, types.MergePatchType, `{"data":{"LEVEL":"debug"}}`)
	f.caughtUp(env)
	f.quiet("not followed")
}
