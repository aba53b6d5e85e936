package plan

import (
	"fmt"
	"strings"
)

// mergeKeys gives the keys that identify the items of the list called name, and
// where each stands in live; nil when it has none and is compared as a whole. The table is that of the
// "x-kubernetes-list-map-keys" in Kubernetes' OpenAPI description, by the name
// of the field; a list is only taken for one of them when all items fit.
func mergeKeys(name string, want, live []any) (keys []string, places map[string]int) {
	var candidates [][]string
	switch name {
	case "containers", "initContainers", "ephemeralContainers", "env", "volumes", "imagePullSecrets",
		"secrets", "schedulingGates", "resourceClaims", "listeners", "webhooks":
		candidates = [][]string{{"name"}}
	case "ports":
		candidates = [][]string{{"containerPort", "protocol"}, {"port", "protocol"}}
	case "volumeMounts":
		candidates = [][]string{{"mountPath"}}
	case "volumeDevices":
		candidates = [][]string{{"devicePath"}}
	case "topologySpreadConstraints":
		candidates = [][]string{{"topologyKey", "whenUnsatisfiable"}}
	case "hostAliases":
		candidates = [][]string{{"ip"}}
	case "ownerReferences":
		candidates = [][]string{{"uid"}}
	case "conditions":
		candidates = [][]string{{"type"}}
	}
	for _, keys := range candidates {
		if _, ok := index(want, keys); !ok {
			continue
		}
		if places, ok := index(live, keys); ok {
			return keys, places
		}
	}
	return nil, nil
}

// index gives the place of every item by its identity; not ok when an item
// has none, or two have the same.
func index(items []any, keys []string) (places map[string]int, ok bool) {
	places = make(map[string]int, len(items))
	for i, item := range items {
		m, _ := item.(map[string]any)
		id, ok := identity(m, keys)
		if _, seen := places[id]; !ok || seen {
			return nil, false
		}
		places[id] = i
	}
	return places, true
}

func identity(item map[string]any, keys []string) (string, bool) {
	var b strings.Builder
	for _, key := range keys {
		v, ok := item[key]
		if !ok {
			if key != "protocol" {
				return "", false
			}
			v = "TCP" // the API server's default
		}
		if n, ok := number(v); ok {
			v = n
		}
		fmt.Fprintf(&b, "%v\x00", v)
	}
	return b.String(), true
}

// itemLabel names an item for people: "web", or "8080" for a TCP port.
func itemLabel(item any, keys []string) string {
	m, _ := item.(map[string]any)
	var parts []string
	for _, key := range keys {
		if v, ok := m[key]; ok && v != "TCP" {
			parts = append(parts, fmt.Sprint(v))
		}
	}
	return strings.Join(parts, "/")
}
