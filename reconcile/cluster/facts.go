package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// Facts are the cluster's part of render.Facts: its version, and the default
// IngressClass, read by rondo's own identity at most every ten minutes.
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
	f.facts, f.asked = facts, c.o.Now()
	return facts, nil
}
