package kubetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// Install is [ControlPlane.Define] for a test.
func Install(t *testing.T, cp *ControlPlane, file string) {
	t.Helper()
	if err := cp.Define(t.Context(), file); err != nil {
		t.Fatal(err)
	}
}

// Define adds the kind that a file defines, and returns when the API server
// serves it. It stays until the control plane ends; one that is there is left.
func (cp *ControlPlane) Define(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var crd unstructured.Unstructured
	if err := yaml.Unmarshal(text, &crd.Object); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	client, err := dynamic.NewForConfig(cp.Config())
	if err != nil {
		return err
	}
	crds := client.Resource(definitions)
	if _, err := crds.Create(ctx, &crd, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	w, err := crds.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + crd.GetName()})
	if err != nil {
		return err
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		if now, ok := event.Object.(*unstructured.Unstructured); ok && established(now) {
			return nil
		}
	}
	return fmt.Errorf("%s is not served: %w", crd.GetName(), cmp.Or(context.Cause(ctx), errUnwatched))
}

// errUnwatched is why nothing is known of a kind whose watch the API server ended.
var errUnwatched = errors.New("its watch ended")

func established(crd *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, c := range conditions {
		if condition, ok := c.(map[string]any); ok && condition["type"] == "Established" {
			return condition["status"] == "True"
		}
	}
	return false
}
