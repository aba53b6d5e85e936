package manifest

import (
	"iter"
	"strings"

	"rondo.dev/rondo/render"
)

const oldDomain = ".cloud66.local"

// hosts yields what a text uses as host names: what follows a scheme, and what
// stands before a port.
func hosts(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !strings.Contains(s, ":") && !strings.Contains(s, oldDomain) {
			return
		}
		for word := range strings.FieldsFuncSeq(s, func(c rune) bool { return strings.ContainsRune(" \t\r\n,;'\"=|&()<>[]{}", c) }) {
			_, rest, url := strings.Cut(word, "://")
			if !url {
				rest = word
			}
			if end := strings.IndexAny(rest, "/?#"); end >= 0 {
				rest = rest[:end]
			}
			host, port, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], ":")
			host = strings.ToLower(strings.TrimSuffix(host, "."))
			_, hasPort := digits(port)
			if (url || hasPort || strings.HasSuffix(host, oldDomain)) && !yield(host) {
				return
			}
		}
	}
}

// checkHosts tells what is wrong with the host names in the text of n: those that
// only the old platform resolved, and those of services that have none because
// they have no ports (spec 2.2 rule 3, 2.6 rule 4).
func (r *reader) checkHosts(s string, n *node, p place) {
	for host := range hosts(s) {
		if old, ok := strings.CutSuffix(host, oldDomain); ok {
			fix := "write the name of the service, or <engine>-<group> for a database"
			if now := r.renamed(old); now != "" {
				fix = "write " + now
			}
			r.fault(n, p, "W-DNS-LEGACY", "holds a name below cloud66.local, which does not resolve", fix)
			continue
		}
		if name := strings.TrimSuffix(host, "."+r.o.Namespace); r.portless[name] {
			r.fault(n, p, "W-DNS-NOPORT", "names the service %s, which cannot be reached: it has no ports", "add ports: to "+name, name)
		}
	}
}

// renamed is what a name of the old platform is called here; empty: unknown.
func (r *reader) renamed(old string) string {
	name := strings.ReplaceAll(old, "_", "-")
	if r.vars.services[name] != nil {
		return name
	}
	if group, engine, ok := strings.Cut(name, "."); ok {
		if name = render.Name(family(engine), group); r.vars.databases[name] {
			return name
		}
	}
	return ""
}
