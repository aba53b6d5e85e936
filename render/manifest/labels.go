package manifest

import (
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// tagsOf reads tags: k=v, k:v or k in a list, or a mapping (spec 2.3).
func (r *reader) tagsOf(s *service) map[string]string {
	at := s.place.key("tags")
	out := map[string]string{}
	pair := func(n *node, p place, key, value string) {
		_, dup := out[key]
		switch {
		case !validKey(key):
			r.fault(n, p, "E-TAG-SYNTAX", "has a key that no label can have", "write [prefix/]name of letters, digits, -, _ and .; at most 63")
		case !validLabel(value):
			r.fault(n, p, "E-TAG-SYNTAX", "has a value that no label can have", "use letters, digits, -, _ and .; at most 63; or use annotations")
		case reservedLabel(key):
			r.fault(n, p, "E-META-RESERVED", "sets %s, which belongs to the platform", "choose another key", shown(key))
		case dup:
			r.fault(n, p, "E-TAG-SYNTAX", "repeats the key %s", "keep one of the two", shown(key))
		default:
			out[key] = value
		}
	}
	mapping := func(n *node, p place) {
		for _, f := range n.fields {
			value := ""
			if !f.value.isNull() {
				var ok bool
				if value, ok = r.textOf(f.value, p.key(f.key), s); !ok {
					continue
				}
			}
			pair(&node{pos: f.pos}, p, f.key, value)
		}
	}
	if s.tags != nil && s.tags.shape == Mapping {
		mapping(s.tags, at)
	} else {
		for i, item := range items(s.tags) {
			p := at.index(i)
			if item.shape == Mapping {
				mapping(item, p)
				continue
			}
			text, ok := r.textOf(item, p, s)
			if !ok {
				continue
			}
			key, value := text, ""
			if i := strings.IndexAny(text, "=:"); i >= 0 {
				key, value = text[:i], text[i+1:]
			}
			pair(item, p, strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// annotationsOf reads annotations.
func (r *reader) annotationsOf(s *service) map[string]string {
	const most = 256 << 10 // of all annotations of an object, as the API server has it
	if s.annotations.isEmpty() {
		return nil
	}
	at := s.place.key("annotations")
	out := make(map[string]string, len(s.annotations.fields))
	size := 0
	for _, f := range s.annotations.fields {
		p := at.key(f.key)
		value := ""
		if !f.value.isNull() {
			var ok bool
			if value, ok = r.textOf(f.value, p, s); !ok {
				continue
			}
		}
		switch {
		case !validKey(f.key):
			r.add(f.pos, p.path, "E-VALUE", at.String()+": "+shown(f.key)+" is not a key of an annotation", "write [prefix/]name of letters, digits, -, _ and .")
		case reservedAnnotation(f.key):
			r.add(f.pos, p.path, "E-META-RESERVED", at.String()+": "+shown(f.key)+" belongs to the platform", "choose another key")
		case f.key == render.AnnotationPrune && value != "disabled":
			r.add(f.value.pos, p.path, "E-VALUE", at.String()+": "+f.key+" has a value that does not exist", "write disabled")
		default:
			out[f.key] = value
			size += len(f.key) + len(value)
		}
	}
	if size > most {
		r.fault(s.annotations, at, "E-VALUE", "is larger than 256 KiB", "shorten it")
	}
	return out
}

// reservedLabel reports keys that say whose an object is, or that select pods
// or loosen their security (threats T23).
func reservedLabel(key string) bool {
	return slices.Contains([]string{"app", "tier", "pod-template-hash", "controller-revision-hash"}, key) ||
		hasDomain(key, render.Domain) || hasDomain(key, "app.kubernetes.io") || hasDomain(key, "pod-security.kubernetes.io")
}

// reservedAnnotation reports keys that rondo or a controller writes. The one
// that keeps an object from being pruned is for users.
func reservedAnnotation(key string) bool {
	return hasDomain(key, render.Domain) && key != render.AnnotationPrune ||
		hasDomain(key, "deployment.kubernetes.io") || hasDomain(key, "pod-security.kubernetes.io") ||
		key == "kubectl.kubernetes.io/last-applied-configuration"
}

// hasDomain reports whether the prefix of key is domain or below it.
func hasDomain(key, domain string) bool {
	prefix, _, ok := strings.Cut(strings.ToLower(key), "/")
	return ok && (prefix == domain || strings.HasSuffix(prefix, "."+domain))
}

// validKey accepts qualified names: [prefix/]name.
func validKey(key string) bool {
	prefix, name, ok := strings.Cut(key, "/")
	if !ok {
		return key != "" && validLabel(key)
	}
	return validHost(prefix) && name != "" && validLabel(name)
}

// validLabel accepts the value of a label.
func validLabel(s string) bool {
	const alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	if s == "" {
		return true
	}
	return len(s) <= 63 && strings.Trim(s, alnum+"-_.") == "" &&
		strings.IndexByte(alnum, s[0]) >= 0 && strings.IndexByte(alnum, s[len(s)-1]) >= 0
}
