package manifest

import (
	"path"
	"strings"

	"rondo.dev/rondo/render"
)

// sharedOf reads the volumes of glusterfs (spec 3.6). Kubernetes has no driver
// for it any more: each is a claim of a class that many Pods can mount.
func (r *reader) sharedOf(g *group) {
	settings, at := r.settingsOfGroup(g)
	if r.o.Facts.SharedClass == "" {
		r.add(g.pos, g.place.path, "E-RWX-CLASS", g.place.object+" needs a StorageClass for ReadWriteMany volumes, and rondo knows none",
			"have the operator of rondo set shared_class, or remove it")
	}
	disk := r.disk(g, settings)
	disk.Class = r.onceOf(g, "class", r.o.Facts.SharedClass, nil, at, "")
	targets := texts(settings.targets)
	if targets == nil {
		targets = []string{"app"}
	}
	volumes := items(settings.volumes)
	if len(volumes) == 0 {
		volumes = []*node{{pos: g.pos, shape: Mapping}}
	}
	for i, item := range volumes {
		var v rawShared
		p := at.key("volumes").index(i)
		if item.shape != Mapping {
			r.fault(item, p, "E-TYPE", "is %s, not a mapping", "write volume: {name: …}", form(item))
			continue
		}
		r.walk(item, p, v.entry())
		if v.volume != nil {
			p = p.key("volume")
			r.walk(v.volume, p, v.options())
		}
		name := either(v.name, &node{text: "cloud66-vol", shape: Text, pos: item.pos})
		claim := render.Name("gfs", strings.ReplaceAll(strings.ToLower(name.text), "_", "-"))
		if !validHost(claim) || strings.Contains(claim, ".") {
			r.fault(name, p.key("name"), "E-VALUE", "is no name of a volume", "use letters, digits and dashes")
			continue
		}
		out := SharedVolume{Pos: item.pos, Group: g.name, Name: name.text, Claim: claim, Disk: disk, Targets: targets,
			Readers: who(v.read), Writers: who(v.write), Mount: []string{"/mnt/gfs/" + name.text}}
		if len(r.sharedVolumes) == 0 {
			out.Mount = append(out.Mount, "/mnt/data-store")
		}
		if v.mount != nil {
			if m := v.mount.text; path.IsAbs(m) && path.Clean(m) == m && m != "/" {
				out.Mount = append(out.Mount, m)
			} else {
				r.fault(v.mount, p.key("mount"), "E-VALUE", "is no absolute path", "write /mnt/gfs/<name>")
			}
		}
		for _, other := range r.sharedVolumes {
			if other.Claim == claim {
				r.fault(name, p.key("name"), "E-NAME-COLLISION", "is the name of two volumes", "rename one of the two")
			}
		}
		r.sharedVolumes = append(r.sharedVolumes, out)
	}
}

// texts are the words of a list, of a text with commas, or of one word.
func texts(n *node) []string {
	var out []string
	for _, item := range items(n) {
		for word := range strings.SplitSeq(item.plainText(), ",") {
			if word = strings.TrimSpace(word); word != "" {
				out = append(out, word)
			}
		}
	}
	return out
}

// who reads names of services; nil: all.
func who(n *node) []string {
	names := texts(n)
	for _, name := range names {
		if name == "all" {
			return nil
		}
	}
	return names
}

// onShared makes v a folder of the shared volume that a path of the host leads
// into, the one with the longest path first; false where it leads into none.
func (r *reader) onShared(n *node, at place, host string, s *service, v *Volume) bool {
	var found *SharedVolume
	longest := ""
	for i := range r.sharedVolumes {
		for _, mount := range r.sharedVolumes[i].Mount {
			if below(host, mount) && len(mount) > len(longest) {
				found, longest = &r.sharedVolumes[i], mount
			}
		}
	}
	if found == nil {
		return false
	}
	read, write := found.Access(s.rawName)
	if !read {
		r.fault(n, at, "E-GFS-ACCESS", "mounts a volume of glusterfs that it has no access to", "add the service to mount_targets and access_control of the volume")
	}
	v.Shared, v.ReadOnly = found.Claim, v.ReadOnly || !write
	part := strings.TrimPrefix(strings.TrimPrefix(host, longest), "/")
	if v.SubPathExpr != "" { // which Kubernetes does not take beside a sub_path
		v.SubPathExpr = path.Join(strings.ReplaceAll(part, "$", "$$"), v.SubPathExpr)
	} else {
		v.SubPath = path.Join(part, v.SubPath)
	}
	return true
}
