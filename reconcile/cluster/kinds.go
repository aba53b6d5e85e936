package cluster

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/restmapper"

	"rondo.dev/rondo/render"
)

// rediscover is how old discovery must be before a kind that it lacks makes us
// ask again; a manifest that names a kind that does not exist costs no more.
const rediscover = 10 * time.Second

// kinds knows which resource serves a kind.
type kinds struct {
	mapper *restmapper.DeferredDiscoveryRESTMapper

	mu    sync.Mutex
	asked time.Time
}

func newKinds(c *clients) (*kinds, error) {
	d, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.ownHTTP)
	if err != nil {
		return nil, err
	}
	return &kinds{mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d))}, nil
}

// resource is how a kind is addressed.
type resource struct {
	gvr        schema.GroupVersionResource
	gvk        schema.GroupVersionKind
	namespaced bool
}

var configMaps = resource{
	gvr:        schema.GroupVersionResource{Version: "v1", Resource: "configmaps"},
	gvk:        schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"},
	namespaced: true,
}

// find asks discovery, again if it does not know the kind.
func (k *kinds) find(id render.ID, version string, now time.Time) (resource, error) {
	gk := schema.GroupKind{Group: id.Group, Kind: id.Kind}
	mapping, err := k.mapper.RESTMapping(gk, version)
	if meta.IsNoMatchError(err) && k.mayAskAgain(now) {
		k.mapper.Reset()
		mapping, err = k.mapper.RESTMapping(gk, version)
	}
	if err != nil {
		return resource{}, fmt.Errorf("look up the kind %s: %w", id.Kind, err)
	}
	return resource{gvr: mapping.Resource, gvk: mapping.GroupVersionKind, namespaced: mapping.Scope.Name() == meta.RESTScopeNameNamespace}, nil
}

func (k *kinds) mayAskAgain(now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.asked) < rediscover {
		return false
	}
	k.asked = now
	return true
}

// objects is the dynamic client for the resource, in the namespace of id.
func (api client) objects(r resource, namespace string) dynamic.ResourceInterface {
	if r.namespaced {
		return api.dynamic.Resource(r.gvr).Namespace(namespace)
	}
	return api.dynamic.Resource(r.gvr)
}

// meta is the same for metadata alone.
func (api client) meta(r resource, namespace string) metadata.ResourceInterface {
	if r.namespaced {
		return api.metadata.Resource(r.gvr).Namespace(namespace)
	}
	return api.metadata.Resource(r.gvr)
}

// hasHealth reports whether a kind is watched for its status: what package
// health can say more of than that it exists.
func hasHealth(gk schema.GroupKind) bool {
	switch gk {
	case schema.GroupKind{Group: "apps", Kind: "Deployment"},
		schema.GroupKind{Group: "apps", Kind: "StatefulSet"},
		schema.GroupKind{Group: "apps", Kind: "DaemonSet"},
		schema.GroupKind{Group: "batch", Kind: "Job"},
		schema.GroupKind{Kind: "PersistentVolumeClaim"}:
		return true
	}
	return false
}

// isSecret: never watched, and errors about it tell no more than fields.
func isSecret(id render.ID) bool { return id.Group == "" && id.Kind == "Secret" }
