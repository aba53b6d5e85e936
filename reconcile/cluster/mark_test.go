package cluster

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

const marked = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, theirs: x}
  managedFields:
  - manager: rondo
    operation: Apply
    time: "2026-01-01T00:00:00Z"
    fieldsV1:
      f:metadata: {f:labels: {f:app: {}}}
      f:spec:
        f:template:
          f:spec:
            f:containers:
              k:{"name":"web"}:
                .: {}
                f:image: {}
                f:args: {}
                f:ports:
                  k:{"containerPort":8080,"protocol":"TCP"}: {f:name: {}}
        f:finalizers:
          v:"example.org/a": {}
spec:
  replicas: 1
  finalizers: [example.org/a, example.org/b]
  template:
    spec:
      containers:
      - {name: proxy, image: proxy:1}
      - {name: web, image: shop:1, args: [a, b], ports: [{containerPort: 8080, protocol: TCP, name: http}]}
`

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	j, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(j)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestValuesHashFollowsOurFieldsAlone(t *testing.T) {
	container := func(i int, change func(map[string]any)) func(map[string]any) {
		return func(o map[string]any) {
			list, _, _ := unstructured.NestedSlice(o, "spec", "template", "spec", "containers")
			change(list[i].(map[string]any))
			_ = unstructured.SetNestedSlice(o, list, "spec", "template", "spec", "containers")
		}
	}
	for name, tc := range map[string]struct {
		change func(map[string]any)
		same   bool
	}{
		"nothing changed":          {func(map[string]any) {}, true},
		"a label that is not ours": {func(o map[string]any) { _ = unstructured.SetNestedField(o, "y", "metadata", "labels", "theirs") }, true},
		"a count that is not ours": {func(o map[string]any) { _ = unstructured.SetNestedField(o, int64(3), "spec", "replicas") }, true},
		"another container":        {container(0, func(c map[string]any) { c["image"] = "proxy:2" }), true},
		"another item of the set": {func(o map[string]any) {
			_ = unstructured.SetNestedStringSlice(o, []string{"example.org/a"}, "spec", "finalizers")
		}, true},
		"our label":                   {func(o map[string]any) { _ = unstructured.SetNestedField(o, "shop", "metadata", "labels", "app") }, false},
		"our image":                   {container(1, func(c map[string]any) { c["image"] = "shop:2" }), false},
		"the order of our list":       {container(1, func(c map[string]any) { c["args"] = []any{"b", "a"} }), false},
		"our port, found by its keys": {container(1, func(c map[string]any) { c["ports"].([]any)[0].(map[string]any)["name"] = "web" }), false},
		"our container renamed":       {container(1, func(c map[string]any) { c["name"] = "shop" }), false},
		"our item of the set": {func(o map[string]any) {
			_ = unstructured.SetNestedStringSlice(o, []string{"example.org/b"}, "spec", "finalizers")
		}, false},
		"everything below one field gone":   {func(o map[string]any) { unstructured.RemoveNestedField(o, "spec", "template") }, false},
		"a field of ours with another type": {func(o map[string]any) { _ = unstructured.SetNestedField(o, "text", "spec", "template") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			u := parse(t, marked)
			before := valuesHash(testKey, u)
			tc.change(u.Object)
			if same := valuesHash(testKey, u) == before; same != tc.same {
				t.Errorf("same hash: %v, want %v", same, tc.same)
			}
		})
	}
	if valuesHash(testKey, parse(t, marked)) == valuesHash([]byte("another key"), parse(t, marked)) {
		t.Error("the hash does not depend on the key, so values of Secrets can be guessed from it")
	}
}

func TestFieldsHashIsTheSameFromMetadataAndFromTheWholeObject(t *testing.T) {
	u := parse(t, marked)
	var m metav1.PartialObjectMetadata
	m.ManagedFields = u.GetManagedFields()
	// As the API server stores it, in another order of keys.
	raw := `{"f:spec":{"f:finalizers":{"v:\"example.org/a\"":{}},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{"f:name":{}}},"f:args":{},".":{},"f:image":{}}}}}},"f:metadata":{"f:labels":{"f:app":{}}}}`
	m.ManagedFields[0].FieldsV1 = metav1.NewFieldsV1(raw)
	if a, b := markOf(u), markOf(&m); a.Fields != b.Fields || a.Fields == "none" {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestJudge(t *testing.T) {
	was := plan.Mark{UID: "u", Fields: "f", Generation: 2, Version: "100"}
	at := func(change func(*sight)) sight {
		s := sight{mark: was, replicas: -1}
		s.mark.Version = "101"
		change(&s)
		return s
	}
	for name, tc := range map[string]struct {
		now    sight
		kind   plan.Mark // recorded; zero: was
		seeded *render.Range
		want   verdict
	}{
		"never seen":                            {now: sight{}, want: fine},
		"our own write":                         {now: at(func(s *sight) { s.mark.Version, s.mark.Fields = "100", "g" }), want: fine},
		"before our own write":                  {now: at(func(s *sight) { s.mark.Version, s.mark.Fields = "99", "g" }), want: fine},
		"only the version moved":                {now: at(func(*sight) {}), want: fine},
		"only the version, kind without one":    {now: at(func(s *sight) { s.mark.Generation = 0 }), kind: plan.Mark{UID: "u", Fields: "f", Version: "100"}, want: suspect},
		"generation moved":                      {now: at(func(s *sight) { s.mark.Generation = 3 }), want: suspect},
		"fields taken":                          {now: at(func(s *sight) { s.mark.Fields = "g" }), want: changed},
		"kubectl has fields":                    {now: at(func(s *sight) { s.foreign = "x" }), want: changed},
		"replaced by another of its name":       {now: at(func(s *sight) { s.mark.UID = "v" }), want: changed},
		"deleted":                               {now: at(func(s *sight) { s.gone = true }), want: missing},
		"predecessor deleted":                   {now: at(func(s *sight) { s.gone, s.mark.UID = true, "t" }), want: fine},
		"count in its range":                    {now: at(func(s *sight) { s.replicas = 4 }), seeded: &render.Range{Min: 2, Max: 6}, want: fine},
		"count out of its range":                {now: at(func(s *sight) { s.replicas = 9 }), seeded: &render.Range{Min: 2, Max: 6}, want: changed},
		"longer version is newer, not smaller":  {now: at(func(s *sight) { s.mark.Version, s.mark.Fields = "1000", "g" }), want: changed},
		"shorter version is older, not greater": {now: at(func(s *sight) { s.mark.Version, s.mark.Fields = "99", "g" }), want: fine},
	} {
		t.Run(name, func(t *testing.T) {
			o := object{recorded: was, now: tc.now, seeded: tc.seeded}
			if tc.kind.Version != "" {
				o.recorded = tc.kind
			}
			if got := o.judge(); got != tc.want {
				t.Errorf("judged %d, want %d", got, tc.want)
			}
		})
	}
}
