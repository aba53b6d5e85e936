package manifest

import (
	"reflect"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// volumeSource is a volume source of Kubernetes with its name here.
type volumeSource struct {
	name  string // "empty_dir"
	json  string // "emptyDir"
	field reflect.Type
}

// volumeSources lists them as Kubernetes has them, without those that it no
// longer mounts.
func volumeSources() []volumeSource {
	gone := map[string]bool{"gitRepo": true, "glusterfs": true, "flocker": true, "quobyte": true, "storageos": true, "scaleIO": true, "photonPersistentDisk": true,
		"cephfs": true, "rbd": true}
	var out []volumeSource
	for _, f := range reflect.VisibleFields(reflect.TypeFor[corev1.VolumeSource]()) {
		if name := jsonName(f); name != "" && !gone[name] {
			out = append(out, volumeSource{snake(name), name, f.Type})
		}
	}
	return out
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// snake writes emptyDir as empty_dir and volumeID as volume_id.
func snake(name string) string {
	upper := func(i int) bool { return i < len(name) && name[i] >= 'A' && name[i] <= 'Z' }
	var b strings.Builder
	for i := range len(name) {
		if upper(i) && i > 0 && (!upper(i-1) || i+2 < len(name) && !upper(i+1)) {
			b.WriteByte('_')
		}
		b.WriteByte(name[i])
	}
	return strings.ToLower(b.String())
}

// words turns n into the words of Kubernetes, key by key along the type t that
// it has there. What users name themselves, such as labels, stays as it is.
// Without ok, the reason is reported.
func (r *reader) words(n *node, t reflect.Type, at place, s *service) (out any, ok bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[resource.Quantity]():
		text, ok := r.textOf(n, at, s)
		q, err := resource.ParseQuantity(text)
		if ok && (err != nil || len(text) > 40) {
			r.fault(n, at, "E-VALUE", "is not a quantity", "write 500Mi, 10Gi or a number")
			return nil, false
		}
		return q.String(), ok
	case t == reflect.TypeFor[intstr.IntOrString]() && n.shape == Text:
		if v, ok := integer(n); ok {
			return v, true
		}
		return r.textOf(n, at, s)
	}
	switch t.Kind() {
	case reflect.Struct:
		return r.object(n, t, at, s)
	case reflect.Map:
		if n.shape != Mapping {
			return r.shapeFault(n, at, Mapping)
		}
		m := make(map[string]any, len(n.fields))
		for _, f := range n.fields {
			if m[f.key], ok = r.words(f.value, t.Elem(), at.key(f.key), s); !ok {
				return nil, false
			}
		}
		return m, true
	case reflect.Slice:
		if n.shape != List {
			return r.shapeFault(n, at, List)
		}
		list := make([]any, len(n.items))
		for i, item := range n.items {
			if list[i], ok = r.words(item, t.Elem(), at.index(i), s); !ok {
				return nil, false
			}
		}
		return list, true
	case reflect.Bool:
		if v, ok := boolean(n); ok {
			return v, true
		}
		return r.shapeFault(n, at, Bool)
	case reflect.Int32, reflect.Int64:
		if v, ok := number(n); ok && v <= 1<<31-1 || ok && t.Kind() == reflect.Int64 {
			return v, true
		}
		return r.shapeFault(n, at, Integer)
	}
	return r.textOf(n, at, s)
}

// number reads decimal digits, and file modes in base 8: 0644 or 0o644.
func number(n *node) (int64, bool) {
	if n.shape == Text && len(n.text) > 1 && n.text[0] == '0' {
		v, err := strconv.ParseInt(strings.TrimPrefix(n.text[1:], "o"), 8, 32)
		return v, err == nil && v >= 0
	}
	return integer(n)
}

func (r *reader) shapeFault(n *node, at place, want Shape) (any, bool) {
	r.fault(n, at, "E-TYPE", "is %s, not %s", "write "+want.String(), form(n), want)
	return nil, false
}

// object is words for a mapping with the keys of a struct.
func (r *reader) object(n *node, t reflect.Type, at place, s *service) (any, bool) {
	if n.shape != Mapping {
		return r.shapeFault(n, at, Mapping)
	}
	var options []Option
	fields := map[string]reflect.StructField{}
	for _, f := range reflect.VisibleFields(t) {
		if name := jsonName(f); name != "" {
			options = append(options, Option{Name: snake(name)})
			fields[strings.ToLower(name)] = f
		}
	}
	out, fine := map[string]any{}, true
	for _, f := range n.fields {
		p := at.key(f.key)
		field, known := fields[strings.ReplaceAll(f.key, "_", "")]
		switch name := jsonName(field); {
		case !known:
			r.unknown(f, at, nil, options)
			fine = false
		case name == "namespace":
			r.add(f.pos, p.path, "E-META-RESERVED", p.String()+" leads into another namespace", "remove it; the application has one of its own")
			fine = false
		case f.value.isNull():
		default:
			v, ok := r.words(f.value, field.Type, p, s)
			if !ok {
				fine = false
				continue
			}
			out[name] = v
		}
	}
	for _, f := range reflect.VisibleFields(t) {
		name := jsonName(f)
		if _, has := out[name]; fine && !has && name != "" && !strings.Contains(f.Tag.Get("json"), "omit") && f.Type.Kind() != reflect.Struct {
			r.fault(n, at, "E-VALUE", "lacks %s", "add "+snake(name)+":", snake(name))
			fine = false
		}
	}
	return out, fine
}
