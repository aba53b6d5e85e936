package manifest

import "fmt"

// maxDisk bounds a disk, so that sums stay sums: 1 PiB.
const maxDisk = 1 << 50

// onceOf is what was recorded under name when the database was first applied,
// else want, which is recorded now (spec 1.6). Where somebody wrote n and it
// differs, the warning says what would apply it.
func (r *reader) onceOf(g *group, name, want string, n *node, p place, action string) string {
	key := family(g.engine) + "." + g.name + "." + name
	have, known := r.o.Facts.Once[key]
	if !known {
		have = want
	}
	record(&r.once, key, have)
	if have != want && n != nil {
		r.fault(n, p, "W-ONCE-CHANGED", "differs from what the database was made with, which is kept", action)
	}
	return have
}

func record(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

// disk reads size and class of a volume. A claim keeps the size in the template
// that made it, so a larger one is a second value, recorded once a deployment
// with it has succeeded: a class that cannot grow leaves the old one in force.
func (r *reader) disk(g *group, settings *engineSettings) Disk {
	n, p := settings.size, g.disk[settings.size]
	want := int64(50) << 30
	if n != nil {
		v, ok := integer(n)
		if !ok || v < 1 || v > maxDisk>>30 {
			r.fault(n, p, "E-VALUE", "is not a size of a disk", "write a number of GB")
			return Disk{}
		}
		want = v << 30
	}
	if g.storageSize != nil {
		n, p = g.storageSize, g.place.key("storage").key("size")
		q, ok := memoryQuantity(n.plainText())
		if v, bare := integer(n); bare && v < maxDisk>>30 {
			q.amount, ok = v<<30, true
		}
		if !ok || q.amount < 1<<20 || q.amount > maxDisk {
			r.fault(n, p, "E-VALUE", "is not a size of a disk", "write 20Gi")
			return Disk{}
		}
		want = q.amount
	}
	key := family(g.engine) + "." + g.name + ".grown"
	out := Disk{Size: r.onceOf(g, "size", bytesText(want), nil, p, "")}
	made, _ := memoryQuantity(out.Size)
	has := made.amount
	if q, ok := memoryQuantity(r.o.Facts.Once[key]); ok && q.amount > has {
		has = q.amount
	}
	if want < has && n != nil {
		r.fault(n, p, "W-ONCE-CHANGED", "is less than the disk has, which is kept", "write the old size; a disk can only grow")
	}
	if n != nil {
		has = max(has, want)
	}
	if has > made.amount {
		out.Grown = bytesText(has)
		record(&r.marks, key, out.Grown)
	}
	out.Class = r.class(g, settings)
	return out
}

// class finds the StorageClass: the one named, else that of the disk's type.
func (r *reader) class(g *group, settings *engineSettings) string {
	kind, n, p := "ssd", settings.kind, g.disk[settings.kind]
	if n != nil {
		kind = n.text
	}
	class := r.o.Facts.StorageClasses[kind]
	if g.storageClass != nil {
		n, p = g.storageClass, g.place.key("storage").key("class")
		if class = n.text; !validHost(class) {
			r.fault(n, p, "E-VALUE", "is no name of a StorageClass", "write the name of a class of the cluster")
		}
	}
	return r.onceOf(g, "class", class, n, p, "change it back, or load a backup into a new group")
}

// bytesText writes a size as Kubernetes does.
func bytesText(n int64) string {
	q, _ := memoryQuantity(fmt.Sprintf("%dKi", n>>10))
	return q.text
}
