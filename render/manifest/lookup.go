package manifest

import (
	"maps"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// GeneratedSecret is the Secret with the values that are made up for the
// application's own variables.
func (a *Application) GeneratedSecret() string {
	return render.Name(a.App, "environment", "generated")
}

// GeneratedSecret is the Secret with the values that are made up for variables
// of the service.
func (s Service) GeneratedSecret() string { return render.Name(s.Name, "generated") }

// Scopes of the config store.
const (
	storeOfApp     = "app"
	storeOfAccount = "account"
)

// storeSecret is the Secret in the application's namespace that holds the
// entries of a scope of the config store (spec 2.16).
func (r *reader) storeSecret(scope string) string {
	if scope == storeOfAccount {
		return "account-configstore"
	}
	return render.Name(r.o.App, "configstore")
}

// generated is the value of a variable that the cluster makes up.
func (r *reader) generated(v *variable) resolved {
	secret := r.vars.generates
	if v.owner != nil {
		secret = v.owner.generates
	}
	return resolved{value: Value{Parts: []Part{{SecretRef: &SecretRef{Secret: secret, Key: v.name}}}}, ok: true}
}

// validStoreKey accepts NAMESPACE.KEY of letters, digits, dots, dashes and
// underscores, which is also what a key of a Secret may be.
func validStoreKey(key string) bool {
	namespace, name, ok := strings.Cut(key, ".")
	return ok && namespace != "" && name != "" && len(key) <= 253 &&
		strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// stored is a reference to an entry of the config store: a key of a Secret that
// nobody but Kubernetes reads. Where the Facts know the keys, an entry of the
// application wins over one of the account; where they know nothing, it is the
// application's.
func (r *reader) stored(ref *reference, n *node, p place) resolved {
	scope := storeOfApp
	if known := r.o.Facts.ConfigStore; known != nil {
		_, own := known[storeOfApp][ref.name]
		_, account := known[storeOfAccount][ref.name]
		switch {
		case own:
		case account:
			scope = storeOfAccount
		default:
			fix := "add it to the Secret " + r.storeSecret(storeOfApp)
			if near := r.near(ref.name, slices.Sorted(keysOf(known))); near != "" {
				fix = "write _configstore(" + near + ")"
			}
			r.fault(n, p, "E-ENV-UNDEFINED", "refers to an entry that the config store does not have", fix)
			return resolved{}
		}
	}
	return resolved{value: Value{Parts: []Part{{SecretRef: &SecretRef{Secret: r.storeSecret(scope), Key: ref.name}}}}, ok: true}
}

// keysOf gives the keys of both scopes.
func keysOf(store map[string]map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, entries := range store {
			for key := range entries {
				if !yield(key) {
					return
				}
			}
		}
	}
}

// foreignValue is a reference to a variable of another application: what that
// one lets us read (spec 2.10 rule 4).
func (r *reader) foreignValue(ref *reference, n *node, p place, self *variable) resolved {
	if self == nil {
		r.fault(n, p, "I-ENV-INDIRECT", "refers to a variable of another application", "give it to a variable, and refer to that: _env(NAME)")
	}
	r.reads[ref.app] = true
	name := ref.name
	if ref.service != "" {
		name = ref.service + "." + name
	}
	shared, app := r.sharedBy(ref.app)
	readable := shared.Values
	value, ok := readable[name]
	switch {
	case credential(ref.name, value):
		r.fault(n, p, "E-ENV-CROSS-CREDENTIAL", "refers to a credential of another application, %s", "copy it into a Secret of this one, or use the database with share_from", shown(ref.name))
		return resolved{}
	case ok:
		return resolved{value: text(value), foreign: true, ok: true}
	case ref.hasFallback:
		return resolved{value: text(ref.fallback), foreign: true, ok: true}
	case r.o.Facts.Applications == nil:
		r.fault(n, p, "I-SHARE-UNKNOWN", "was not looked up: what others share is known to the daemon alone", "")
		return resolved{value: text("unknown"), foreign: true, ok: true}
	case !shared.Shares:
		fix := "list this application in config_store.share_with of that one"
		if near := r.near(ref.app, slices.Sorted(maps.Keys(r.o.Facts.Applications))); near != "" && app == "" {
			fix = "write STACK[" + near + "]"
		}
		r.fault(n, p, "E-ENV-UNDEFINED", "refers to application %s, which shares nothing with this one", fix, shown(ref.app))
	default:
		fix := "define it there, or give a fallback: _env(…:…)"
		if near := r.near(name, slices.Sorted(maps.Keys(readable))); near != "" {
			fix = "write " + near
		}
		r.fault(n, p, "E-ENV-UNDEFINED", "refers to %s of application %s, which does not share it", fix, shown(ref.name), shown(app))
	}
	return resolved{}
}

// sharedBy finds what an application shares by its uid: its name with an
// environment, or its name alone, which is that of the same environment or else
// the only one.
func (r *reader) sharedBy(uid string) (readable render.Readable, name string) {
	known := r.o.Facts.Applications
	for _, name := range []string{uid, uid + "/" + r.o.Environment} {
		for candidate, one := range known {
			if strings.EqualFold(candidate, name) { // environments have no case
				return one, candidate
			}
		}
	}
	for candidate, one := range known {
		if app, _, _ := strings.Cut(candidate, "/"); app == uid {
			if name != "" {
				return render.Readable{}, ""
			}
			readable, name = one, candidate
		}
	}
	return readable, name
}

// credential recognises variables of databases that hold a user name, a
// password, or a URL with either.
func credential(name, value string) bool {
	if engineOf(name) == "" {
		return false
	}
	for _, suffix := range []string{"_USERNAME", "_PASSWORD"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	for _, suffix := range []string{"_URL", "_URL_INT", "_URL_EXT"} {
		if strings.HasSuffix(name, suffix) {
			return value == "" || strings.Contains(value, "@")
		}
	}
	return false
}

// Shared is what the application lets others use: databases, and variables that
// are plain text, no secret, and do not come from another application themselves,
// so that no two applications can change each other for ever. nil: nothing.
func (a *Application) Shared() *render.Shared {
	out := &render.Shared{With: a.Storage.ShareWith, Values: map[string]string{}, Databases: map[string]render.SharedDatabase{}}
	for _, db := range a.Databases {
		if share, ok := db.share(a.Namespace); ok {
			out.Databases[db.Key()] = share
		}
	}
	switch {
	case len(out.With) > 0:
	case len(out.Databases) > 0:
		return out
	default:
		return nil
	}
	export := func(prefix string, vars []Variable) {
		for _, v := range vars {
			value, plain := v.Value.Text()
			if plain && !v.Secret && !v.Foreign && !credential(v.Name, value) {
				out.Values[prefix+v.Name] = value
			}
		}
	}
	for name, value := range a.Addresses {
		out.Values[name] = value
	}
	export("", a.Variables)
	for _, s := range a.Services {
		export(s.RawName+".", s.Env)
	}
	return out
}
