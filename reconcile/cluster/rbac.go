package cluster

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
)

// OwnRules are what rondo's own ClusterRole grants; role is the one ClusterRole
// that it may bind to the accounts of applications. The Lease is not in it: a
// Role in rondo's own namespace grants that, see [LeaseRules].
func OwnRules(role string) []rbacv1.PolicyRule {
	watch := []string{"list", "watch"}
	once := []string{"get", "create"}
	return []rbacv1.PolicyRule{
		// Metadata and health of objects that bear the label rondo.dev/app. Secrets
		// are left out on purpose.
		{APIGroups: []string{""}, Resources: []string{"configmaps", "services", "persistentvolumeclaims", "serviceaccounts"}, Verbs: watch},
		{APIGroups: []string{"apps"}, Resources: []string{"deployments", "statefulsets", "daemonsets"}, Verbs: watch},
		{APIGroups: []string{"batch"}, Resources: []string{"jobs", "cronjobs"}, Verbs: watch},
		{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses", "networkpolicies"}, Verbs: watch},
		{APIGroups: []string{"policy"}, Resources: []string{"poddisruptionbudgets"}, Verbs: watch},
		{APIGroups: []string{"autoscaling"}, Resources: []string{"horizontalpodautoscalers"}, Verbs: watch},
		{APIGroups: []string{"keda.sh"}, Resources: []string{"scaledobjects"}, Verbs: watch},           // where there is KEDA
		{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: watch}, // external databases by address
		{APIGroups: []string{"postgresql.cnpg.io"}, Resources: []string{"clusters"}, Verbs: watch},     // databases that an operator runs
		// The default IngressClass and the names of the nodes, facts of rendering.
		{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingressclasses"}, Verbs: []string{"list"}},
		{APIGroups: []string{""}, Resources: []string{"nodes"}, Verbs: []string{"list"}},
		// The place of an application, when it is missing.
		{APIGroups: []string{""}, Resources: []string{"namespaces", "serviceaccounts"}, Verbs: once},
		{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"rolebindings"}, Verbs: once},
		{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, ResourceNames: []string{role}, Verbs: []string{"bind"}},
		// Everything else is done as the application.
		{APIGroups: []string{""}, Resources: []string{"serviceaccounts"}, Verbs: []string{"impersonate"}},
	}
}

// LeaseRules are what rondo needs in its own namespace.
func LeaseRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"}},
	}
}

// ApplicationRules are what the ClusterRole of applications grants in their
// namespaces: the kinds that rondo renders, and what health and score read.
func ApplicationRules() []rbacv1.PolicyRule {
	write := []string{"get", "create", "patch", "delete"}
	list := []string{"list"}
	return []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: append(slices.Clone(write), "list")}, // the inventory is found by label
		{APIGroups: []string{""}, Resources: []string{"secrets", "services", "persistentvolumeclaims", "serviceaccounts"}, Verbs: write},
		{APIGroups: []string{"apps"}, Resources: []string{"deployments", "statefulsets", "daemonsets"}, Verbs: write},
		{APIGroups: []string{"batch"}, Resources: []string{"jobs", "cronjobs"}, Verbs: write},
		{APIGroups: []string{"networking.k8s.io"}, Resources: []string{"ingresses", "networkpolicies"}, Verbs: write},
		{APIGroups: []string{"policy"}, Resources: []string{"poddisruptionbudgets"}, Verbs: write},
		{APIGroups: []string{"autoscaling"}, Resources: []string{"horizontalpodautoscalers"}, Verbs: write},
		{APIGroups: []string{"postgresql.cnpg.io"}, Resources: []string{"clusters"}, Verbs: write},
		{APIGroups: []string{"keda.sh"}, Resources: []string{"scaledobjects"}, Verbs: write},
		{APIGroups: []string{""}, Resources: []string{"pods", "events"}, Verbs: list},
		{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: append(slices.Clone(write), "list")}, // the score counts them
	}
}

// Call is one kind of request, as the API server's audit log has it.
type Call struct{ Verb, Group, Resource string }

// OwnCalls is the table of all that rondo's own identity may ask of objects;
// besides it asks for /version and for discovery, which everybody may.
func OwnCalls() []Call {
	var calls []Call
	for _, rule := range append(OwnRules(""), LeaseRules()...) {
		for _, verb := range rule.Verbs {
			if verb == "bind" || verb == "impersonate" {
				continue // rights, not requests
			}
			for _, resource := range rule.Resources {
				calls = append(calls, Call{verb, rule.APIGroups[0], resource})
			}
		}
	}
	return calls
}
