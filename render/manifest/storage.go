package manifest

import (
	"strings"

	"rondo.dev/rondo/render"
)

// storageOf reads isolation, the config store and secret files.
func (r *reader) storageOf(d *document, app *Application) {
	app.Storage.ShareWith = r.applications(d.storage.shareWith, place{}.key("config_store").key("share_with"))
	app.Storage.Isolation = r.isolationOf(d.storage.isolation)
	if mount, _ := boolean(d.storage.mountSecrets); mount {
		app.Storage.SecretFiles = []string{"account-secrets", render.Name(r.o.App, "secrets")}
		for i := range app.Services {
			r.checkSecretFiles(app.Services[i])
		}
	}
}

// SecretFilesPath is where containers see the Secrets of account and application.
const SecretFilesPath = "/mnt/cloud66/secrets"

func (r *reader) checkSecretFiles(s Service) {
	for _, v := range s.Mount.Volumes {
		if v.Path == SecretFilesPath {
			r.add(v.Pos, "secrets.mount", "E-VALUE", "service "+shown(s.RawName)+": a volume is mounted where secrets.mount puts its files", "choose another path, or remove one of the two")
		}
	}
}

// isolationOf reads isolation, a word or a mapping.
func (r *reader) isolationOf(n *node) Isolation {
	out := Isolation{Mode: ModeManaged}
	at := place{}.key("isolation")
	switch {
	case n == nil:
	case n.shape == Text:
		out.Mode = n.text
	default:
		var raw rawIsolation
		r.walk(n, at, raw.options())
		if raw.mode != nil {
			out.Mode = raw.mode.text
		}
		out.Harden, _ = boolean(raw.harden)
		out.AllowFrom = r.peers(r.applications(raw.allow, at.key("allow_from")))
		if out.Mode == ModeOpen && len(out.AllowFrom) > 0 {
			r.fault(raw.allow, at.key("allow_from"), "W-NOT-APPLICABLE", "has no effect: everybody may reach the services", "write mode: strict, or remove it")
		}
	}
	if n != nil && out.Mode != ModeOpen && r.o.Facts.OpenNetwork {
		r.fault(n, at, "W-NETPOL-CNI", "has no effect: the network of the cluster enforces no policies", "have the operator install one that does")
	}
	return out
}

// applications reads a list of app or app/environment.
func (r *reader) applications(n *node, at place) []string {
	var out []string
	for i, item := range items(n) {
		name, environment := r.apart(item.text)
		p := at
		if n.shape == List {
			p = at.index(i)
		}
		switch {
		case item.shape != Text || !render.ValidApp(name) || strings.Contains(item.text, "/") && !render.ValidEnvironment(environment):
			r.fault(item, p, "E-VALUE", "is no application", "write app/environment, or app alone")
		case len(r.namespaceOf(name, environment)) > 63:
			r.fault(item, p, "E-VALUE", "is no application: the two names are too long for a namespace", "write app/environment as rondo.yaml has them")
		default:
			out = append(out, item.text)
		}
	}
	return out
}

// peers finds applications.
func (r *reader) peers(names []string) []App {
	var out []App
	for _, uid := range names {
		name, environment := r.apart(uid)
		out = append(out, App{name, r.namespaceOf(name, environment)})
	}
	return out
}

// apart takes app/environment apart; app alone is that of the same environment.
func (r *reader) apart(uid string) (app, environment string) {
	app, environment, has := strings.Cut(uid, "/")
	if !has {
		environment = r.o.Environment
	}
	return app, environment
}

// namespaceOf is the namespace of another application: its name and its
// environment, unless rondo.yaml says otherwise.
func (r *reader) namespaceOf(app, environment string) string {
	if known, ok := r.o.Facts.Namespaces[app+"/"+strings.ToLower(environment)]; ok {
		return known
	}
	return render.DefaultNamespace(app, environment)
}
