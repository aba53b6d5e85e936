package render_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/workload"
)

// server applies objects to the shared API server.
type server struct {
	client dynamic.Interface
	mapper meta.RESTMapper
}

func newServer(t *testing.T) server {
	t.Helper()
	config := kubetest.Shared(t).Config()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	discover, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return server{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discover))}
}

// apply is rondo's apply, but strict: a field that the server does not know is an error.
func (s server) apply(t *testing.T, o render.Object, dryRun ...string) (*unstructured.Unstructured, error) {
	t.Helper()
	mapping, err := s.mapper.RESTMapping(schema.GroupKind{Group: o.ID.Group, Kind: o.ID.Kind}, o.Version)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(o.Body)
	if err != nil {
		t.Fatal(err)
	}
	force := true
	return s.client.Resource(mapping.Resource).Namespace(o.ID.Namespace).Patch(t.Context(), o.ID.Name, types.ApplyPatchType, body,
		metav1.PatchOptions{FieldManager: "rondo", Force: &force, FieldValidation: metav1.FieldValidationStrict, DryRun: dryRun})
}

// A real API server takes every object, knows every field, and keeps every
// value as it was written: what it would rewrite would look like drift.
func TestAnAPIServerKeepsObjectsAsRendered(t *testing.T) {
	s := newServer(t)
	kubetest.Install(t, kubetest.Shared(t), "../testdata/operators/cluster.yaml")
	namespace := kubetest.Namespace(t, kubetest.Shared(t))
	for name, g := range goldens(t) {
		if g.file("want/objects") == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			g.input.Namespace = namespace
			bundle, err := render.Render(t.Context(), g.input, workload.Builder{})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range bundle.Objects {
				got, err := s.apply(t, o, metav1.DryRunAll)
				if err != nil {
					t.Errorf("%s: %v", o.ID, err)
					continue
				}
				for _, lost := range missing(o.Body, got) {
					t.Errorf("%s: %s", o.ID, lost)
				}
			}
		})
	}
}

// Kubernetes fills in $(NAME) from the entries above. The order must survive a
// change in which a variable begins to need one that stood below it.
func TestVariablesStayInOrderThroughUpdates(t *testing.T) {
	s := newServer(t)
	in := shop
	in.Namespace = kubetest.Namespace(t, kubetest.Shared(t))
	for _, variables := range []string{
		`{ A: "$(SERVER_NAME)", B: "$(A)" }`,
		`{ A: "$(Z)", B: "$(SERVER_NAME)", Z: "$(DOCKER_HOST_IP)" }`,
		`{ A: "$(B)", B: "$(C)", C: "$(SERVER_NAME)", Z: "$(A)" }`,
	} {
		in.Snapshot = commitOf(map[string]string{"manifest.yml": `
services: { web: { image: "example.org/web:1", constraints: { min_count: 0 }, env_vars: ` + variables + ` } }`})
		bundle, err := render.Render(t.Context(), in, workload.Builder{})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range bundle.Objects {
			got, err := s.apply(t, o)
			if err != nil {
				t.Fatalf("%s: %v", o.ID, err)
			}
			for _, lost := range missing(o.Body, got) {
				t.Errorf("%s: %s", variables, lost)
			}
		}
	}
}

// missing lists what of want is not in got.
func missing(want map[string]any, got *unstructured.Unstructured) []string {
	var out []string
	var walk func(path string, want, got any)
	walk = func(path string, want, got any) {
		switch want := want.(type) {
		case map[string]any:
			m, _ := got.(map[string]any)
			for key, value := range want {
				walk(path+"."+key, value, m[key])
			}
		case []any:
			l, _ := got.([]any)
			if len(l) != len(want) {
				out = append(out, fmt.Sprintf("%s has %d elements, rendered %d", path, len(l), len(want)))
				return
			}
			for i := range want {
				walk(fmt.Sprintf("%s[%d]", path, i), want[i], l[i])
			}
		default:
			if want != got {
				out = append(out, fmt.Sprintf("%s is %v, rendered %v", strings.TrimPrefix(path, "."), got, want))
			}
		}
	}
	walk("", want, got.Object)
	return out
}
