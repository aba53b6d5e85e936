package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// applied knows, from watches of its own, which objects of which application
// were applied, and how often.
type applied struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each event
	// fields is the newest time of the daemon's own entry in managedFields, as
	// seen by the API server's clock, by application and object.
	seen map[string]map[string]string // application → kind/name → VERSION or "applied"
}

// watch follows the five kinds.
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
		w, err := client.Resource(r).Watch(ctx, metav1.ListOptions{LabelSelector: "rondo.dev/app,rondo.dev/inventory!=true"})
		if err != nil {
			return nil, err
		}
		go func() {
			defer w.Stop()
			for event := range w.ResultChan() {
				if object, ok := event.Object.(*unstructured.Unstructured); ok {
					a.note(object)
				}
			}
		}()
	}
	return a, nil
}

func (a *applied) note(o *unstructured.Unstructured) {
	mark := "applied"
	switch o.GetKind() {
	case "ConfigMap":
		mark, _, _ = unstructured.NestedString(o.Object, "data", "VERSION")
	case "Deployment":
		mark, _, _ = unstructured.NestedString(o.Object, "spec", "template", "metadata", "annotations", "rondo.dev/config-hash")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	app := o.GetLabels()["rondo.dev/app"]
	if a.seen[app] == nil {
		a.seen[app] = map[string]string{}
	}
	key := o.GetKind()
	if old := a.seen[app][key]; old != mark && o.GetKind() == "Deployment" {
		a.seen[app]["rollouts"] += "+"
	}
	a.seen[app][key] = mark
	close(a.changed)
	a.changed = make(chan struct{})
}

// wait returns once the application has this many kinds applied, its ConfigMap
// is of this version, and its Deployment was rolled since the version before.
func (a *applied) wait(ctx context.Context, app string, kinds, version int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	want := fmt.Sprint(version)
	for {
		a.mu.Lock()
		seen, changed := a.seen[app], a.changed
		rolled := len(seen["rollouts"])
		n := len(seen)
		if rolled > 0 {
			n--
		}
		done := n >= kinds && seen["ConfigMap"] == want && rolled >= rollouts(version)
		a.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d kinds applied, version %q instead of %q: %w", n, kinds, seen["ConfigMap"], want, context.Cause(ctx))
		}
	}
}

// rollouts is how often a Deployment has a new template by the time of a
// version: at creation, at the first push, at the burst.
func rollouts(version int) int {
	switch {
	case version == 0:
		return 1
	case version < 1000:
		return 2
	default:
		return 3
	}
}
