package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"rondo.dev/rondo/render"
)

const web = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, labels: {rondo.dev/app: shop, a/b: x, "~c": y}},
	spec: {replicas: 2, template: {spec: {containers: [{name: a, image: "a:1"}, {name: b, image: "b:1"}, {name: c, image: "c:1"}]}}}}`

func TestIgnore(t *testing.T) {
	for name, tc := range map[string]struct {
		rule Ignore
		want string // the body without metadata
	}{
		"a field": {Ignore{Pointers: []string{"/spec/replicas"}},
			`{"template":{"spec":{"containers":[{"image":"a:1","name":"a"},{"image":"b:1","name":"b"},{"image":"c:1","name":"c"}]}}}`},
		"a field of an item": {Ignore{Kind: "Deployment", Name: "web", Pointers: []string{"/spec/replicas", "/spec/template/spec/containers/1/image"}},
			`{"template":{"spec":{"containers":[{"image":"a:1","name":"a"},{"name":"b"},{"image":"c:1","name":"c"}]}}}`},
		"items, by the index that they are written at": {Ignore{Pointers: []string{"/spec/replicas", "/spec/template/spec/containers/0", "/spec/template/spec/containers/2"}},
			`{"template":{"spec":{"containers":[{"image":"b:1","name":"b"}]}}}`},
		"what is not there": {Ignore{Pointers: []string{"/spec/none", "/spec/replicas/deeper", "/spec/template/spec/containers/9/image"}},
			`{"replicas":2,"template":{"spec":{"containers":[{"image":"a:1","name":"a"},{"image":"b:1","name":"b"},{"image":"c:1","name":"c"}]}}}`},
		"a rule of another kind": {Ignore{Kind: "Service", Pointers: []string{"/spec"}},
			`{"replicas":2,"template":{"spec":{"containers":[{"image":"a:1","name":"a"},{"image":"b:1","name":"b"},{"image":"c:1","name":"c"}]}}}`},
		"a rule of another name": {Ignore{Name: "api", Pointers: []string{"/spec"}},
			`{"replicas":2,"template":{"spec":{"containers":[{"image":"a:1","name":"a"},{"image":"b:1","name":"b"},{"image":"c:1","name":"c"}]}}}`},
		"a section": {Ignore{Pointers: []string{"/spec"}}, `null`},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(read(t, web))
			got := Applied(o, []Ignore{tc.rule})
			body, err := json.Marshal(got.Body["spec"])
			if err != nil || string(body) != tc.want {
				t.Errorf("got  %s, %v\nwant %s", body, err, tc.want)
			}
			if !reflect.DeepEqual(o.Body, read(t, web)) {
				t.Error("the object of the bundle was changed")
			}
		})
	}
}

func TestIgnoreEscapedNames(t *testing.T) {
	o := Applied(object(read(t, web)), []Ignore{{Pointers: []string{"/metadata/labels/a~1b", "/metadata/labels/~0c"}}})
	if got := len(o.Labels()); got != 1 || o.Labels()[render.LabelApp] != "shop" {
		t.Errorf("got %v", o.Labels())
	}
}

func TestIgnoreNeverTakesTheIdentity(t *testing.T) {
	rule := Ignore{Pointers: []string{"/metadata", "/metadata/name", "/metadata/namespace", "/metadata/labels",
		"/metadata/labels/rondo.dev~1app", "/kind", "/apiVersion", "spec", ""}}
	o := object(read(t, web))
	if got := Applied(o, []Ignore{rule}); !reflect.DeepEqual(got, o) {
		t.Errorf("got %v", got.Body)
	}
	for _, pointer := range rule.Pointers {
		if (Ignore{Pointers: []string{pointer}}).Check() == nil {
			t.Errorf("%q is accepted and does nothing", pointer)
		}
	}
	if err := (Ignore{Pointers: []string{"/spec/replicas", "/data"}}).Check(); err != nil {
		t.Error(err)
	}
}

func TestIgnoredFieldsAreNeitherDriftNorApplied(t *testing.T) {
	o := options()
	o.Target.Ignore = []Ignore{{Pointers: []string{"/spec/replicas"}}}
	want := object(load(t, "want"))
	p := Compute(bundle(want), live(applied(Applied(want, o.Target.Ignore)), map[render.ID]LiveObject{want.ID: {Exists: true, Body: load(t, "taken")}}), o)
	check(t, lines(p), "1 unchanged")
	if p.Changes[0].Object.Body["spec"].(map[string]any)["replicas"] != nil {
		t.Error("spec.replicas would be applied")
	}
}

// Rules are plain pointers: many of them on a large object cost next to nothing.
func TestT28_IgnoreRulesAreCheap(t *testing.T) {
	data := map[string]any{}
	var rules []Ignore
	for i := range 10_000 {
		data[fmt.Sprintf("field%05d", i)] = "value"
		rules = append(rules, Ignore{Kind: "ConfigMap", Pointers: []string{fmt.Sprintf("/data/field%05d", 2*i)}})
	}
	o := object(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "big", "namespace": "shop"}, "data": data})
	found := map[render.ID]LiveObject{o.ID: {Exists: true, Body: o.Body}}
	opts := options()
	opts.Target.Ignore = rules
	start := time.Now()
	p := Compute(bundle(o), live(Inventory{}, found), opts)
	// About 10 ms; one look at every field for every rule would be 10^8 of them.
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	if n := len(p.Changes[0].Object.Body["data"].(map[string]any)); n != 5_000 {
		t.Errorf("%d fields are left", n)
	}
}
