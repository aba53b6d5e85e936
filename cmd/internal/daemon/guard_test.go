package daemon_test

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/cluster"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/ledger"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources/gittest"
)

// five is a manifest of five objects, each named after the service: Deployment,
// Service, Ingress, PodDisruptionBudget and ConfigMap.
func five(name string) string {
	return fmt.Sprintf(`isolation: open
services:
  %s:
    image: registry.example.org/shop/web:1.0.0
    ports: ["8000:80"]
    traffic_matches: [shop.example.org]
    env_vars: {MODE: fast}
    constraints: {min_count: 2, max_count: 2}
`, name)
}

// shop is a manifest of one ConfigMap and, for each service, a Deployment, a
// Service and a ConfigMap; "x-" before a name leaves its ConfigMap out.
func shop(services ...string) string {
	text := "isolation: open\nenvironment_variables: {GREETING: hello}\nservices:\n"
	for _, name := range services {
		name, bare := strings.CutPrefix(name, "x-")
		text += fmt.Sprintf("  %s:\n    image: registry.example.org/shop/%s:1.0.0\n    ports: [8000]\n", name, name)
		if !bare {
			text += "    env_vars: {MODE: fast}\n"
		}
	}
	return text
}

const allow = "less is more\n\nRondo-Prune: allow\n"

// objects are those of the application, but for its inventory.
func (w *world) objects() []string {
	w.t.Helper()
	var names []string
	for _, path := range []string{
		"/api/v1/%s/configmaps", "/api/v1/%s/secrets", "/api/v1/%s/services", "/apis/apps/v1/%s/deployments", "/apis/apps/v1/%s/statefulsets",
		"/apis/networking.k8s.io/v1/%s/ingresses", "/apis/policy/v1/%s/poddisruptionbudgets",
	} {
		var list metav1.PartialObjectMetadataList
		err := w.kube.Discovery().RESTClient().Get().AbsPath(fmt.Sprintf(path, "namespaces/"+w.ns)).
			Param("labelSelector", render.LabelApp+"="+w.app).Do(w.t.Context()).Into(&list)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, item := range list.Items {
			if !strings.Contains(item.Name, "inventory") {
				names = append(names, path[strings.LastIndex(path, "/")+1:]+"/"+item.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func TestAPlanThatDeletesTooMuchIsHeldUntilItIsReleased(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after string
		objects       int
		held          string
		byCommit      bool
	}{
		"five of five, released by a sync":        {five("web"), five("site"), 5, "would delete 5 of 5 objects", false},
		"eleven of twelve, released by a trailer": {shop("a", "b", "c", "x-d"), shop("x-e"), 12, "would delete 11 of 12 objects", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.settles(w.push(manifest(tc.before)), reconcile.Live)
			before := w.objects()
			if len(before) != tc.objects {
				t.Fatalf("%d objects: %v", len(before), before)
			}
			from := time.Now()
			commit := w.push(manifest(tc.after))
			detail := w.settles(commit, reconcile.Held)
			text := w.status(commit, "deploy", "failure").Description
			for _, want := range []string{tc.held, `"Rondo-Prune: allow"`, "rondo sync --allow-prune " + w.app} {
				if !strings.Contains(text, want) || !strings.Contains(detail.Sentence, want) {
					t.Errorf("%q is not told: status %q, sentence %q", want, text, detail.Sentence)
				}
			}
			w.status(commit, "manifest", "success")

			// A sync without the word changes nothing.
			w.do("sync", client.Action{})
			detail = w.ends(detail.Pass, reconcile.Held)
			if after := w.objects(); !slices.Equal(after, before) {
				t.Errorf("held, but the objects went from\n%v to\n%v", before, after)
			}
			if writes := w.writes(from); len(writes) > 0 {
				t.Errorf("held, but the API server saw %v", writes)
			}

			if tc.byCommit {
				commit = w.push(map[string]string{"README.md": "smaller\n"}, gittest.Message(allow))
				w.settles(commit, reconcile.Live)
			} else {
				w.do("sync", client.Action{AllowPrune: true})
				w.ends(detail.Pass, reconcile.Live)
			}
			w.status(commit, "deploy", "success")
			kubetest.Eventually(t, func() error {
				for _, now := range w.objects() {
					if now != "configmaps/"+w.app+"-environment" && slices.Contains(before, now) {
						return fmt.Errorf("%s is still there", now)
					}
				}
				return nil
			})
		})
	}
}

func TestFewDeletionsAreNotHeld(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(shop("a", "b", "c", "x-d"))), reconcile.Live)
	w.settles(w.push(manifest(shop("a", "b", "x-d"))), reconcile.Live)
	kubetest.Eventually(t, func() error {
		if left := w.objects(); len(left) != 9 {
			return fmt.Errorf("%d objects: %v", len(left), left)
		}
		return nil
	})
}

func TestAnEmptiedRepositoryDeletesNothing(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	before := w.objects()
	for name, files := range map[string]map[string]string{
		"no manifest": {"manifest.yml": gittest.Delete, "README.md": "gone\n"},
		"no services": manifest("environment_variables: {GREETING: hello}\n"),
		"no text":     manifest(""),
	} {
		commit := w.push(files, gittest.Message(allow))
		w.settles(commit, reconcile.Invalid)
		if s := w.status(commit, "deploy", "failure"); !strings.HasPrefix(s.Description, "not deployed: ") {
			t.Errorf("%s: the status is %q", name, s.Description)
		}
		if after := w.objects(); !slices.Equal(after, before) {
			t.Errorf("%s: the objects went from\n%v to\n%v", name, before, after)
		}
	}
}

// Manifests cannot make StatefulSets yet, so one comes into the inventory the
// way a later rondo will put it there: by an apply of its own package.
func TestADeletedStatefulSetIsHeldUntilItIsReleased(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	w.adopt(render.Object{
		ID: render.ID{Group: "apps", Kind: "StatefulSet", Namespace: w.ns, Name: "db"}, Version: "v1", Stage: render.StageData,
		Body: map[string]any{
			"apiVersion": "apps/v1", "kind": "StatefulSet",
			"metadata": map[string]any{"name": "db", "namespace": w.ns, "labels": map[string]any{render.LabelApp: w.app}},
			"spec": map[string]any{
				"replicas": int64(1), "serviceName": "db",
				"selector": map[string]any{"matchLabels": map[string]any{"tier": "db"}},
				"template": map[string]any{
					"metadata": map[string]any{"labels": map[string]any{"tier": "db"}},
					"spec":     map[string]any{"containers": []any{map[string]any{"name": "db", "image": "registry.example.org/db:1"}}},
				},
			},
		},
	})
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	commit := w.push(manifest(strings.Replace(ten, "hello", "hi", 1)))
	// Not the newest pass: the strange apply is drift as well, and is held too.
	w.status(commit, "deploy", "failure")
	detail := w.state()
	if !strings.Contains(detail.Sentence, "StatefulSet/"+w.ns+"/db") {
		t.Errorf("the sentence is %q", detail.Sentence)
	}
	if _, err := w.kube.AppsV1().StatefulSets(w.ns).Get(t.Context(), "db", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != "hello" {
		t.Errorf("a held plan wrote GREETING %q", got)
	}
	w.do("sync", client.Action{AllowPrune: true})
	w.settlesLater(commit, reconcile.Live)
	kubetest.Eventually(t, func() error {
		if left := w.objects(); slices.Contains(left, "statefulsets/db") {
			return fmt.Errorf("still there: %v", left)
		}
		return nil
	})
}

// adopt applies one more object of the application and notes it in the
// inventory. The daemon must not run.
func (w *world) adopt(o render.Object) {
	w.t.Helper()
	key := w.key("inventory")
	writer, err := cluster.New(w.t.Context(), cluster.Options{Config: w.cp.ConfigFor("rondo"), Key: key, Holder: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	target := plan.Target{App: w.app, Namespace: w.ns, ServiceAccount: "deployer"}
	b := render.Bundle{Objects: []render.Object{o}}
	live, err := writer.Live(w.t.Context(), target, b, false)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = writer.Apply(w.t.Context(), plan.Plan{
		Target: target, Inventory: live.Inventory, Deployment: true,
		Changes: []plan.Change{{Action: plan.Create, ID: o.ID, Object: &o, Digest: o.Digest(key)}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// key is what the daemon derives from its key file for one use.
func (w *world) key(use string) []byte {
	w.t.Helper()
	c, err := config.Load(w.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	master, err := ledger.KeyFile(c.KeyFile)
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := hkdf.Key(sha256.New, master, nil, "rondo "+use, 32)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}
