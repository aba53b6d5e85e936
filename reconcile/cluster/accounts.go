package cluster

import (
	"context"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rondo.dev/rondo/render"
)

var accountResource = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}

// accounts finds out which ServiceAccounts the pods of what is read are to run
// as and that are not there: such pods are never made, and nothing says so but
// an event (spec 2.3, service_account_name). One that the bundle brings, and
// those that the namespace always has, are not asked for.
func (l *live) accounts(ctx context.Context, b render.Bundle, reads []read) error {
	there := map[string]bool{"": true, "default": true, l.t.ServiceAccount: true}
	for _, o := range b.Objects {
		if o.ID.Group == "" && o.ID.Kind == "ServiceAccount" {
			there[o.ID.Name] = true
		}
	}
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, r := range reads {
		if r.object == nil || !r.changed {
			continue
		}
		name := r.object.Account()
		if there[name] {
			continue
		}
		there[name] = true
		g.Go(func() error {
			request, cancel := context.WithTimeout(ctx, requestTimeout)
			defer cancel()
			_, err := l.api.metadata.Resource(accountResource).Namespace(l.t.Namespace).Get(request, name, metav1.GetOptions{})
			switch {
			case apierrors.IsNotFound(err):
				l.mu.Lock()
				defer l.mu.Unlock()
				if l.out.NoAccounts == nil {
					l.out.NoAccounts = map[string]bool{}
				}
				l.out.NoAccounts[name] = true
			case err != nil && !apierrors.IsForbidden(err): // who may not look cannot tell
				return wrap("look for", render.ID{Kind: "ServiceAccount", Namespace: l.t.Namespace, Name: name}, err)
			}
			return nil
		})
	}
	return g.Wait()
}
