package manifest

import (
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// environment tells whether f is an environment that has a name it may have,
// once (spec 1.3 rule 5).
func (r *reader) environment(f field, table []Option) bool {
	if o := find(table, f.key); o != nil && o.Disposition != render.Unknown || byAlias(table, f.key) != nil || !isEnvironment(f.value, table) {
		return false
	}
	rest := strings.TrimLeft(f.key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	if rest == f.key || strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		r.add(f.pos, shown(f.key), "E-NAME-SYNTAX", "environment "+shown(f.key)+" has a name that no environment can have",
			"start with a letter, and use letters, digits, - and _")
	}
	return true
}

// elsewhere checks the form of the node of another environment: its keys and
// the shapes of their values, not what they mean together (spec 1.3 rule 6).
func (r *reader) elsewhere(f field) {
	// The counts go on, so that many environments cost no more than one.
	other := &reader{o: r.o, errors: r.errors, others: r.others}
	var d document
	node := *f.value
	node.fields = slices.Clone(node.fields)
	other.vars.init(nil)
	table := d.options()
	other.canonical(&node, table)
	other.walk(&node, place{}, table)
	other.databases(&d)
	other.declare(d.variables)
	other.declareSecrets(d.storage.secretFiles)
	other.commandForms(&d)
	if d.services != nil {
		services := *d.services
		services.fields = slices.DeleteFunc(slices.Clone(services.fields), func(f field) bool { return f.value.isNull() })
		for _, s := range other.declared(&services) {
			other.declareOwn(s)
			other.portsOf(s)
			privileged := true // whether it is would be another question
			other.mountOf(s, &Service{Pod: Pod{Security: Security{Privileged: &privileged}}})
			if s.health != nil && s.health.shape == Mapping {
				table = healthOptions()
				if other.isOldHealth(s.health) {
					table = new(rawCheck).options()
				}
				other.walk(s.health, s.place.key("health"), table)
			}
		}
	}
	r.keepForm(other.problems, shown(f.key))
}

// keepForm adds those of problems that are about form.
func (r *reader) keepForm(problems []render.Problem, environment string) {
	for _, p := range problems {
		switch p.Code {
		case "E-KEY-UNKNOWN", "W-KEY-UNKNOWN", "W-KEY-MOVED", "E-TYPE", "E-VALUE", "E-NAME-SYNTAX", "E-ENV-NAME", "E-YAML-DUPKEY",
			"E-PORT-DUP", "E-DB-ENGINE", "E-HOST-SYNTAX":
			r.add(p.Pos, join(environment, p.Path), p.Code, "environment "+environment+": "+p.What, p.Fix)
		}
	}
}
