package manifest

import (
	"maps"
	"slices"
	"strings"
)

// Where files come from.
const (
	fromStore     = "config_store"
	fromVariables = "env_vars"
)

// filesOf reads secret or config_map with from: files from variables of the
// application or from entries of the config store.
func (r *reader) filesOf(n *node, at place, secret bool, s *service) *Files {
	var raw rawFiles
	at.firm = true
	r.walk(n, at, raw.options())
	wanted := r.filter(raw.filter, at.key("filter"), s)
	out := &Files{Secret: secret}
	if raw.from == nil { // its value was refused
		return out
	}
	if raw.from.text == fromStore {
		if !secret {
			r.fault(n, at, "I-TRANSLATED", "mounts a Secret all the same: entries of the config store are secret", "write secret:")
		}
		out.Secret, out.Store = true, r.storeFiles(n, at, wanted)
		return out
	}
	found, left := 0, 0
	for _, v := range r.vars.all {
		if !matches(r.o.Facts.Tags[v.Name], wanted) {
			continue
		}
		found++
		if !fileable(v, secret) {
			left++
			continue
		}
		out.Variables = append(out.Variables, v.Name)
	}
	switch {
	case found == 0:
		r.fault(n, at, "W-VOLUME-EMPTY", "has no files: no variable of the application matches", "correct filter:, or remove the volume")
	case left > 0 && secret:
		r.fault(n, at, "W-VOLUME-LEFT", "leaves out %d variables that hold a key of a Secret among other text", "give what is secret a variable of its own", left)
	case left > 0:
		r.fault(n, at, "W-VOLUME-LEFT", "leaves out %d variables that are secret", "write secret: instead of config_map:", left)
	}
	return out
}

// fileable reports whether a variable can be a file: text in either, a secret
// and a key of one only among files that are secret.
func fileable(v Variable, secret bool) bool {
	if _, plain := v.Value.Text(); plain {
		return secret || !v.Secret
	}
	return secret && len(v.Value.Parts) == 1
}

// storeFiles are entries of the config store. Where their names are known, an
// entry of the application replaces one of the account; else both Secrets are
// laid over each other.
func (r *reader) storeFiles(n *node, at place, wanted []string) []SecretKeys {
	known := r.o.Facts.ConfigStore
	if known == nil {
		if len(wanted) > 0 {
			r.fault(n, at, "E-ENV-UNDEFINED", "filters a config store of which rondo does not know the entries", "remove filter:, or list them as config_store of the application in rondo.yaml")
		}
		return []SecretKeys{{Secret: r.storeSecret(storeOfAccount), Optional: true}, {Secret: r.storeSecret(storeOfApp), Optional: true}}
	}
	var out []SecretKeys
	for _, scope := range []string{storeOfAccount, storeOfApp} {
		keys := SecretKeys{Secret: r.storeSecret(scope)}
		for _, key := range slices.Sorted(maps.Keys(known[scope])) {
			if _, hidden := known[storeOfApp][key]; matches(known[scope][key], wanted) && (scope == storeOfApp || !hidden) {
				keys.Keys = append(keys.Keys, key)
			}
		}
		if len(keys.Keys) > 0 {
			out = append(out, keys)
		}
	}
	if len(out) == 0 {
		r.fault(n, at, "W-VOLUME-EMPTY", "has no files: no entry of the config store matches", "correct filter:, or remove the volume")
	}
	return out
}

// filter reads k=v, and more after commas.
func (r *reader) filter(n *node, at place, s *service) []string {
	text, ok := r.optional(n, at, s)
	if !ok {
		return nil
	}
	wanted := tags(text)
	for _, tag := range wanted {
		if key, _, has := strings.Cut(tag, "="); !has || key == "" {
			r.fault(n, at, "E-VALUE", "is no filter", "write k=v, and more after commas")
			return nil
		}
	}
	return wanted
}

// matches reports whether metadata, "k=v,k=v", has all that is wanted.
func matches(metadata string, wanted []string) bool {
	have := tags(metadata)
	return !slices.ContainsFunc(wanted, func(tag string) bool { return !slices.Contains(have, tag) })
}

// tags splits "k=v, k=v"; empty ones are left out.
func tags(text string) []string {
	var out []string
	for tag := range strings.SplitSeq(text, ",") {
		if key, value, has := strings.Cut(strings.TrimSpace(tag), "="); key != "" {
			if has {
				key = strings.TrimSpace(key) + "=" + strings.TrimSpace(value)
			}
			out = append(out, key)
		}
	}
	return out
}

// taggedSecret reports whether a variable set through the API is a secret.
func (r *reader) taggedSecret(name string) bool {
	return slices.Contains(tags(r.o.Facts.Tags[name]), "kube-secret")
}
