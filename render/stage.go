package render

import "fmt"

// Stage orders kinds: everything of one stage is applied, in parallel, before
// the next begins (design 3.8). Prune comes after the last.
type Stage int

const (
	StageCluster  Stage = iota // namespaces and CRDs
	StagePolicy                // quotas, service accounts, roles, network policies
	StageConfig                // ConfigMaps, Secrets
	StageData                  // StatefulSets, PVCs, and the Services in front of databases
	StageCommand               // Jobs that a deployment waits for before workloads change
	StageWorkload              // Deployments, DaemonSets, Jobs, Services, budgets
	StageRoute                 // Ingresses, Gateway routes
	StageAfter                 // Jobs that a deployment waits for at its end
)

var stageNames = [...]string{"cluster", "policy", "config", "data", "command", "workload", "route", "after"}

func (s Stage) String() string {
	if s < 0 || int(s) >= len(stageNames) {
		return fmt.Sprintf("stage(%d)", int(s))
	}
	return stageNames[s]
}

// StageOf is the stage of a kind; kinds it does not know are workloads.
func StageOf(group, kind string) Stage {
	switch kind {
	case "Namespace", "CustomResourceDefinition":
		return StageCluster
	case "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding",
		"ResourceQuota", "LimitRange", "NetworkPolicy", "PriorityClass", "StorageClass":
		return StagePolicy
	case "ConfigMap", "Secret":
		return StageConfig
	case "StatefulSet", "PersistentVolumeClaim", "PersistentVolume", "EndpointSlice":
		return StageData
	case "Ingress", "IngressClass", "Gateway", "HTTPRoute", "TCPRoute", "TLSRoute", "GRPCRoute":
		return StageRoute
	default:
		return StageWorkload
	}
}
