package daemon_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
)

// plainly is a manifest of one service without ports.
func plainly(name, greeting string) map[string]string {
	return manifest(fmt.Sprintf("environment_variables: {GREETING: %s}\nservices:\n  %s:\n    image: registry.example.org/shop/%[2]s:1.0.0\n", greeting, name))
}

// beside adds a second application in the same namespace. Both are live when
// it returns.
func (w *world) beside() *world {
	w.t.Helper()
	w.settles(w.push(plainly("web", "hello")), reconcile.Live)
	other := *w
	other.app = "o" + w.app
	other.repo = w.Git.Repo("acme/" + other.app)
	commit := other.commit(plainly("api", "hello"))
	w.reload(w.entry(nil), other.entry(nil))
	kubetest.Eventually(w.t, func() error {
		_, err := w.API().App(w.t.Context(), other.app)
		return err
	})
	other.settles(commit, reconcile.Live)
	return &other
}

func TestAnApplicationGoneFromTheConfigurationIsOrphanedAndKept(t *testing.T) {
	w := newWorld(t, settings{})
	other := w.beside()
	before, from := other.objects(), time.Now()
	w.reload(w.entry(nil))
	kubetest.Eventually(t, func() error {
		if got := other.state(); !got.Orphaned || got.Condition != reconcile.Live {
			return fmt.Errorf("the API shows orphaned %t, %s", got.Orphaned, got.Condition)
		}
		return nil
	})

	// Nobody heals it, nobody deploys it, nobody deletes of it; what happens to
	// the other application afterwards shows that there was time to.
	pass := other.state().Newest.Pass
	other.edit(configMaps, other.app+"-environment", "robot", types.MergePatchType, `{"data":{"GREETING":"by hand"}}`)
	missed := other.push(plainly("api", "missed"))
	w.settles(w.push(plainly("web", "hi")), reconcile.Live)
	w.overtakes("hi")
	if got := other.configMap(other.app + "-environment").Data["GREETING"]; got != "by hand" {
		t.Errorf("GREETING of the orphan is %q", got)
	}
	if got := other.state(); got.Newest.Pass != pass {
		t.Errorf("the orphan got pass %d: %s", got.Newest.Pass, got.Newest.Condition)
	}
	if _, err := w.API().Do(t.Context(), other.app, "sync", client.Action{}); err == nil || !strings.Contains(err.Error(), "no longer in rondo.yaml") {
		t.Errorf("a sync of the orphan: %v", err)
	}
	if after := other.objects(); !slices.Equal(after, before) {
		t.Errorf("the orphan's objects went from\n%v to\n%v", before, after)
	}
	for _, write := range w.writes(from) {
		if strings.Contains(write, other.app) || strings.HasPrefix(write, "delete") {
			t.Errorf("while it was orphaned the API server saw %s", write)
		}
	}

	// Back in the file it is followed as if it had never been away.
	w.reload(w.entry(nil), other.entry(nil))
	other.settlesLater(missed, reconcile.Live)
	if got := other.configMap(other.app + "-environment").Data["GREETING"]; got != "missed" {
		t.Errorf("GREETING is %q", got)
	}
	if other.state().Orphaned {
		t.Error("the API still shows it as orphaned")
	}
}

// overtakes makes drift and waits until it is put back.
func (w *world) overtakes(greeting string) {
	w.t.Helper()
	w.edit(configMaps, w.app+"-environment", "robot", types.MergePatchType, `{"data":{"GREETING":"bye"}}`)
	kubetest.Eventually(w.t, func() error {
		if got := w.configMap(w.app + "-environment").Data["GREETING"]; got != greeting {
			return fmt.Errorf("GREETING is %q, want %q", got, greeting)
		}
		return nil
	})
}

func TestDriftWhileOrphanedIsPutBackOnReturn(t *testing.T) {
	w := newWorld(t, settings{})
	other := w.beside()
	w.reload(w.entry(nil))
	other.edit(configMaps, other.app+"-environment", "robot", types.MergePatchType, `{"data":{"GREETING":"by hand"}}`)
	w.overtakes("hello")
	w.reload(w.entry(nil), other.entry(nil))
	kubetest.Eventually(t, func() error {
		if got := other.configMap(other.app + "-environment").Data["GREETING"]; got != "hello" {
			return fmt.Errorf("GREETING is %q", got)
		}
		return nil
	})
}

func TestRemovalAsksTwiceAndDeletesAllOfItAndOnlyOfIt(t *testing.T) {
	w := newWorld(t, settings{})
	other := w.beside()
	kept := plainly("api", "hello")
	kept["manifest.yml"] += "  archive:\n    image: registry.example.org/shop/archive:1.0.0\n    annotations: {rondo.dev/prune: disabled}\n"
	other.settles(other.push(kept), reconcile.Live)
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "foreign", Labels: map[string]string{"rondo.dev/app": other.app}}}
	if _, err := w.kube.CoreV1().ConfigMaps(w.ns).Create(t.Context(), foreign, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	mine := w.objects()

	refused := func(confirm, text string) {
		t.Helper()
		_, err := w.API().Do(t.Context(), other.app, "remove", client.Action{Confirm: confirm})
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("remove with %q is answered %v, want %q", confirm, err, text)
		}
	}
	refused(other.app, "still in rondo.yaml")
	w.reload(w.entry(nil))
	refused("", "--confirm "+other.app)
	refused(w.app, "--confirm "+other.app)
	before := other.objects()
	if len(before) != 4 { // two Deployments, one ConfigMap, and the foreign one
		t.Fatalf("there are %v", before)
	}

	other.do("remove", client.Action{Confirm: other.app})
	kubetest.Eventually(t, func() error {
		if _, err := w.API().App(t.Context(), other.app); err == nil || !strings.Contains(err.Error(), "there is no application") {
			return fmt.Errorf("the API still answers: %v", err)
		}
		return nil
	})
	kubetest.Eventually(t, func() error {
		if left := other.objects(); !slices.Equal(left, []string{"configmaps/foreign", "deployments/archive"}) {
			return fmt.Errorf("left are %v", left)
		}
		return nil
	})
	if _, err := w.kube.CoreV1().ConfigMaps(w.ns).Get(t.Context(), "rondo-inventory-"+other.app, metav1.GetOptions{}); err == nil {
		t.Error("its inventory is left")
	}
	if after := w.objects(); !slices.Equal(after, mine) {
		t.Errorf("the objects of the other application went from\n%v to\n%v", mine, after)
	}
	w.overtakes("hello")
	if audit := other.audited(); len(audit) != 1 || audit[0].What != "remove" || audit[0].Who != "anna" {
		t.Errorf("audited %+v", audit)
	}

	// The name is free again.
	commit := other.commit(plainly("api", "again"))
	w.reload(w.entry(nil), other.entry(nil))
	kubetest.Eventually(t, func() error {
		_, err := w.API().App(t.Context(), other.app)
		return err
	})
	other.settlesLater(commit, reconcile.Live)

	// What people deleted by hand is no hindrance.
	w.reload(w.entry(nil))
	other.delete(deployments, "api")
	other.delete(configMaps, other.app+"-environment")
	other.do("remove", client.Action{Confirm: other.app})
	kubetest.Eventually(t, func() error {
		if _, err := w.API().App(t.Context(), other.app); err == nil {
			return errors.New("the API still shows it")
		}
		return nil
	})
}

func TestAnApplicationOrphanedDuringADeploymentGetsNoFurtherPass(t *testing.T) {
	w := newWorld(t, settings{app: map[string]any{"health_deadline": "10s"}})
	failing := w.push(manifest(strings.Replace(ten, "web:1.0.0", "web:never-ready", 1)))
	kubetest.Eventually(t, func() error {
		_, err := w.kube.AppsV1().Deployments(w.ns).Get(t.Context(), "web", metav1.GetOptions{})
		return err
	})
	// A drift that waits for its turn while the application goes.
	w.edit(configMaps, w.app+"-environment", "robot", types.MergePatchType, `{"data":{"GREETING":"bye"}}`)
	w.reload([]daemontest.App{}...)
	detail := w.settles(failing, reconcile.Unhealthy)
	if !detail.Orphaned {
		t.Error("the end of the running pass made it followed again")
	}
	w.status(failing, "deploy", "failure")
}
