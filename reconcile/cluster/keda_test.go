package cluster

import (
	"context"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/reconcile/kubetest"
)

// scaledObjects is the least of KEDA that serves its kind.
const scaledObjects = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: scaledobjects.keda.sh}
spec:
  group: keda.sh
  scope: Namespaced
  names: {kind: ScaledObject, listKind: ScaledObjectList, plural: scaledobjects, singular: scaledobject}
  versions:
  - name: v1alpha1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// TestAScaledObjectIsAppliedAndPutBackWhereThereIsKEDA does not run in parallel:
// other tests find no KEDA.
func TestAScaledObjectIsAppliedAndPutBackWhereThereIsKEDA(t *testing.T) {
	f := prepare(t)
	crds := f.admin.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	crd := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(scaledObjects), &crd.Object); err != nil {
		t.Fatal(err)
	}
	if _, err := crds.Create(t.Context(), crd, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := crds.Delete(context.Background(), crd.GetName(), metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		kubetest.Eventually(t, func() error {
			if _, err := crds.Get(context.Background(), crd.GetName(), metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				return fmt.Errorf("the kind is still there: %w", err)
			}
			return nil
		})
	})
	kubetest.Eventually(t, func() error {
		_, err := f.typed.Discovery().ServerResourcesForGroupVersion("keda.sh/v1alpha1")
		return err
	})
	f.c = f.another()
	f.begin()
	if facts, err := f.c.Facts(t.Context()); err != nil || !facts.KEDA {
		t.Fatalf("facts %+v, %v", facts, err)
	}
	b := f.bundle(deployment("web", "example.org/shop:1"), `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec: {scaleTargetRef: {name: web}, minReplicaCount: 1, maxReplicaCount: 4, triggers: [{type: rabbitmq, metadata: {queueName: mail}}]}
`)
	f.pass(b)
	if report, err := f.c.Wait(t.Context(), f.target, b); err != nil || report.Worst != "Current" {
		t.Fatalf("%+v, %v", report, err)
	}
	id := f.id("keda.sh", "ScaledObject", "web")
	f.by("robot", id, types.MergePatchType, `{"spec":{"maxReplicaCount":40}}`)
	f.drifted(id)
	f.pass(b, asDrift)
	if n, _, _ := unstructured.NestedInt64(f.get(id).Object, "spec", "maxReplicaCount"); n != 4 {
		t.Errorf("%d after the heal", n)
	}
	f.pass(f.bundle(deployment("web", "example.org/shop:1")))
	if f.exists(id) {
		t.Error("it is not pruned")
	}
}
