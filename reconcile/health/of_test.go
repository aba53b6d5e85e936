package health

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
)

const objects = "../../testdata/objects"

// read gives an object as the cluster gives it: whole numbers are int64.
func read(t *testing.T, text string) map[string]any {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var u unstructured.Unstructured
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u.Object
}

func load(t *testing.T, file string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(objects, file+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(raw))
}

// The files are objects of a real API server, caught in the state they are named
// after; those of CloudNativePG are written after its documentation.
func TestOfLiveObjects(t *testing.T) {
	want := map[string]Item{
		"deployment-available": {Status: Current, Message: "2 of 2 pods available"},
		"deployment-starting":  {Status: InProgress, Message: "0 of 2 pods available"},
		"deployment-rolling":   {Status: InProgress, Message: "1 of 2 pods updated"},
		"deployment-failed":    {Status: Failed, Message: "did not finish rolling out in time: 0 of 2 pods available"},
		"deployment-zero":      {Status: Current, Message: "scaled to zero"},
		"deployment-paused":    {Status: InProgress, Message: "rollout is paused: 0 of 1 pod updated"},
		"deployment-by-hand":   {Status: Current, Message: "1 of 1 pod on the old version until a restart"},
		"statefulset-ready":    {Status: Current, Message: "2 of 2 pods ready"},
		"statefulset-starting": {Status: InProgress, Message: "0 of 2 pods ready"},
		"daemonset-ready":      {Status: Current, Message: "2 of 2 pods available"},
		"daemonset-starting":   {Status: InProgress, Message: "0 of 2 pods available"},
		"job-complete":         {Status: Current, Message: "completed"},
		"job-failed":           {Status: Failed, Message: "failed after 1 pod"},
		"job-running":          {Status: InProgress, Message: "0 of 1 completed"},
		"claim-bound":          {Status: Current, Message: "bound"},
		"claim-pending":        {Status: Current, Message: "not bound yet"},
		"service-loadbalancer": {Status: Current, Message: "no address yet"},
		"ingress":              {Status: Current},
		"budget":               {Status: Current},
		"cluster-starting":     {Status: InProgress, Message: "not seen by its operator yet"},
		"cluster-joining":      {Status: InProgress, Message: "ClusterIsNotReady"},
		"cluster-ready":        {Status: Current},
		"terminating":          {Status: Terminating, Message: "is being deleted"},
	}
	for file, item := range want {
		t.Run(file, func(t *testing.T) {
			got := Of(load(t, file))
			if got.Status != item.Status || got.Message != item.Message {
				t.Errorf("got %s %q, want %s %q", got.Status, got.Message, item.Status, item.Message)
			}
			if got.ID.Kind == "" || got.ID.Name == "" {
				t.Errorf("no identity: %+v", got.ID)
			}
		})
	}
	files, err := filepath.Glob(objects + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if _, ok := want[name]; !ok && !strings.HasPrefix(name, "pod-") {
			t.Errorf("%s has no expectation", file)
		}
	}
}

func TestOf(t *testing.T) {
	for name, tc := range map[string]struct{ object, want string }{
		"a deployment that no controller has seen is in progress": {
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, generation: 1}, spec: {replicas: 0}}`,
			"InProgress Deployment/shop/web: not seen by its controller yet"},
		"a new generation that was not observed is in progress whatever the old one was": {
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, generation: 3}, spec: {replicas: 0}, status: {observedGeneration: 2}}`,
			"InProgress Deployment/shop/web: not seen by its controller yet"},
		"pods of the old version that still end are named": {
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, generation: 2}, spec: {replicas: 2, progressDeadlineSeconds: 600},
			  status: {observedGeneration: 2, replicas: 3, updatedReplicas: 2, readyReplicas: 3, availableReplicas: 3}}`,
			"InProgress Deployment/shop/web: 1 pod of the old version still there"},
		"a database, which is updated by hand, is in progress until its pods are ready": {
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop, generation: 1}, spec: {replicas: 1, updateStrategy: {type: OnDelete}},
			  status: {observedGeneration: 1, replicas: 1}}`,
			"InProgress StatefulSet/shop/db: 0 of 1 pod ready"},
		"its pods may be those of an older version": {
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop, generation: 2}, spec: {replicas: 1, updateStrategy: {type: OnDelete}},
			  status: {observedGeneration: 2, replicas: 1, readyReplicas: 1, currentReplicas: 1}}`,
			"Current StatefulSet/shop/db: 1 of 1 pod ready"},
		"a claim that lost its volume has failed": {
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}, status: {phase: Lost}}`,
			"Failed PersistentVolumeClaim/shop/data: has lost its volume"},
		"a suspended job is current": {
			`{apiVersion: batch/v1, kind: Job, metadata: {name: m, namespace: shop}, spec: {suspend: true}}`,
			"Current Job/shop/m: suspended"},
		"an unknown kind is current": {
			`{apiVersion: example.org/v1, kind: Widget, metadata: {name: w, namespace: shop}}`,
			"Current Widget/shop/w: Current"},
		"an unknown kind that says it is not ready is in progress, and its message stays out": {
			`{apiVersion: example.org/v1, kind: Widget, metadata: {name: w, namespace: shop}, status: {conditions: [{type: Ready, status: "False", reason: Waiting, message: password is hunter2}]}}`,
			"InProgress Widget/shop/w: Waiting"},
		"a status that cannot be read is unknown": {
			`{apiVersion: example.org/v1, kind: Widget, metadata: {name: w, namespace: shop, generation: one}}`,
			"Unknown Widget/shop/w: its status cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			item := Of(read(t, tc.object))
			if got := string(item.Status) + " " + item.String(); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestOfNothing(t *testing.T) {
	if got := Of(nil); got.Status == Failed {
		t.Errorf("got %+v", got)
	}
	if got := Missing(render.ID{Kind: "ConfigMap", Namespace: "shop", Name: "env"}).String(); got != "ConfigMap/shop/env: does not exist" {
		t.Errorf("got %s", got)
	}
}
