package cluster

import (
	"errors"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

func TestBrokenInventoryStopsPrune(t *testing.T) {
	t.Parallel()
	for name, patch := range map[string]string{
		"content replaced": `{"binaryData":{"inventory.json.gz":"H4sIAAAAAAAAAw=="}}`,
		"HMAC removed":     `{"data":{"hmac":null}}`,
		"part missing":     `{"data":{"parts":"rondo-inventory.0000.x"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.pass(f.bundle(configMap("env", "info"), configMap("old", "info")))
			f.by("kubectl-edit", f.id("", "ConfigMap", inventoryName(f.target.App)), types.MergePatchType, patch)
			p, _ := f.pass(f.bundle(configMap("env", "debug")))
			if p.Inventory.Broken == "" {
				t.Error("the plan does not say that the inventory is broken")
			}
			if !f.exists(f.id("", "ConfigMap", "old")) {
				t.Error("an object was pruned")
			}
			data := f.data("env")
			if data["LEVEL"] != "debug" {
				t.Errorf("the rest did not go on: %v", data)
			}
			// What was applied is known again, and only that.
			inv, err := f.c.readInventory(t.Context(), f.client(), f.target)
			if err != nil || inv.Broken != "" || len(inv.Entries) != 1 {
				t.Errorf("inventory after the pass: %+v, %v", inv, err)
			}
		})
	}
}

func TestInventoryOfAnotherApplicationIsNotTrusted(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(configMap("env", "info")))
	source := f.get(f.id("", "ConfigMap", inventoryName(f.target.App)))
	moved := source.DeepCopy()
	other := f.target
	other.App = "other"
	moved.SetName(inventoryName("other"))
	moved.SetResourceVersion("")
	if _, err := f.resource(f.id("", "ConfigMap", "x")).Create(t.Context(), moved, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	inv, err := f.c.readInventory(t.Context(), f.client(), other)
	if err != nil || inv.Broken == "" || len(inv.Entries) != 0 {
		t.Errorf("a copied inventory reads as %+v, %v", inv, err)
	}
}

func TestLargeInventoryIsSplit(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.c.partSize = 300
	var documents []string
	for i := range 12 {
		documents = append(documents, configMap(fmt.Sprintf("env-%d", i), "info"))
	}
	f.pass(f.bundle(documents...))
	inv, err := f.c.readInventory(t.Context(), f.client(), f.target)
	if err != nil || inv.Broken != "" || len(inv.Entries) != 12 || len(inv.parts) < 2 {
		t.Fatalf("inventory has %d entries in %d further parts, broken %q, %v", len(inv.Entries), len(inv.parts), inv.Broken, err)
	}
	if p := f.plan(f.bundle(documents...)); p.Writes() {
		t.Errorf("same bundle again: %s", actions(p))
	}
	f.pass(f.bundle(documents[0]))
	if parts := f.inventories(); len(parts) > 2 {
		t.Errorf("parts are left behind: %v", parts)
	}
	f.pass(f.bundle())
	if err := f.c.Remove(t.Context(), f.target); err != nil {
		t.Fatal(err)
	}
	if parts := f.inventories(); len(parts) != 0 {
		t.Errorf("after removal there are %v", parts)
	}
}

func (f *fixture) inventories() (names []string) {
	f.Helper()
	list, err := f.resource(f.id("", "ConfigMap", "x")).List(f.Context(), metav1.ListOptions{LabelSelector: labelInventory + "," + render.LabelApp + "=" + f.target.App})
	if err != nil {
		f.Fatal(err)
	}
	for _, item := range list.Items {
		names = append(names, item.GetName())
	}
	return names
}

func TestFormerLeaderCannotWrite(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(configMap("env", "one")))
	stale := f.plan(f.bundle(configMap("env", "stale")))

	second := f.another(func(o *Options) { o.Holder = "rondo-2" })
	if _, err := second.Apply(t.Context(), f.planWith(second, f.bundle(configMap("env", "two")))); err != nil {
		t.Fatal(err)
	}
	_, err := f.c.Apply(t.Context(), stale)
	if !errors.Is(err, ErrClaimed) {
		t.Errorf("the former leader's Apply: %v, want %v", err, ErrClaimed)
	}
	if data := f.data("env"); data["LEVEL"] != "two" {
		t.Errorf("the ConfigMap holds %v", data)
	}
}

func TestPausedBetweenPlanAndApplyIsNotWritten(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(configMap("env", "one")))
	p := f.plan(f.bundle(configMap("env", "two")))
	f.by("kubectl-annotate", f.id("", "ConfigMap", inventoryName(f.target.App)), types.MergePatchType, `{"metadata":{"annotations":{"rondo.dev/reconcile":"paused"}}}`)
	if _, err := f.c.Apply(t.Context(), p); !errors.Is(err, ErrPaused) {
		t.Errorf("Apply: %v, want %v", err, ErrPaused)
	}
}

func TestAnnotationOfSomebodyElseDoesNotStopAPass(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(configMap("env", "one")))
	p := f.plan(f.bundle(configMap("env", "two")))
	inventory := f.id("", "ConfigMap", inventoryName(f.target.App))
	f.by("kubectl-annotate", inventory, types.MergePatchType, `{"metadata":{"annotations":{"example.org/note":"seen"}}}`)
	if _, err := f.c.Apply(t.Context(), p); err != nil {
		t.Error(err)
	}
	if f.get(inventory).GetAnnotations()["example.org/note"] != "seen" {
		t.Error("the annotation is gone")
	}
}

func TestCrashBetweenClaimAndEndLosesNothing(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(configMap("env", "info"), configMap("more", "info"))
	p := f.plan(b)
	// As if the process died after the claim and one of the two objects.
	if _, err := f.c.claim(t.Context(), f.client(), p); err != nil {
		t.Fatal(err)
	}
	w := &writing{Cluster: f.c, api: f.client(), p: p}
	if err := w.put(t.Context(), p.Changes[0]); err != nil {
		t.Fatal(err)
	}
	second := f.another(func(o *Options) { o.Holder = "rondo-2" })
	second.Follow([]plan.Target{f.target})
	f.run(second)
	// The revision that follows wants neither: what was announced can be pruned.
	next := f.planWith(second, f.bundle())
	if _, err := second.Apply(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"env", "more"} {
		if f.exists(f.id("", "ConfigMap", name)) {
			t.Errorf("ConfigMap/%s is an orphan", name)
		}
	}
	inv, err := second.readInventory(t.Context(), f.client(), f.target)
	if err != nil || len(inv.Entries) != 0 {
		t.Errorf("inventory %+v, %v", inv.Entries, err)
	}
}

func (f *fixture) data(name string) map[string]string {
	f.Helper()
	data := map[string]string{}
	raw, _ := f.get(f.id("", "ConfigMap", name)).Object["data"].(map[string]any)
	for k, v := range raw {
		data[k] = fmt.Sprint(v)
	}
	return data
}

// TestAReaderWithoutTheKeySeesTheInventoryAndWritesNothing is what a plan on a
// developer's machine rests on.
func TestAReaderWithoutTheKeySeesTheInventoryAndWritesNothing(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(configMap("env", "info"), configMap("old", "info")))
	reader := f.another(func(o *Options) { o.Key, o.ReadOnly = []byte("not the daemon's"), true })
	p := f.planWith(reader, f.bundle(configMap("env", "debug")))
	if p.Inventory.Broken != "" || p.Counts()[plan.Prune] != 1 {
		t.Errorf("inventory broken: %q, plan %v", p.Inventory.Broken, p.Counts())
	}
	if out, err := reader.Apply(t.Context(), p); err == nil || out.Writes > 0 {
		t.Errorf("Apply wrote %d objects, error %v", out.Writes, err)
	}
	if !f.exists(f.id("", "ConfigMap", "old")) {
		t.Error("the object is pruned")
	}
}
