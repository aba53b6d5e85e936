package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubewatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// kinds of the objects of each application, one of each.
const kinds = 5

// versionKey of a ConfigMap's data, and annotation of a Deployment's pods: the
// version of the files that the object was made of.
const versionKey = "VERSION"

// applied knows, from watches of its own, which objects of which namespace were
// applied.
type applied struct {
	mu      sync.Mutex
	changed chan struct{}                // closed and replaced at each event
	seen    map[string]map[string]string // namespace → kind → version; "" where the kind has none
}

// watch follows the five kinds in all namespaces.
func watch(ctx context.Context, config *rest.Config) (*applied, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	a := &applied{changed: make(chan struct{}), seen: map[string]map[string]string{}}
	for _, r := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "services"},
		{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
		{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
	} {
		w, err := client.Resource(r).Watch(ctx, metav1.ListOptions{
			LabelSelector: "rondo.dev/inventory!=true", FieldSelector: "metadata.name!=kube-root-ca.crt",
		})
		if err != nil {
			return nil, err
		}
		go func() {
			defer w.Stop()
			for event := range w.ResultChan() {
				if object, ok := event.Object.(*unstructured.Unstructured); ok && event.Type != kubewatch.Deleted {
					a.note(object)
				}
			}
		}()
	}
	return a, nil
}

func (a *applied) note(o *unstructured.Unstructured) {
	var version string
	switch o.GetKind() {
	case "ConfigMap":
		version, _, _ = unstructured.NestedString(o.Object, "data", versionKey)
	case "Deployment":
		version, _, _ = unstructured.NestedString(o.Object, "spec", "template", "metadata", "annotations", versionKey)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.seen[o.GetNamespace()] == nil {
		a.seen[o.GetNamespace()] = map[string]string{}
	}
	a.seen[o.GetNamespace()][o.GetKind()] = version
	close(a.changed)
	a.changed = make(chan struct{})
}

// first returns once one object in the namespace is of this version.
func (a *applied) first(ctx context.Context, namespace, version string) error {
	return a.wait(ctx, namespace, func(seen map[string]string) bool {
		return seen["ConfigMap"] == version || seen["Deployment"] == version
	})
}

// all returns once all kinds are there and those with a version have this one.
func (a *applied) all(ctx context.Context, namespace, version string) error {
	return a.wait(ctx, namespace, func(seen map[string]string) bool {
		return len(seen) == kinds && seen["ConfigMap"] == version && seen["Deployment"] == version
	})
}

func (a *applied) wait(ctx context.Context, namespace string, done func(seen map[string]string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		a.mu.Lock()
		seen, changed := maps.Clone(a.seen[namespace]), a.changed
		a.mu.Unlock()
		if done(seen) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for objects in %s, where these are with their versions: %v: %w", namespace, seen, context.Cause(ctx))
		}
	}
}

// patience is how long one application may take.
const patience = 2 * time.Minute
