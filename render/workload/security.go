package workload

import (
	"strings"

	"rondo.dev/rondo/render/manifest"
)

// secure gives a Pod and its container the rights that svc asks for (spec 2.14).
// What is not written stays unset.
func secure(svc manifest.Service, pod, c map[string]any) {
	sec := svc.Pod.Security
	all, one := make(map[string]any), make(map[string]any)
	for field, n := range map[string]*int64{"runAsUser": sec.User, "runAsGroup": sec.Group, "fsGroup": sec.FSGroup} {
		if n != nil {
			all[field] = *n
		}
	}
	if len(sec.Groups) > 0 {
		all["supplementalGroups"] = list(sec.Groups)
	}
	if sec.NonRoot != nil {
		all["runAsNonRoot"] = *sec.NonRoot
	}
	if sec.FSGroupChange != "" {
		all["fsGroupChangePolicy"] = sec.FSGroupChange
	}
	if path, local := strings.CutPrefix(sec.Seccomp, "localhost/"); local {
		all["seccompProfile"] = map[string]any{"type": "Localhost", "localhostProfile": path}
	} else if sec.Seccomp != "" {
		all["seccompProfile"] = map[string]any{"type": sec.Seccomp}
	}
	if sec.UserName != "" {
		all["windowsOptions"] = map[string]any{"runAsUserName": sec.UserName}
	}
	for field, b := range map[string]*bool{
		"privileged": sec.Privileged, "readOnlyRootFilesystem": sec.ReadOnly, "allowPrivilegeEscalation": sec.Escalate,
	} {
		if b != nil {
			one[field] = *b
		}
	}
	capabilities := make(map[string]any)
	for field, names := range map[string][]string{"add": sec.AddCapabilities, "drop": sec.DropCapabilities} {
		if len(names) > 0 {
			capabilities[field] = list(names)
		}
	}
	if len(capabilities) > 0 {
		one["capabilities"] = capabilities
	}
	if len(all) > 0 {
		pod["securityContext"] = all
	}
	if len(one) > 0 {
		c["securityContext"] = one
	}
	for field, on := range map[string]bool{"hostNetwork": sec.HostNetwork, "hostPID": sec.HostPID, "hostIPC": sec.HostIPC} {
		if on {
			pod[field] = true
		}
	}
	if sec.HostNetwork {
		pod["dnsPolicy"] = "ClusterFirstWithHostNet" // else it would have the DNS of the node
	}
}
