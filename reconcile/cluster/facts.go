package cluster

import (
	"context"
	"fmt"
	"maps"
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

// nodesAge is how old the labels of nodes may be where they decide about a warning.
const nodesAge = time.Minute

type factsCache struct {
	mu    sync.Mutex
	facts render.Facts
	asked time.Time
	nodes nodeList
}

// nodeList is the nodes as they were last listed.
type nodeList struct {
	labels map[string]map[string]string // by name; nil: they may not be listed
	asked  time.Time
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
	byName, err := c.listNodes(ctx, factsAge)
	if err != nil {
		return render.Facts{}, err
	}
	facts.Nodes = slices.Sorted(maps.Keys(byName))
	switch _, err := c.kinds.find(scaledObject, "v1alpha1", c.o.Now()); {
	case err == nil:
		facts.KEDA = true
	case !meta.IsNoMatchError(err):
		return render.Facts{}, err
	}
	f.facts, f.asked = facts, c.o.Now()
	return facts, nil
}

// Nodes are the labels of the cluster's nodes, read at most once a minute; not
// known where rondo may not list them.
func (c *Cluster) Nodes(ctx context.Context) (labels []map[string]string, known bool, err error) {
	f := &c.facts
	f.mu.Lock()
	defer f.mu.Unlock()
	nodes, err := c.listNodes(ctx, nodesAge)
	return slices.Collect(maps.Values(nodes)), nodes != nil, err
}

// listNodes gives the labels of the nodes by name, at most that old; nil: they
// may not be listed. The caller holds the mutex of the facts.
func (c *Cluster) listNodes(ctx context.Context, age time.Duration) (map[string]map[string]string, error) {
	known := &c.facts.nodes
	if !known.asked.IsZero() && c.o.Now().Sub(known.asked) < age {
		return known.labels, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	list, err := c.api.own.metadata.Resource(nodes).List(ctx, metav1.ListOptions{})
	if err != nil && !apierrors.IsForbidden(err) {
		return nil, fmt.Errorf("list nodes: %w", err)
	}
	*known = nodeList{asked: c.o.Now()}
	if err == nil {
		known.labels = make(map[string]map[string]string, len(list.Items))
		for _, node := range list.Items {
			known.labels[node.Name] = node.Labels
		}
	}
	return known.labels, nil
}
