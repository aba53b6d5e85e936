package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
)

var sliceResource = schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}

// settleTime is how long endpoints may lag behind pods that have become ready.
const settleTime = 2 * time.Second

// Observe reads what the score needs beyond rendering, by the application's
// identity: ready endpoints and what became of the pods.
func (c *Cluster) Observe(ctx context.Context, t plan.Target, b render.Bundle) (score.Observed, error) {
	api, err := c.api.For(t)
	if err != nil {
		return score.Observed{}, err
	}
	out := score.Observed{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	g.Go(func() error {
		endpoints, err := c.settledEndpoints(ctx, api, t, b)
		mu.Lock()
		defer mu.Unlock()
		out.Endpoints = endpoints
		return err
	})
	for i := range b.Objects {
		o := &b.Objects[i]
		if podSelector(o) == "" {
			continue
		}
		g.Go(func() error {
			pods, err := c.podsOf(ctx, api, o)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, pod := range health.Pods(pods, time.Time{}, c.o.Now()) {
				out.Pods = append(out.Pods, score.PodState{Service: o.ID.Name, Name: pod.Name, Restarts: pod.Restarts, Reason: pod.Reason})
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return score.Observed{}, err
	}
	slices.SortFunc(out.Pods, func(a, b score.PodState) int { return strings.Compare(a.Name, b.Name) })
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.app(t)
	for i := range b.Objects {
		id := b.Objects[i].ID
		if id.Kind == "Deployment" && c.itemOf(a, &b.Objects[i]).Status == health.Failed {
			out.RolloutExceeded = append(out.RolloutExceeded, id.Name)
		}
	}
	return out, nil
}

// settledEndpoints counts ready endpoints, again for a moment while a Service
// has none: its controller may not have seen the pods yet.
func (c *Cluster) settledEndpoints(ctx context.Context, api client, t plan.Target, b render.Bundle) (map[string]int, error) {
	deadline := time.NewTimer(settleTime)
	defer deadline.Stop()
	tick := time.NewTicker(settleTime / 10)
	defer tick.Stop()
	for {
		counts, err := c.endpoints(ctx, api, t, b)
		if err != nil {
			return nil, err
		}
		empty := false
		for _, n := range counts {
			empty = empty || n == 0
		}
		if !empty {
			return counts, nil
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return counts, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// endpoints counts, for each Service with a selector, the ready endpoints.
func (c *Cluster) endpoints(ctx context.Context, api client, t plan.Target, b render.Bundle) (map[string]int, error) {
	counts := map[string]int{}
	var names []string
	for _, o := range b.Objects {
		spec, _ := o.Body["spec"].(map[string]any)
		if selector, _ := spec["selector"].(map[string]any); o.ID.Group == "" && o.ID.Kind == "Service" && len(selector) > 0 {
			counts[o.ID.Name] = 0
			names = append(names, o.ID.Name)
		}
	}
	if len(names) == 0 {
		return counts, nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	list, err := api.dynamic.Resource(sliceResource).Namespace(t.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: "kubernetes.io/service-name in (" + strings.Join(names, ",") + ")"})
	if err != nil {
		return nil, err
	}
	// A Service of both IP families has its endpoints twice.
	ready := map[string]map[string]int{}
	for _, slice := range list.Items {
		name := slice.GetLabels()["kubernetes.io/service-name"]
		family, _, _ := unstructured.NestedString(slice.Object, "addressType")
		endpoints, _, _ := unstructured.NestedSlice(slice.Object, "endpoints")
		if ready[name] == nil {
			ready[name] = map[string]int{}
		}
		for _, e := range endpoints {
			endpoint, _ := e.(map[string]any)
			// Unset means ready (discovery.k8s.io/v1, EndpointConditions).
			if is, given, _ := unstructured.NestedBool(endpoint, "conditions", "ready"); is || !given {
				ready[name][family]++
			}
		}
		counts[name] = max(counts[name], ready[name][family])
	}
	return counts, nil
}
