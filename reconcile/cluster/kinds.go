package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"rondo.dev/rondo/render"
)

// rediscover is how old discovery must be before a kind that it lacks makes us
// ask again; a manifest that names a kind that does not exist costs no more.
const rediscover = 10 * time.Second

// maxDiscovery bounds what the API server tells of its kinds, in bytes. A
// cluster with 2,000 custom kinds takes about 1 MiB.
const maxDiscovery = 64 << 20

// kinds knows which resource serves a kind. It asks with two requests and keeps
// the little that is needed; client-go's discovery asks for more, and links all
// kinds of Kubernetes into every start of the program.
type kinds struct {
	api *clients

	mu    sync.Mutex
	asked time.Time // when discovery was asked again for a kind that it lacked
	known map[schema.GroupKind][]resource
	stale map[string]bool // groups whose own API server did not answer
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

// find asks discovery, again if it does not know the kind. Without a version it
// is the one that the API server prefers. A kind that nothing serves is a
// [meta.NoKindMatchError].
func (k *kinds) find(id render.ID, version string, now time.Time) (resource, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	gk := schema.GroupKind{Group: id.Group, Kind: id.Kind}
	r, ok := k.lookUp(gk, version)
	if !ok && (k.known == nil || now.Sub(k.asked) >= rediscover) {
		if k.known != nil {
			k.asked = now
		}
		if err := k.discover(); err != nil {
			return resource{}, fmt.Errorf("look up the kind %s: %w", id.Kind, err)
		}
		r, ok = k.lookUp(gk, version)
	}
	switch {
	case ok:
		return r, nil
	case k.stale[id.Group]:
		return resource{}, fmt.Errorf("look up the kind %s: what serves %s does not answer; see kubectl get apiservices", id.Kind, id.Group)
	}
	return resource{}, fmt.Errorf("look up the kind %s: %w", id.Kind, &meta.NoKindMatchError{GroupKind: gk, SearchedVersions: versions(version)})
}

func versions(version string) []string {
	if version == "" {
		return nil
	}
	return []string{version}
}

func (k *kinds) lookUp(gk schema.GroupKind, version string) (resource, bool) {
	for _, r := range k.known[gk] {
		if version == "" || r.gvk.Version == version {
			return r, true
		}
	}
	return resource{}, false
}

// discovered is what we read of an APIGroupDiscoveryList of
// apidiscovery.k8s.io/v2, which Kubernetes serves since 1.30. Versions come in
// the order of preference.
type discovered struct {
	Kind  string
	Items []struct {
		Metadata struct{ Name string }
		Versions []struct {
			Version, Freshness string
			Resources          []struct {
				Resource, Scope string
				ResponseKind    struct{ Kind string }
			}
		}
	}
}

func (k *kinds) discover() error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	known, stale := map[schema.GroupKind][]resource{}, map[string]bool{}
	for _, path := range [...]string{"api", "apis"} { // v1, and all groups
		var list discovered
		if _, err := k.api.get(ctx, path, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", maxDiscovery, &list); err != nil {
			return err
		}
		if list.Kind != "APIGroupDiscoveryList" {
			return fmt.Errorf("GET /%s: the API server answers with %q; rondo needs Kubernetes 1.30 or newer", path, list.Kind)
		}
		for _, group := range list.Items {
			for _, v := range group.Versions {
				if v.Freshness == "Stale" {
					stale[group.Metadata.Name] = true
				}
				for _, r := range v.Resources {
					gk := schema.GroupKind{Group: group.Metadata.Name, Kind: r.ResponseKind.Kind}
					known[gk] = append(known[gk], resource{
						gvr:        schema.GroupVersionResource{Group: gk.Group, Version: v.Version, Resource: r.Resource},
						gvk:        gk.WithVersion(v.Version),
						namespaced: r.Scope == "Namespaced",
					})
				}
			}
		}
	}
	k.known, k.stale = known, stale
	return nil
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
		schema.GroupKind{Kind: "PersistentVolumeClaim"},
		schema.GroupKind{Group: "postgresql.cnpg.io", Kind: "Cluster"}:
		return true
	}
	return false
}

// isSecret: never watched, and errors about it tell no more than fields.
func isSecret(id render.ID) bool { return id.Group == "" && id.Kind == "Secret" }
