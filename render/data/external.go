package data

import (
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// external makes what lets services of the namespace reach a database that runs
// elsewhere; nothing where the manifest names no host.
func external(db manifest.Database, namespace string) ([]render.Object, []render.Problem) {
	if db.Host == "" {
		return nil, nil
	}
	names := []string{Name(db)}
	if db.Root {
		names = append(names, db.Engine)
	}
	var objects []render.Object
	addr, err := netip.ParseAddr(db.Host)
	if err != nil {
		if why := reject(db.Host, namespace); why != "" {
			return nil, []render.Problem{refused(db, why, "name a host outside the cluster")}
		}
		for _, name := range names {
			objects = append(objects, object("v1", "Service", name, map[string]any{
				"spec": map[string]any{"type": "ExternalName", "externalName": strings.ToLower(db.Host)}}))
		}
		return objects, nil
	}
	if addr = addr.Unmap(); addr.Zone() != "" || addr.IsUnspecified() || addr.IsLoopback() ||
		addr.IsLinkLocalUnicast() || addr.IsMulticast() {
		return nil, []render.Problem{refused(db, "is an address of this machine or link only", "name an address that other machines have")}
	}
	family := "IPv4"
	if addr.Is6() {
		family = "IPv6"
	}
	for _, name := range names {
		// The family cannot be changed later, so another one is another object.
		slice := object("discovery.k8s.io/v1", "EndpointSlice", render.Name(name, strings.ToLower(family)), map[string]any{
			"addressType": family,
			"endpoints":   []any{map[string]any{"addresses": []any{addr.String()}, "conditions": map[string]any{"ready": true}}},
			"ports":       []any{port(db)},
		})
		slice.Body["metadata"].(map[string]any)["labels"] = map[string]any{
			"kubernetes.io/service-name":             name,
			"endpointslice.kubernetes.io/managed-by": render.ManagedBy,
		}
		objects = append(objects, slice, object("v1", "Service", name, map[string]any{
			"spec": map[string]any{"clusterIP": "None", "ports": []any{port(db)}}}))
	}
	return objects, nil
}

// reject says why host is not fit for an ExternalName Service; empty if it is.
func reject(host, namespace string) string {
	name := strings.TrimSuffix(strings.ToLower(host), ".")
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return "is neither a DNS name nor an IP address"
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		// <service>.<namespace>.svc, with or without the cluster's domain.
		if label == "svc" && i >= 2 && labels[i-1] != namespace {
			return "leads into another namespace"
		}
	}
	if name == "localhost" {
		return "is every machine's own name"
	}
	return ""
}

func refused(db manifest.Database, why, fix string) render.Problem {
	return render.Problem{Pos: db.Pos, Code: "E-VALUE", What: fmt.Sprintf("host of database %s.%s %s", db.Engine, db.Group, why), Fix: fix}
}

func port(db manifest.Database) map[string]any {
	return map[string]any{"name": db.Engine, "port": int64(db.Port), "protocol": "TCP"}
}
