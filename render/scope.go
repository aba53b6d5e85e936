package render

import "slices"

// clusterKinds are the kinds of Kubernetes 1.36 that have no namespace, by
// group. Kinds of custom resources are not known; the API server refuses those
// that have none.
var clusterKinds = map[string][]string{
	"":                             {"Namespace", "Node", "PersistentVolume"},
	"admissionregistration.k8s.io": {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"gateway.networking.k8s.io":    {"GatewayClass"},
	"networking.k8s.io":            {"IngressClass", "IPAddress", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"resource.k8s.io":              {"DeviceClass", "DeviceTaintRule", "ResourceSlice"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"storage.k8s.io":               {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
}

// clusterScoped reports whether objects of the kind belong to the whole cluster.
// An application may not have any: its rights, and what it may delete, end at its
// namespace (design 7).
func clusterScoped(group, kind string) bool { return slices.Contains(clusterKinds[group], kind) }

// scopeFix is what to do instead.
func scopeFix(kind string) string {
	switch kind {
	case "Namespace":
		return "remove it; rondo makes the namespace of rondo.yaml"
	case "ClusterRole":
		return "write a Role"
	case "ClusterRoleBinding":
		return "write a RoleBinding"
	default:
		return "remove it; whoever runs the cluster installs it"
	}
}
