package manifest

import (
	"math"
	"slices"
	"strings"
)

// baseline are the capabilities that a container may add without reaching the
// node (Kubernetes, Pod Security Standards, profile Baseline).
var baseline = strings.Fields(`AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT`)

// securityOf reads security_context (spec 2.14).
func (r *reader) securityOf(s *service, out *Service) {
	at, raw, sec := s.place.key("security_context"), &s.security, &out.Pod.Security
	for _, f := range []struct {
		name string
		n    *node
		to   **int64
	}{{"run_as_user", raw.user, &sec.User}, {"run_as_group", raw.group, &sec.Group}, {"fs_group", raw.fsGroup, &sec.FSGroup}} {
		if f.n != nil {
			if v, ok := r.whole(f.n, at.key(f.name), 0, math.MaxInt32); ok {
				*f.to = &v
			}
		}
	}
	for i, item := range items(raw.groups) {
		if v, ok := r.whole(item, at.key("supplemental_groups").index(i), 0, math.MaxInt32); ok {
			sec.Groups = append(sec.Groups, v)
		}
	}
	privileged, where := raw.privileged, at.key("privileged")
	if privileged == nil {
		privileged, where = s.privileged, s.place.key("privileged")
	} else if s.privileged != nil {
		r.fault(s.privileged, s.place.key("privileged"), "W-NOT-APPLICABLE", "has no effect beside security_context.privileged", "remove it")
	}
	sec.NonRoot, sec.ReadOnly, sec.Escalate, sec.Privileged = choice(raw.nonRoot), choice(raw.readOnly), choice(raw.escalation), choice(privileged)
	if is(sec.Privileged) {
		r.allowed(privileged, where, "asks for all of the node")
	}
	for _, f := range []struct {
		name, what string
		n          *node
		to         *bool
	}{
		{"host_network", "asks for the network of the node", raw.network, &sec.HostNetwork},
		{"host_pid", "asks for the processes of the node", raw.pid, &sec.HostPID},
		{"host_ipc", "asks for the memory of the node", raw.ipc, &sec.HostIPC},
	} {
		if *f.to, _ = boolean(f.n); *f.to {
			r.allowed(f.n, at.key(f.name), f.what)
		}
	}
	sec.AddCapabilities = r.capabilities(raw.capabilitiesAdd, at.key("capabilities").key("add"), s, false)
	sec.DropCapabilities = r.capabilities(raw.capabilitiesDrop, at.key("capabilities").key("drop"), s, true)
	r.seccompOf(s, out, at.key("seccomp_profile"))
	if raw.fsGroupChange != nil {
		sec.FSGroupChange = raw.fsGroupChange.text
	}
	sec.UserName, _ = r.optional(raw.userName, at.key("run_as_user_name"), s)
	if is(sec.NonRoot) && sec.User != nil && *sec.User == 0 {
		r.fault(raw.nonRoot, at.key("run_as_non_root"), "E-VALUE", "forbids the user 0 that run_as_user asks for", "change one of the two")
	}
	if sec.Escalate != nil && !*sec.Escalate {
		if is(sec.Privileged) || slices.Contains(sec.AddCapabilities, "SYS_ADMIN") {
			r.fault(raw.escalation, at.key("allow_privilege_escalation"), "E-VALUE", "cannot be false for a container with all rights", "remove privileged and SYS_ADMIN, or this")
		}
	}
}

// capabilities reads names, with or without CAP_. To drop is free; to add one
// that reaches the node is for the operator to allow.
func (r *reader) capabilities(n *node, at place, s *service, drop bool) []string {
	var out []string
	for i, item := range items(n) {
		p := at.index(i)
		text, ok := r.textOf(item, p, s)
		if !ok {
			continue
		}
		name := strings.TrimPrefix(strings.ToUpper(text), "CAP_")
		if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") != "" {
			r.fault(item, p, "E-VALUE", "is not the name of a capability", "write NET_BIND_SERVICE or another name of capabilities(7)")
			continue
		}
		if !drop && !slices.Contains(baseline, name) && !r.allowed(item, p, "asks for a right over the node") {
			continue
		}
		out = append(out, name)
	}
	return out
}

// seccompOf reads seccomp_profile.
func (r *reader) seccompOf(s *service, out *Service, at place) {
	text, ok := r.optional(s.security.seccomp, at, s)
	if !ok {
		return
	}
	path, local := strings.CutPrefix(text, "localhost/")
	switch {
	case text == "runtime_default":
		out.Pod.Security.Seccomp = "RuntimeDefault"
	case text == "unconfined":
		if r.allowed(s.security.seccomp, at, "asks for all system calls") {
			out.Pod.Security.Seccomp = "Unconfined"
		}
	case local && path != "" && path[0] != '/' && !slices.Contains(strings.Split(path, "/"), ".."):
		out.Pod.Security.Seccomp = text
	default:
		r.fault(s.security.seccomp, at, "E-VALUE", "is not a profile", "write runtime_default, unconfined or localhost/<path>")
	}
}

// choice is a boolean that may be missing.
func choice(n *node) *bool {
	v, ok := boolean(n)
	if !ok {
		return nil
	}
	return &v
}

func is(b *bool) bool { return b != nil && *b }
