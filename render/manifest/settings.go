package manifest

import (
	"slices"
	"strings"
	"time"

	"rondo.dev/rondo/render"
)

// settingsOf reads docker.configuration, and that of the components of
// applications without containers.
func (r *reader) settingsOf(tree *node, d *document, app *Application, services []*service) {
	at := func(n *node, path ...string) place { return settingsPlace(tree, n, path) }
	out := &app.Settings
	keep, name := d.settings.keep, "image_keep_count"
	if keep == nil {
		keep, name = d.settings.keepOld, "keep_releases"
	}
	if keep != nil {
		v := r.within(keep, at(keep, name), 2, 0, 100)
		out.Keep = &v
	}
	out.LogPaths = r.logPaths(d.settings.logs, at(d.settings.logs, "custom_log_files"))
	r.nativeCheck(d.settings.native, at(d.settings.native, "health_check"), app, services)
	out.Check = r.checkOf(d.settings.check, at(d.settings.check, "activeprotect", "health_check"), app)
}

// settingsPlace is where n stands below the configuration of a component: docker,
// or one of applications without containers.
func settingsPlace(tree, n *node, path []string) place {
	for _, component := range appComponents {
		at, v := place{}.key(component).key("configuration"), tree.get(component).get("configuration")
		for _, key := range path {
			at, v = at.key(key), v.get(key)
		}
		if v != nil && v == n {
			return at
		}
	}
	return place{}
}

// within reads a whole number from least to most.
func (r *reader) within(n *node, p place, def, least, most int64) int64 {
	if n == nil {
		return def
	}
	if v, ok := integer(n); ok && v >= least && v <= most {
		return v
	}
	r.fault(n, p, "E-VALUE", "is not accepted", "write a number from "+itoa(int(least))+" to "+itoa(int(most)))
	return def
}

func (r *reader) logPaths(n *node, p place) []string {
	var out []string
	for i, item := range items(n) {
		if item.shape != Text || !strings.HasPrefix(item.text, "/") || strings.ContainsAny(item.text, ",\r\n\x00") {
			r.fault(item, p.index(i), "E-VALUE", "is no path of log files", "write a path that starts with / and has no comma")
			continue
		}
		out = append(out, item.text)
	}
	return out
}

// nativeCheck turns the check of an application on servers into readiness of the
// services that say nothing about their health (spec 5.1.2).
func (r *reader) nativeCheck(n *node, at place, app *Application, services []*service) {
	if n == nil {
		return
	}
	var raw rawNative
	if n.shape == Mapping {
		r.walk(n, at, raw.options())
	}
	r.fault(n, at, "I-TRANSLATED", "becomes the check ready of each service with ports and without health", "write health: of the services")
	probe := Probe{Pos: n.pos, Type: "http", Endpoint: "/", InitialDelay: 1, Period: 5, Timeout: 5, SuccessThreshold: 1, FailureThreshold: 1}
	if raw.protocol != nil {
		probe.Type = raw.protocol.text
	}
	if raw.endpoint != nil {
		probe.Endpoint = raw.endpoint.text
		if !isPath(probe.Endpoint) {
			r.fault(raw.endpoint, at.key("endpoint"), "E-VALUE", "is not a path", "write a path that starts with /")
		}
	}
	if raw.host != nil && raw.host.text != "localhost" {
		if !validHost(strings.ToLower(raw.host.text)) {
			r.fault(raw.host, at.key("host"), "E-HOST-SYNTAX", "is no host name", "write the name alone, without scheme and port")
		}
		probe.Headers = []Header{{Name: "Host", Value: raw.host.text}}
	}
	for i, item := range items(raw.accept) {
		if slices.ContainsFunc(strings.Split(item.text, ","), func(s string) bool { return !acceptable(strings.TrimSpace(s)) }) {
			r.fault(item, at.key("accept").index(i), "W-HEALTH-ACCEPT", "cannot be required; any status from 200 to 399 is good", "remove it")
		}
	}
	app.Settings.Deadline = time.Duration(r.within(raw.timeout, at.key("timeout"), 30, 1, 120)+60) * time.Second
	app.Settings.Checked = map[string]bool{}
	silent := map[string]bool{}
	for _, s := range services {
		silent[s.name] = s.health == nil
	}
	for i := range app.Services {
		svc := &app.Services[i]
		first := slices.IndexFunc(svc.Ports, func(p Port) bool { return !p.onlyUDP() })
		if silent[svc.Name] && first >= 0 {
			own := probe
			own.Port = svc.Ports[first].Container
			svc.Ready = &own
			app.Settings.Checked[svc.Name] = true
		}
	}
}

func isPath(s string) bool { return strings.HasPrefix(s, "/") && !strings.ContainsAny(s, " \t\r\n") }

// checkOf reads what is asked of the public addresses after a deployment (spec
// 5.1.1). An address outside of the application is refused: the daemon would
// knock at any door that a manifest names.
func (r *reader) checkOf(n *node, at place, app *Application) *render.Check {
	if n == nil {
		return nil
	}
	var raw rawHealthCheck
	if n.shape == Mapping {
		r.walk(n, at, raw.options())
	}
	out := &render.Check{
		Pos:                n.pos,
		Accept:             r.statuses(raw.accept, at.key("accept")),
		Timeout:            time.Duration(r.within(raw.timeout, at.key("timeout"), 5, 1, 10)) * time.Second,
		MaxRedirects:       int(r.within(raw.redirects, at.key("max_redirects"), 3, 0, 10)),
		Cooldown:           time.Duration(r.within(raw.cooldown, at.key("cooldown"), 0, 0, 1800)) * time.Second,
		Retries:            int(r.within(raw.retries, at.key("retries"), 2, 0, 10)),
		VerifyCertificates: true,
		Rollback:           raw.onFailure != nil && raw.onFailure.text == "rollback",
	}
	if v, ok := boolean(raw.verify); ok {
		out.VerifyCertificates = v
	}
	origins := addresses(app.Services)
	if len(origins) == 0 {
		r.fault(n, at, "W-NOT-APPLICABLE", "has nothing to ask: no service has a host name in traffic_matches", "add traffic_matches: and a port for http or https")
		return nil
	}
	endpoints := items(raw.endpoint)
	if len(endpoints) == 0 {
		endpoints = []*node{{pos: n.pos, shape: Text, text: "/"}}
	}
	for i, e := range endpoints {
		p := at.key("endpoint").index(i)
		switch {
		case e.shape == Text && isPath(e.text):
			for _, origin := range origins {
				out.URLs = append(out.URLs, origin+e.text)
			}
		case e.shape == Text && slices.ContainsFunc(origins, func(origin string) bool { return belongs(e.text, origin) }):
			out.URLs = append(out.URLs, e.text)
		default:
			r.fault(e, p, "E-VALUE", "is neither a path nor an address of this application", "write a path that starts with /, or the address of a host in traffic_matches")
		}
	}
	slices.Sort(out.URLs)
	out.URLs = slices.Compact(out.URLs)
	return out
}

// belongs reports whether url is at origin.
func belongs(url, origin string) bool {
	rest, ok := strings.CutPrefix(url, origin)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?') && !strings.ContainsAny(rest, " \t\r\n#")
}

// addresses are scheme, host and port of each exact host of the services: https
// where a service has a port for it.
func addresses(services []Service) []string {
	var out []string
	for _, svc := range services {
		plain := slices.IndexFunc(svc.Ports, func(p Port) bool { return p.HTTP > 0 })
		secure := slices.IndexFunc(svc.Ports, func(p Port) bool { return p.HTTPS > 0 })
		for _, h := range svc.Hosts {
			switch {
			case h.Name == "" || strings.Contains(h.Name, "*"):
			case secure >= 0:
				out = append(out, origin("https", h.Name, svc.Ports[secure].HTTPS, 443))
			case plain >= 0:
				out = append(out, origin("http", h.Name, svc.Ports[plain].HTTP, 80))
			}
		}
	}
	return out
}

func origin(scheme, host string, port, usual int) string {
	if port == usual {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + itoa(port)
}

// statuses reads codes and ranges; none: 200.
func (r *reader) statuses(n *node, p place) []render.StatusRange {
	var out []render.StatusRange
	for i, item := range items(n) {
		for part := range strings.SplitSeq(item.text, ",") {
			from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
			if !isRange {
				to = from
			}
			a, okA := digits(strings.TrimSpace(from))
			b, okB := digits(strings.TrimSpace(to))
			if item.shape != Text || !okA || !okB || a < 100 || b > 599 || a > b {
				r.fault(item, p.index(i), "E-VALUE", "is no status", `write codes and ranges from 100 to 599, as in ["200", "300-399"]`)
				break
			}
			out = append(out, render.StatusRange{From: int(a), To: int(b)})
		}
	}
	if len(out) == 0 {
		return []render.StatusRange{{From: 200, To: 200}}
	}
	return out
}
