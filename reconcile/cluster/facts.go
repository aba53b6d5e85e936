package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rondo.dev/rondo/render"
)

// factsAge is how old facts may be.
const factsAge = 10 * time.Minute

type factsCache struct {
	mu    sync.Mutex
	facts render.Facts
	asked time.Time
}

var ingressClasses = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingressclasses"}

var (
	nodes        = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	scaledObject = render.ID{Group: "keda.sh", Kind: "ScaledObject"}
)

// Facts are the cluster's part of render.Facts: its version, the default
// IngressClass, the names of its nodes and whether it has KEDA, read by rondo's
// own identity at most every ten minutes. What it may not read is not known.
func (c *Cluster) Facts(ctx context.Context) (render.Facts, error) {
	f := &c.facts
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.asked.IsZero() && c.o.Now().Sub(f.asked) < factsAge {
		return f.facts, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if !f.asked.IsZero() {
		// The version came with the greeting; it changes when the cluster is upgraded.
		if _, err := c.api.greet(ctx); err != nil {
			return render.Facts{}, fmt.Errorf("read the version of the cluster: %w", err)
		}
	}
	list, err := c.api.own.metadata.Resource(ingressClasses).List(ctx, metav1.ListOptions{})
	if err != nil && !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err) {
		return render.Facts{}, fmt.Errorf("list IngressClasses: %w", err)
	}
	facts := render.Facts{ClusterVersion: c.api.version}
	if list != nil {
		var newest metav1.Time
		for _, class := range list.Items {
			// Of several the newest counts, then the first by name, as in the API
			// server's admission (plugin DefaultIngressClass).
			if class.Annotations["ingressclass.kubernetes.io/is-default-class"] == "true" &&
				(facts.IngressClass == "" || newest.Before(&class.CreationTimestamp)) {
				facts.IngressClass, newest = class.Name, class.CreationTimestamp
			}
		}
	}
	if facts.Nodes, err = c.nodeNames(ctx); err != nil {
		return render.Facts{}, err
	}
	switch _, err := c.kinds.find(scaledObject, "v1alpha1", c.o.Now()); {
	case err == nil:
		facts.KEDA = true
	case !meta.IsNoMatchError(err):
		return render.Facts{}, err
	}
	f.facts, f.asked = facts, c.o.Now()
	return facts, nil
}

// nodeNames lists the nodes by name, sorted; nil: they may not be listed.
func (c *Cluster) nodeNames(ctx context.Context) ([]string, error) {
	list, err := c.api.own.metadata.Resource(nodes).List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	names := make([]string, len(list.Items))
	for i, node := range list.Items {
		names[i] = node.Name
	}
	slices.Sort(names)
	return names, nil
}
