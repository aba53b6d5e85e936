package manifest

import (
	"path"
	"slices"
	"strings"
)

// Access modes of claims.
const (
	modeOne         = "ReadWriteOnce"
	modeSharedRead  = "ReadOnlyMany"
	modeSharedWrite = "ReadWriteMany"
	modeOnePod      = "ReadWriteOncePod"
)

// Names of the volumes that nobody writes.
const (
	VolumeLogs    = "log-folder"
	VolumeSecrets = "secret-files"
)

// mountOf reads what s mounts (spec 2.16). Its kind and rights are known by now.
func (r *reader) mountOf(s *service, out *Service) {
	at := s.place.key("volumes")
	for i, item := range r.volumeItems(s.volumes, at, s) {
		v := Volume{Pos: item.node.pos, Name: "v" + itoa(i)}
		errors := r.errors
		if item.node.shape == Mapping {
			r.volume(item.node, item.place, s, out, &v)
		} else {
			r.shortVolume(item, s, out, &v)
		}
		if r.errors > errors {
			continue
		}
		r.checkVolume(item, out, v)
		out.Mount.Volumes = append(out.Mount.Volumes, v)
		out.Pod.Persistent = out.Pod.Persistent || v.Claim != nil || v.Shared != ""
		if v.Claim != nil {
			out.Pod.Exclusive = out.Pod.Exclusive || v.Claim.Exclusive()
		}
	}
	r.logsOf(s, out)
}

// volumeItem is one entry of volumes; Text is that of the short form, with its
// references resolved.
type volumeItem struct {
	node  *node
	place place
	text  string
}

// volumeItems takes a list, one mapping, or one text with commas.
func (r *reader) volumeItems(n *node, at place, s *service) []volumeItem {
	var out []volumeItem
	for i, item := range items(n) {
		p := at
		if n.shape == List {
			p = at.index(i)
		}
		switch item.shape {
		case Mapping:
			out = append(out, volumeItem{item, p, ""})
		case List:
			r.fault(item, p, "E-TYPE", "is a list, not a volume", "write HOST:CONTAINER or a mapping")
		default:
			text, ok := r.textOf(item, p, s)
			if !ok {
				continue
			}
			for part := range strings.SplitSeq(text, ",") {
				// A mode may stand after a comma as well: /a:/b:ro,z
				if part = strings.TrimSpace(part); isMode(part) && len(out) > 0 && out[len(out)-1].node == item {
					out[len(out)-1].text += ":" + part
					continue
				}
				out = append(out, volumeItem{item, p, part})
			}
		}
	}
	return out
}

func isMode(s string) bool { return slices.Contains([]string{"ro", "rw", "z", "Z"}, s) }

// shortVolume reads HOST:CONTAINER[:ro|rw].
func (r *reader) shortVolume(item volumeItem, s *service, out *Service, v *Volume) {
	parts := strings.Split(item.text, ":")
	if len(parts) < 2 {
		r.fault(item.node, item.place, "E-VALUE", "is not HOST:CONTAINER", "write both, or {mount_path: …, empty_dir: {}} for a folder that goes with the pod")
		return
	}
	for _, mode := range parts[2:] {
		switch mode {
		case "ro":
			v.ReadOnly = true
		case "rw":
		case "z", "Z":
			r.fault(item.node, item.place, "W-NOT-APPLICABLE", "asks for a label of SELinux, which has no meaning here", "remove :"+mode)
		default:
			r.fault(item.node, item.place, "E-VALUE", "has a mode that does not exist", "write ro or rw after the second colon")
		}
	}
	v.Path = r.mountPath(item.node, item.place, parts[1])
	host := parts[0]
	if !strings.HasPrefix(host, "/") {
		r.fault(item.node, item.place, "E-VALUE", "names no folder of the host", "start it with /, or write {mount_path: …, persistent: {size: 10Gi}}")
		return
	}
	r.hostFolder(item.node, item.place, host, "", s, out, v)
}

// volume reads the form with keys.
func (r *reader) volume(n *node, at place, s *service, out *Service, v *Volume) {
	var raw rawVolume
	r.walk(n, at, raw.options())
	if name, ok := r.optional(raw.name, at.key("name"), s); ok {
		if v.Name = name; !validLabelName(name) {
			r.fault(raw.name, at.key("name"), "E-VALUE", "is no name of a volume", "use lower-case letters, digits and -; at most 63")
		}
	}
	if text, ok := r.optional(raw.path, at.key("mount_path"), s); ok {
		v.Path = r.mountPath(raw.path, at.key("mount_path"), text)
	} else if raw.path == nil {
		r.fault(n, at, "E-VALUE", "has no mount_path", "add mount_path:")
	}
	v.ReadOnly, _ = boolean(raw.readOnly)
	v.SubPath = r.inside(raw.subPath, at.key("sub_path"), s)
	v.SubPathExpr = r.inside(raw.subPathExpr, at.key("sub_path_expr"), s)
	if v.SubPath != "" && v.SubPathExpr != "" {
		r.fault(raw.subPathExpr, at, "E-VALUE", "has sub_path and sub_path_expr", "keep one of the two")
	}
	if raw.propagation != nil && raw.propagation.text != "None" {
		v.Propagation = raw.propagation.text
		if p := out.Pod.Security.Privileged; v.Propagation == "Bidirectional" && (p == nil || !*p) {
			r.fault(raw.propagation, at.key("mount_propagation"), "E-VALUE", "needs a privileged container", "write HostToContainer, or set privileged")
		}
	}
	found := 0
	if raw.persistent != nil {
		found++
		v.Claim = r.claim(raw.persistent, at.key("persistent"), s, out)
	}
	for i, source := range volumeSources() {
		if body := raw.sources[i]; body != nil {
			found++
			r.sourceOf(source, body, at.key(source.name), s, out, v)
		}
	}
	for _, source := range volumeSources() {
		if body := n.get(source.name); found == 0 && body.isNull() && body != nil { // empty_dir: without a value
			found++
			r.sourceOf(source, &node{pos: body.pos, shape: Mapping}, at.key(source.name), s, out, v)
		}
	}
	switch {
	case found == 0:
		r.fault(n, at, "E-VALUE", "does not say what is mounted", "add persistent: {size: …}, empty_dir: {} or another source")
	case found > 1:
		r.fault(n, at, "E-VALUE", "says %d times what is mounted", "keep one source", found)
	}
}

// sourceOf reads a volume source of Kubernetes, or files.
func (r *reader) sourceOf(source volumeSource, n *node, at place, s *service, out *Service, v *Volume) {
	if n.get("from") != nil && (source.name == "secret" || source.name == "config_map") {
		v.Files = r.filesOf(n, at, source.name == "secret", s)
		return
	}
	body, ok := r.words(n, source.field, at, s)
	if !ok {
		return
	}
	if source.name == "host_path" {
		host := body.(map[string]any)
		kind, _ := host["type"].(string)
		r.hostFolder(n, at, host["path"].(string), kind, s, out, v)
		return
	}
	v.Source = map[string]any{source.json: body}
}

// mountPath checks the place in the container.
func (r *reader) mountPath(n *node, at place, text string) string {
	clean := path.Clean(text)
	switch {
	case !strings.HasPrefix(text, "/"), strings.ContainsAny(text, ":\x00\n"):
		r.fault(n, at, "E-VALUE", "mounts at no absolute path of the container", "write a path that starts with /, without a colon")
	case climbs(text):
		r.fault(n, at, "E-VALUE", "mounts at a path with ..", "write the path itself")
	case clean == "/":
		r.fault(n, at, "E-VALUE", "would replace all files of the container", "mount it at a folder")
	}
	return clean
}

// inside checks a path within a volume.
func (r *reader) inside(n *node, at place, s *service) string {
	text, ok := r.optional(n, at, s)
	if ok && (strings.HasPrefix(text, "/") || climbs(text) || text == "" || strings.ContainsAny(text, "\x00\n")) {
		r.fault(n, at, "E-VALUE", "is no path inside the volume", "write a relative path without ..")
	}
	return text
}

// climbs reports whether a path has an element "..".
func climbs(p string) bool { return slices.Contains(strings.Split(p, "/"), "..") }

// validLabelName accepts the names of volumes.
func validLabelName(s string) bool {
	return validLabel(s) && s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// checkVolume compares v with the volumes before it.
func (r *reader) checkVolume(item volumeItem, out *Service, v Volume) {
	for _, other := range out.Mount.Volumes {
		if other.Path == v.Path {
			r.fault(item.node, item.place, "E-VALUE", "mounts at the path of the volume of line %d", "choose another path", other.Pos.Line)
		}
		if other.Name == v.Name {
			r.fault(item.node, item.place, "E-NAME-COLLISION", "has the name of the volume of line %d", "rename one of the two", other.Pos.Line)
		}
	}
	if v.Name == VolumeLogs || v.Name == VolumeSecrets {
		r.fault(item.node, item.place, "E-NAME-RESERVED", "has a name that rondo uses itself", "rename it")
	}
	if v.Claim != nil && v.Claim.Exclusive() {
		kind := out.Pod.Kind
		if kind == KindDaemonSet || kind == KindDeployment && out.MinCount > 1 {
			r.fault(item.node, item.place, "W-VOLUME-EXCLUSIVE", "can be mounted by the pods of one node only",
				"write type: stateful_set, or access_modes: ["+modeSharedWrite+"]")
		}
	}
}

// claim reads persistent.
func (r *reader) claim(n *node, at place, s *service, out *Service) *Claim {
	var raw rawClaim
	at.firm = true
	r.walk(n, at, raw.options())
	c := &Claim{Retain: true, Modes: []string{modeOne}}
	if keep, ok := boolean(raw.retain); ok {
		c.Retain = keep
	}
	if text, ok := r.optional(raw.size, at.key("size"), s); ok {
		q, fine := memoryQuantity(text)
		switch {
		case !fine || q.amount <= 0:
			r.fault(raw.size, at.key("size"), "E-VALUE", "is not a size", "write 10Gi or 500Mi")
		case q.old:
			r.fault(raw.size, at.key("size"), "W-QUANTITY-V1", "has a lower-case unit", "write it in upper case")
		}
		c.Size = q.text
	} else if raw.size == nil {
		r.fault(n, at, "E-VALUE", "has no size", "add size: 10Gi")
	}
	if text, ok := r.optional(raw.class, at.key("storage_class"), s); ok {
		if c.Class = text; !validHost(text) {
			r.fault(raw.class, at.key("storage_class"), "E-VALUE", "is no name of a StorageClass", "name one of the cluster")
		}
	}
	if raw.modes != nil {
		c.Modes = r.modes(raw.modes, at.key("access_modes"))
	}
	if slices.Contains(c.Modes, modeSharedWrite) && c.Class == "" {
		if c.Class = r.o.Facts.SharedClass; c.Class == "" {
			r.fault(raw.modes, at.key("access_modes"), "E-RWX-CLASS", "needs a StorageClass whose volumes many nodes can write", "write storage_class:")
		}
	}
	return c
}

// modes reads access modes, in full or in the short form of kubectl.
func (r *reader) modes(n *node, at place) []string {
	short := map[string]string{"RWO": modeOne, "ROX": modeSharedRead, "RWX": modeSharedWrite, "RWOP": modeOnePod}
	var out []string
	for i, item := range items(n) {
		mode := item.text
		if long, ok := short[mode]; ok {
			mode = long
		}
		if !slices.Contains([]string{modeOne, modeSharedRead, modeSharedWrite, modeOnePod}, mode) {
			r.fault(item, at.index(i), "E-VALUE", "is no access mode", "write ReadWriteOnce, ReadOnlyMany, ReadWriteMany or ReadWriteOncePod")
			continue
		}
		if !slices.Contains(out, mode) {
			out = append(out, mode)
		}
	}
	if slices.Contains(out, modeOnePod) && len(out) > 1 {
		r.fault(n, at, "E-VALUE", "holds ReadWriteOncePod and another mode", "keep it alone")
	}
	return out
}
