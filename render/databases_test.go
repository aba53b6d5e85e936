package render_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/workload"
)

// Real controllers make the Pod and the claim of every engine, and a real
// scheduler finds a place for them.
func TestDatabasesBecomeReady(t *testing.T) {
	s := newServer(t)
	in := shop
	in.Namespace = kubetest.Namespace(t, kubetest.Shared(t))
	in.Facts.Images = data.Catalogue()
	in.Facts.ObjectStore = &render.ObjectStore{Endpoint: "https://s3.example.org", Bucket: "copies", Secret: "key", Image: "example.org/rclone:1"}
	in.Snapshot = commitOf(map[string]string{"manifest.yml": `
services: { web: { image: "example.org/web:1", constraints: { min_count: 0 } } }
databases: [postgresql, mysql, redis, mongodb, elasticsearch, memcached, rabbitmq, influxdb]
backups: [{ kind: unmanaged }, {}]`})
	bundle, err := render.Render(t.Context(), in, workload.Builder{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range bundle.Objects {
		if _, err := s.apply(t, o); err != nil {
			t.Errorf("%s: %v", o.ID, err)
		}
	}
	sets := s.client.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}).Namespace(in.Namespace)
	var waiting []string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		list, err := sets.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		waiting = nil
		for _, set := range list.Items {
			if ready, _, _ := unstructured.NestedInt64(set.Object, "status", "readyReplicas"); ready != 1 {
				waiting = append(waiting, set.GetName())
			}
		}
		if len(list.Items) == 8 && len(waiting) == 0 {
			return
		}
	}
	t.Errorf("not ready: %q", waiting)
}
