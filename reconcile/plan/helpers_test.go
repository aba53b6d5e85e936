package plan

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

var (
	key    = []byte("a key of tests")
	target = Target{App: "shop", Namespace: "shop"}
)

// read gives an object as the cluster gives it: whole numbers are int64.
func read(t testing.TB, text string) map[string]any {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var u unstructured.Unstructured
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return u.Object
}

// load gives an object that a real API server had; see testdata/objects/drift.
func load(t testing.TB, file string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../testdata/objects/drift", file+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(raw))
}

// object makes one of a bundle out of its body.
func object(body map[string]any) render.Object {
	u := unstructured.Unstructured{Object: body}
	gvk := u.GroupVersionKind()
	return render.Object{
		ID:      render.ID{Group: gvk.Group, Kind: gvk.Kind, Namespace: u.GetNamespace(), Name: u.GetName()},
		Version: gvk.Version, Body: body, Origin: sources.Position{File: "manifest.yml", Line: 7},
		Stage: render.StageOf(gvk.Group, gvk.Kind),
	}
}

// small makes an object of the kind, with one field.
func small(t testing.TB, kind, name, value string) render.Object {
	t.Helper()
	api := map[string]string{"Deployment": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1",
		"CustomResourceDefinition": "apiextensions.k8s.io/v1"}[kind]
	if api == "" {
		api = "v1"
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return object(map[string]any{"apiVersion": api, "kind": kind, "spec": map[string]any{"field": n}, "metadata": map[string]any{
		"name": name, "namespace": "shop", "labels": map[string]any{render.LabelApp: "shop"}}})
}

// alive is o as the cluster has it, with an identity of its own.
func alive(t testing.TB, o render.Object) LiveObject {
	t.Helper()
	body := runtime.DeepCopyJSON(o.Body)
	meta := body["metadata"].(map[string]any)
	meta["uid"], meta["resourceVersion"] = "uid-of-"+o.ID.Name, "7"
	return LiveObject{Exists: true, Body: body}
}

// applied is the inventory after these objects were applied.
func applied(objects ...render.Object) Inventory {
	inv := Inventory{Version: "1"}
	for _, o := range objects {
		inv.Entries = append(inv.Entries, Entry{ID: o.ID, Version: o.Version, Digest: o.Digest(key), Mark: Mark{UID: "uid-of-" + o.ID.Name}})
	}
	return inv
}

func bundle(objects ...render.Object) render.Bundle { return render.Bundle{Objects: objects} }

func live(inv Inventory, found map[render.ID]LiveObject) Live {
	return Live{Inventory: inv, Objects: found}
}

func options() Options { return Options{Target: target, Key: key, Deployment: true} }

// lines are the plan in text, with "unchanged" counted instead of left out.
func lines(p Plan) string {
	text := Text(p, false)
	if n := p.Counts()[Unchanged]; n > 0 {
		text += Counts{Unchanged: n}.String() + "\n"
	}
	return text
}

// check compares texts line by line, forgiving blanks at the ends of lines.
func check(t *testing.T, got, want string) {
	t.Helper()
	trim := func(s string) string {
		var out []string
		for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
			out = append(out, strings.Join(strings.Fields(line), " "))
		}
		return strings.Join(out, "\n")
	}
	if trim(got) != trim(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
