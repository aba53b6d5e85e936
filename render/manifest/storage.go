package manifest

import "strings"

// storageOf reads isolation, the config store and secret files.
func (r *reader) storageOf(d *document, app *Application) {
	app.Storage.ShareWith = r.applications(d.storage.shareWith, place{}.key("config_store").key("share_with"))
}

// applications reads a list of app or app/environment.
func (r *reader) applications(n *node, at place) []string {
	var out []string
	for i, item := range items(n) {
		name, environment, has := strings.Cut(item.text, "/")
		if item.shape != Text || !validApp(name) || has && !validApp(environment) {
			r.fault(item, at.index(i), "E-VALUE", "is no application", "write app/environment, or app for all of its environments")
			continue
		}
		out = append(out, item.text)
	}
	return out
}

// validApp accepts what an application or an environment may be called.
func validApp(name string) bool {
	return name != "" && len(name) <= 63 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}
