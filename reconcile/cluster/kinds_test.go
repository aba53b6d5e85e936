package cluster

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"

	"rondo.dev/rondo/render"
)

// core and groups are what an API server of 1.36 tells, cut to the fields that matter.
const (
	core = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[{"metadata":{},"versions":[{"version":"v1","freshness":"Current","resources":[
{"resource":"configmaps","responseKind":{"group":"","version":"v1","kind":"ConfigMap"},"scope":"Namespaced","verbs":["get"],
 "subresources":[{"subresource":"scale","responseKind":{"kind":"Scale"}}]},
{"resource":"nodes","responseKind":{"group":"","version":"v1","kind":"Node"},"scope":"Cluster"}]}]}]}`
	groups = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","items":[
{"metadata":{"name":"autoscaling"},"versions":[
 {"version":"v2","freshness":"Current","resources":[{"resource":"horizontalpodautoscalers","responseKind":{"kind":"HorizontalPodAutoscaler"},"scope":"Namespaced"}]},
 {"version":"v1","freshness":"Current","resources":[{"resource":"horizontalpodautoscalers","responseKind":{"kind":"HorizontalPodAutoscaler"},"scope":"Namespaced"}]}]},
{"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}]}`
)

func TestKindsAreFoundAsTheAPIServerTells(t *testing.T) {
	asked, later := 0, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "as=APIGroupDiscoveryList") {
			t.Errorf("GET %s accepts %s", r.URL.Path, r.Header.Get("Accept"))
		}
		answer := core
		if r.URL.Path == "/apis" {
			asked++
			answer = strings.TrimSuffix(groups, "]}") + later + "]}"
		}
		if _, err := w.Write([]byte(answer)); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	k := &kinds{api: &clients{config: &rest.Config{Host: server.URL}, ownHTTP: server.Client()}}
	now := time.Now()
	for _, tc := range []struct {
		id      render.ID
		version string
		want    string // path of the resource; empty: nothing serves the kind
		scope   bool   // namespaced
		asked   int    // times that all groups were asked for, by then
	}{
		{render.ID{Kind: "ConfigMap"}, "", "/v1, Resource=configmaps", true, 1},
		{render.ID{Kind: "Node"}, "v1", "/v1, Resource=nodes", false, 1},
		{render.ID{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, "", "autoscaling/v2, Resource=horizontalpodautoscalers", true, 1},
		{render.ID{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, "v1", "autoscaling/v1, Resource=horizontalpodautoscalers", true, 1},
		{render.ID{Kind: "Scale"}, "", "", false, 2}, // a subresource is no object
		{render.ID{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, "v2beta2", "", false, 2},
		{render.ID{Group: "keda.sh", Kind: "ScaledObject"}, "v1alpha1", "", false, 2}, // too early to ask again
	} {
		r, err := k.find(tc.id, tc.version, now)
		switch {
		case tc.want == "" && !meta.IsNoMatchError(err):
			t.Errorf("%v %s: %+v, %v; want no match", tc.id, tc.version, r, err)
		case tc.want != "" && (err != nil || r.gvr.String() != tc.want || r.namespaced != tc.scope || r.gvk.Kind != tc.id.Kind):
			t.Errorf("%v %s: %v, namespaced %t, %v", tc.id, tc.version, r.gvr, r.namespaced, err)
		}
		if asked != tc.asked {
			t.Errorf("%v %s: asked %d times, want %d", tc.id, tc.version, asked, tc.asked)
		}
	}

	// An object whose server is down for a while has not lost its kind.
	_, err := k.find(render.ID{Group: "metrics.k8s.io", Kind: "PodMetrics"}, "", now)
	if err == nil || meta.IsNoMatchError(err) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a kind of a stale group: %v", err)
	}

	later = `,{"metadata":{"name":"keda.sh"},"versions":[{"version":"v1alpha1","freshness":"Current","resources":[{"resource":"scaledobjects","responseKind":{"kind":"ScaledObject"},"scope":"Namespaced"}]}]}`
	if _, err := k.find(render.ID{Group: "keda.sh", Kind: "ScaledObject"}, "", now.Add(rediscover)); err != nil {
		t.Errorf("a kind that was installed since: %v", err)
	}
}

func TestAnAPIServerThatCannotTellAllAtOnceIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"kind":"APIVersions","versions":["v1"]}`))
	}))
	defer server.Close()
	k := &kinds{api: &clients{config: &rest.Config{Host: server.URL}, ownHTTP: server.Client()}}
	if _, err := k.find(render.ID{Kind: "ConfigMap"}, "", time.Now()); err == nil || !strings.Contains(err.Error(), "needs Kubernetes 1.30 or newer") {
		t.Errorf("find: %v", err)
	}
}
