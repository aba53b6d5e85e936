package manifest

import (
	"path"
	"strings"
)

// sockets are those of container runtimes: who reaches one is root on the node.
var sockets = [...]string{
	"/run/docker.sock", "/run/containerd", "/run/crio", "/run/podman", "/run/cri-dockerd.sock", "/run/k3s/containerd",
	"/run/dockershim.sock", "/run/user", "/run/frakti.sock",
}

// reachesRuntime reports whether a folder of the node holds the socket of a
// container runtime, or is one.
func reachesRuntime(folder string) bool {
	if rest, ok := strings.CutPrefix(folder, "/var/run"); ok && (rest == "" || rest[0] == '/') {
		folder = "/run" + rest // the one is a link to the other
	}
	for _, socket := range sockets {
		if below(folder, socket) || below(socket, folder) {
			return true
		}
	}
	// A process of the node shows the node's files, and /var leads to /run.
	return below(folder, "/proc") || folder == "/var"
}

// below reports whether p is folder or in it; both are clean.
func below(p, folder string) bool {
	return p == folder || folder == "/" || strings.HasPrefix(p, folder+"/")
}

// hostFolder makes v a folder of a shared volume where the path lies in one (spec
// 3.6), else a folder of the node, if the operator allows it. Kind is the
// type of Kubernetes; empty: a folder that is made where it is missing.
func (r *reader) hostFolder(n *node, at place, host, kind string, s *service, out *Service, v *Volume) {
	clean := path.Clean(host)
	switch {
	case !strings.HasPrefix(host, "/") || strings.ContainsAny(host, ":\x00\n"):
		r.fault(n, at, "E-VALUE", "names no folder of the host", "write a path that starts with /")
		return
	case climbs(host):
		r.fault(n, at, "E-VALUE", "names a folder of the host with ..", "write the path itself")
		return
	case reachesRuntime(clean):
		r.fault(n, at, "E-POLICY-HOSTPATH", "reaches the container runtime of the node, which no application may", "remove it")
		return
	}
	if r.onShared(n, at, clean, s, v) {
		return
	}
	allowed := false
	for _, prefix := range r.o.Facts.Policy.HostPaths {
		allowed = allowed || strings.HasPrefix(prefix, "/") && below(clean, path.Clean(prefix))
	}
	if !allowed {
		r.fault(n, at, "E-POLICY-HOSTPATH", "mounts a folder of the host that the operator does not allow", "write {mount_path: …, persistent: {size: 10Gi}} or empty_dir: {}")
		return
	}
	if kind == "" {
		kind = "DirectoryOrCreate"
	}
	v.Source = map[string]any{"hostPath": map[string]any{"path": clean, "type": kind}}
}

// logsOf reads log_folder. A cluster collects what containers print; files stay
// where they are written (spec 2.16).
func (r *reader) logsOf(s *service, out *Service) {
	at := s.place.key("log_folder")
	text, ok := r.optional(s.logFolder, at, s)
	if !ok {
		return
	}
	errors := r.errors
	logs := &Logs{Path: r.mountPath(s.logFolder, at, text)}
	for _, v := range out.Mount.Volumes {
		if v.Path == logs.Path {
			r.fault(s.logFolder, at, "E-VALUE", "is the path of the volume of line %d", "choose another path, or remove one of the two", v.Pos.Line)
		}
	}
	if r.errors > errors {
		return
	}
	if prefix := r.o.Facts.Policy.LogPath; prefix != "" {
		logs.Host = path.Join(prefix, r.o.Namespace, s.name)
	} else {
		r.fault(s.logFolder, at, "W-LOG-EMPTYDIR", "is kept only as long as the pod, and collected by nobody", "log to standard output")
	}
	out.Mount.Logs = logs
}
