package daemon_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
)

// every is a manifest with one object of each kind that is rendered.
const every = `environment_variables:
  GREETING: hello
services:
  web:
    image: registry.example.org/shop/web:1.0.0
    ports: ["8000:80"]
    traffic_matches: [shop.example.org]
    tags: [team=a]
    env_vars: {MODE: fast, PASSWORD: swordfish}
    secret_env: [PASSWORD]
    constraints: {min_count: 2, max_count: 2}
`

// Paths of the collections that the tests write to.
const (
	deployments = "/apis/apps/v1/namespaces/%s/deployments"
	configMaps  = "/api/v1/namespaces/%s/configmaps"
	secrets     = "/api/v1/namespaces/%s/secrets"
	services    = "/api/v1/namespaces/%s/services"
	ingresses   = "/apis/networking.k8s.io/v1/namespaces/%s/ingresses"
)

// edit patches an object as a field manager, the way its program does; path
// may end in a subresource.
func (w *world) edit(collection, path, manager string, kind types.PatchType, patch string) {
	w.t.Helper()
	r := w.kube.Discovery().RESTClient().Patch(kind).AbsPath(fmt.Sprintf(collection, w.ns)+"/"+path).Param("fieldManager", manager)
	if kind == types.ApplyPatchType {
		r = r.Param("force", "true")
	}
	if err := r.Body([]byte(patch)).Do(w.t.Context()).Error(); err != nil {
		w.t.Fatalf("edit %s as %s: %v", path, manager, err)
	}
}

func (w *world) delete(collection, name string) {
	w.t.Helper()
	path := fmt.Sprintf(collection, w.ns) + "/" + name
	if err := w.kube.Discovery().RESTClient().Delete().AbsPath(path).Do(w.t.Context()).Error(); err != nil {
		w.t.Fatal(err)
	}
}

// content is an object without what the cluster says of it.
func (w *world) content(collection, name string) (text, uid string, err error) {
	raw, err := w.kube.Discovery().RESTClient().Get().AbsPath(fmt.Sprintf(collection, w.ns) + "/" + name).DoRaw(w.t.Context())
	if err != nil {
		return "", "", err
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		return "", "", err
	}
	meta := object["metadata"].(map[string]any)
	uid = meta["uid"].(string)
	for _, key := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
		delete(meta, key)
	}
	if notes, ok := meta["annotations"].(map[string]any); ok {
		delete(notes, "deployment.kubernetes.io/revision")
	}
	if spec, ok := object["spec"].(map[string]any); ok {
		delete(spec, "clusterIP")
		delete(spec, "clusterIPs")
	}
	delete(object, "status")
	out, err := json.Marshal(object)
	return string(out), uid, err
}

func TestHandMadeDriftIsPutBackAndTold(t *testing.T) {
	w := newWorld(t, settings{values: map[string]any{"cluster": map[string]any{"secret_check": "1s"}}})
	w.settles(w.push(manifest(every)), reconcile.Live)
	env := w.app + "-environment"
	for _, tc := range []struct {
		name             string
		collection, path string
		manager          string
		kind             types.PatchType
		patch            string // empty: the object is deleted
		field, by        string // what the report names
	}{
		{"scale", deployments, "web/scale", "kubectl-scale", types.MergePatchType,
			`{"spec":{"replicas":5}}`, "spec.replicas", "kubectl-scale"},
		{"set image", deployments, "web", "kubectl-set", types.StrategicMergePatchType,
			`{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"registry.example.org/evil:1"}]}}}}`,
			"spec.template.spec.containers[web].image", "kubectl-set"},
		{"removed variable", deployments, "web", "kubectl-edit", types.StrategicMergePatchType,
			`{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"SERVER_NAME","$patch":"delete"}]}]}}}}`,
			"spec.template.spec.containers[web].env[SERVER_NAME]", ""},
		{"changed label", deployments, "web", "kubectl-label", types.MergePatchType,
			`{"metadata":{"labels":{"team":"b"}}}`, "metadata.labels.team", "kubectl-label"},
		{"removed label that rondo watches by", deployments, "web", "kubectl-label", types.MergePatchType,
			`{"metadata":{"labels":{"rondo.dev/app":null}}}`, "metadata.labels[rondo.dev/app]", ""},
		{"container added by client-side apply", deployments, "web", "kubectl-client-side-apply", types.StrategicMergePatchType,
			`{"spec":{"template":{"spec":{"containers":[{"name":"miner","image":"registry.example.org/miner:1","securityContext":{"privileged":true}}]}}}}`,
			"spec.template.spec.containers[miner]", "kubectl-client-side-apply"},
		{"container added with kubectl edit", deployments, "web", "kubectl-edit", types.StrategicMergePatchType,
			`{"spec":{"template":{"spec":{"containers":[{"name":"miner","image":"registry.example.org/miner:1"}]}}}}`,
			"spec.template.spec.containers[miner]", "kubectl-edit"},
		{"server-side apply under rondo's own name", deployments, "web", "rondo", types.ApplyPatchType,
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels":{"rondo.dev/app":"` + w.app + `"}},
			  "spec":{"selector":{"matchLabels":{"app":"` + w.app + `","tier":"web"}},
			    "template":{"metadata":{"labels":{"app":"` + w.app + `","tier":"web"}},
			      "spec":{"containers":[{"name":"web","image":"registry.example.org/evil:2"}]}}}}`,
			"spec.template.spec.containers[web].image", ""},
		{"update under rondo's own name", deployments, "web", "rondo", types.StrategicMergePatchType,
			`{"spec":{"template":{"spec":{"containers":[{"name":"web","terminationMessagePath":"/tmp/evil"}]}}}}`,
			"spec.template.spec.containers[web].terminationMessagePath", "rondo (by hand)"},
		{"deleted Deployment", deployments, "web", "", "", "", "", "deleted"},
		{"edited Service", services, "web", "kubectl-edit", types.StrategicMergePatchType,
			`{"spec":{"ports":[{"port":80,"protocol":"TCP","targetPort":9999}]}}`, "targetPort", "kubectl-edit"},
		{"deleted Service", services, "web", "", "", "", "", "deleted"},
		{"edited Ingress", ingresses, "web", "robot", types.JSONPatchType,
			`[{"op":"replace","path":"/spec/rules/0/host","value":"evil.example.org"}]`, "host", "robot"},
		{"edited ConfigMap", configMaps, env, "kubectl-edit", types.MergePatchType,
			`{"data":{"GREETING":"bye"}}`, "data.GREETING", "kubectl-edit"},
		{"key added to a ConfigMap", configMaps, env, "kubectl-edit", types.MergePatchType,
			`{"data":{"EXTRA":"1"}}`, "data.EXTRA", "kubectl-edit"},
		{"deleted ConfigMap", configMaps, env, "", "", "", "", "deleted"},
		{"edited Secret", secrets, "web-env", "kubectl-edit", types.MergePatchType,
			`{"stringData":{"PASSWORD":"canary-of-the-edit"}}`, "data.PASSWORD", "kubectl-edit"},
		{"deleted Secret", secrets, "web-env", "", "", "", "", "deleted"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			name, _, _ := strings.Cut(tc.path, "/")
			before, uid, err := w.content(tc.collection, name)
			if err != nil {
				t.Fatal(err)
			}
			pass := w.state().Newest.Pass
			edited := time.Now()
			if tc.patch == "" {
				w.delete(tc.collection, tc.path)
			} else {
				w.edit(tc.collection, tc.path, tc.manager, tc.kind, tc.patch)
			}
			kubetest.Eventually(t, func() error {
				now, newUID, err := w.content(tc.collection, name)
				if err == nil && (now != before || tc.patch == "" && newUID == uid) {
					err = fmt.Errorf("it is\n%s, was\n%s", now, before)
				}
				return err
			})
			t.Logf("put back after %s", time.Since(edited).Round(time.Millisecond))
			told := w.heal(pass, tc.field)
			if tc.patch == "" {
				if told.Reason != tc.by {
					t.Errorf("the reason of the heal is %q", told.Reason)
				}
				return
			}
			for _, f := range told.Fields {
				if strings.Contains(f.Field, tc.field) && f.Manager != tc.by && !strings.HasPrefix(f.Manager, tc.by+" (") {
					t.Errorf("%s: the report names the manager %q, want %q", f.Field, f.Manager, tc.by)
				}
				if strings.Contains(f.Live+f.Want, "canary") || strings.Contains(f.Live+f.Want, "swordfish") {
					t.Errorf("the report shows a value of a Secret: %+v", f)
				}
			}
		})
	}
	if got := w.state(); got.Condition != reconcile.Live {
		t.Errorf("after all that the application is %s: %s", got.Condition, got.Sentence)
	}
}

// heal waits for the report of a pass newer than after that put field back;
// an empty field is a deleted object.
func (w *world) heal(after int64, field string) plan.Change {
	w.t.Helper()
	var found plan.Change
	kubetest.Eventually(w.t, func() error {
		r := w.state().Newest
		if r.Pass <= after || r.Condition != reconcile.Healed {
			return fmt.Errorf("the newest pass %d is %s", r.Pass, r.Condition)
		}
		for _, change := range r.Plan.Changes {
			if change.Action != plan.Heal {
				continue
			}
			if field == "" {
				found = change
				return nil
			}
			for _, f := range change.Fields {
				if strings.Contains(f.Field, field) {
					found = change
					return nil
				}
			}
		}
		return fmt.Errorf("no change of %q in %+v", field, r.Plan.Changes)
	})
	return found
}

// image is what web runs.
func (w *world) image() string { return w.deployment("web").Spec.Template.Spec.Containers[0].Image }

// returns edits the image of web by hand and waits until it is want again.
func (w *world) returns(want string) {
	w.t.Helper()
	w.edit(deployments, "web", "kubectl-set", types.StrategicMergePatchType,
		`{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"registry.example.org/by-hand:1"}]}}}}`)
	kubetest.Eventually(w.t, func() error {
		if got := w.image(); !strings.HasSuffix(got, want) {
			return fmt.Errorf("web runs %s, want %s", got, want)
		}
		return nil
	})
}

func TestDriftGoesBackToWhatWasAppliedLast(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(five("web"))), reconcile.Live)

	w.settles(w.push(manifest("services: [")), reconcile.Invalid)
	w.returns("web:1.0.0")
	if got := w.state(); got.Condition != reconcile.Invalid {
		t.Errorf("a heal made an invalid revision %s", got.Condition)
	}

	w.settles(w.push(manifest(five("site"))), reconcile.Held)
	w.returns("web:1.0.0")
	if got := w.state(); got.Condition != reconcile.Held {
		t.Errorf("a heal made a held revision %s", got.Condition)
	}

	// What was applied and failed is what the loop holds, not what was before.
	w.deadline("3s")
	failed := w.push(manifest(strings.Replace(five("web"), "web:1.0.0", "web:never-ready", 1)))
	w.settles(failed, reconcile.Unhealthy)
	w.returns("web:never-ready")
	if got := w.state(); got.Condition != reconcile.Unhealthy {
		t.Errorf("a heal made an unhealthy revision %s", got.Condition)
	}
	w.status(failed, "deploy", "failure")
}

func TestDriftDuringADeploymentIsPutBackByIt(t *testing.T) {
	w := newWorld(t, settings{})
	w.push(manifest(strings.Replace(five("web"), "web:1.0.0", "web:never-ready", 1)))
	kubetest.Eventually(t, func() error {
		_, err := w.kube.AppsV1().Deployments(w.ns).Get(t.Context(), "web", metav1.GetOptions{})
		return err
	})
	w.returns("web:never-ready")
	if got := w.state(); got.Newest.Condition != reconcile.Running {
		t.Errorf("the deployment ended: %s %s", got.Condition, got.Sentence)
	}
}
