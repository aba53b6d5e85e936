package render_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/validate"
	"rondo.dev/rondo/render/workload"
)

// What our own check refuses, a real API server refuses as well: no one is kept
// from deploying what Kubernetes would take.
func TestAnAPIServerRefusesBrokenObjects(t *testing.T) {
	s := newServer(t)
	namespace := kubetest.Namespace(t, kubetest.Shared(t))
	archive, err := txtar.ParseFile("../testdata/validate/broken.txtar")
	if err != nil || len(archive.Files) == 0 {
		t.Fatalf("%d objects, %v", len(archive.Files), err)
	}
	for _, file := range archive.Files {
		t.Run(file.Name, func(t *testing.T) {
			var body map[string]any
			if err := yaml.Unmarshal(file.Data, &body); err != nil {
				t.Fatal(err)
			}
			kind, _ := body["kind"].(string)
			name, _ := body["metadata"].(map[string]any)["name"].(string)
			group, version, ok := strings.Cut(body["apiVersion"].(string), "/")
			if !ok {
				group, version = "", group
			}
			if strings.Contains(string(file.Data), "[E-OBJECT-KIND]") {
				if _, err := s.mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind}, version); err == nil {
					t.Errorf("the server has %s %s", body["apiVersion"], kind)
				}
				return
			}
			o := render.Object{ID: render.ID{Group: group, Kind: kind, Namespace: namespace, Name: name}, Version: version, Body: body}
			if _, err := s.apply(t, o, metav1.DryRunAll); err == nil {
				t.Errorf("the server takes it:\n%s", file.Data)
			} else {
				t.Log(err)
			}
		})
	}
}

// What rondo makes has the form that each version of Kubernetes knows.
func TestRenderedObjectsFitEveryVersion(t *testing.T) {
	for name, g := range goldens(t) {
		for _, version := range validate.Versions() {
			g.input.Facts.ClusterVersion = version
			_, err := render.Render(t.Context(), g.input, workload.Builder{})
			for _, p := range render.AsProblems(err) {
				if strings.HasPrefix(p.Code, "E-OBJECT-") {
					t.Errorf("%s on Kubernetes %s: %v", name, version, p.Error())
				}
			}
		}
	}
}
