package cluster

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

var (
	namespaces      = resource{gvr: schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}}
	serviceAccounts = resource{gvr: schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}, namespaced: true}
	roleBindings    = resource{gvr: schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"}, namespaced: true}
)

// Bootstrap makes sure of the namespace of t, of its account, and of the
// account's binding to the one named ClusterRole, by rondo's own identity. What
// exists is left as it is; nothing is ever deleted. Done once for a target by
// this process, it costs nothing.
func (c *Cluster) Bootstrap(ctx context.Context, t plan.Target) error {
	key := t.Namespace + "/" + t.ServiceAccount
	c.mu.Lock()
	done := c.ready[key]
	c.mu.Unlock()
	if done {
		return nil
	}
	if _, err := c.api.For(t); err != nil {
		return err
	}
	made, err := c.ensure(ctx, namespaces, manifest("v1", "Namespace", "", t.Namespace))
	if err != nil {
		return err
	}
	if t.ServiceAccount != "" {
		binding := manifest("rbac.authorization.k8s.io/v1", "RoleBinding", t.Namespace, "rondo-"+t.ServiceAccount)
		binding.Object["roleRef"] = map[string]any{
			"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": c.o.ClusterRole}
		binding.Object["subjects"] = []any{map[string]any{
			"kind": "ServiceAccount", "namespace": t.Namespace, "name": t.ServiceAccount}}
		for _, step := range []struct {
			r resource
			u *unstructured.Unstructured
		}{
			{serviceAccounts, manifest("v1", "ServiceAccount", t.Namespace, t.ServiceAccount)},
			{roleBindings, binding},
		} {
			also, err := c.ensure(ctx, step.r, step.u)
			if err != nil {
				return err
			}
			made = made || also
		}
	}
	if made {
		if err := c.granted(ctx, t); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.ready[key] = true
	c.mu.Unlock()
	return nil
}

// unready makes the next Bootstrap look again: somebody may have deleted what an
// earlier one made.
func (c *Cluster) unready(t plan.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ready, t.Namespace+"/"+t.ServiceAccount)
}

func manifest(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	u.SetLabels(map[string]string{render.LabelManagedBy: render.ManagedBy})
	return u
}

// ensure creates u unless an object of its name is there.
func (c *Cluster) ensure(ctx context.Context, r resource, u *unstructured.Unstructured) (made bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err = c.api.own.meta(r, u.GetNamespace()).Get(ctx, u.GetName(), metav1.GetOptions{})
	if err == nil {
		return false, nil
	}
	if !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("look for %s/%s: %w", u.GetKind(), u.GetName(), err)
	}
	_, err = c.api.own.objects(r, u.GetNamespace()).Create(ctx, u, metav1.CreateOptions{FieldManager: plan.Manager})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return false, fmt.Errorf("create %s/%s: %w", u.GetKind(), u.GetName(), err)
	}
	return err == nil, nil
}

// granted waits until a new binding is in force: the API server's authorizer
// learns of it through a watch of its own, some milliseconds later.
func (c *Cluster) granted(ctx context.Context, t plan.Target) error {
	api, err := c.api.For(t)
	if err != nil {
		return err
	}
	err = wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		_, err := api.meta(configMaps, t.Namespace).Get(ctx, inventoryName(t.App), metav1.GetOptions{})
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("account %s/%s may not read ConfigMaps, although it is bound to %s: %w", t.Namespace, t.ServiceAccount, c.o.ClusterRole, err)
	}
	return nil
}
