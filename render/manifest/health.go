package manifest

import (
	"slices"
	"strings"
	"time"

	"rondo.dev/rondo/render"
)

// healthOf reads health in the form of version 2, one of its words, or the form
// of version 1 (spec 2.12).
func (r *reader) healthOf(s *service, out *Service) {
	n := s.health
	at := s.place.key("health")
	switch {
	case n == nil:
		return
	case n.shape == Text && n.text == "default":
		out.Ready = r.probe(&node{pos: n.pos, shape: Mapping}, at, "ready", s, out)
		return
	case n.shape == Text:
		return
	case r.isOldHealth(n):
		r.oldHealth(n, at, s, out)
		return
	}
	table := healthOptions()
	for _, f := range n.fields {
		o := find(table, f.key)
		if o == nil || o.Disposition == render.Unknown {
			inner := at
			inner.outer = s.options()
			r.unknown(f, inner, o, table)
			continue
		}
		p := at.key(f.key)
		if f.value.isNull() {
			continue
		}
		if f.value.shape == Text && f.value.text == "none" {
			continue
		}
		if !r.fits(f.value, p, o) {
			continue
		}
		probe := r.probe(&node{pos: f.pos, shape: Mapping, fields: f.value.fields}, p, f.key, s, out)
		switch f.key {
		case "ready":
			out.Ready = probe
		case "alive":
			out.Alive = probe
		case "startup":
			out.Startup = probe
		}
	}
}

// probe reads one block of health. Kind is its name.
func (r *reader) probe(n *node, at place, kind string, s *service, out *Service) *Probe {
	var raw rawProbe
	r.walk(n, at, raw.options())
	p := &Probe{Pos: n.pos, Type: "http"}
	if raw.kind != nil {
		p.Type = raw.kind.text
	}
	web := p.Type == "http" || p.Type == "https"
	if web {
		p.Endpoint = "/"
		if text, ok := r.optional(raw.endpoint, at.key("endpoint"), s); ok {
			p.Endpoint = text
		}
		if !strings.HasPrefix(p.Endpoint, "/") || strings.ContainsAny(p.Endpoint, " \t\r\n") {
			r.fault(raw.endpoint, at.key("endpoint"), "E-VALUE", "is not a path", "write a path that starts with /")
		}
		p.Headers = r.headers(raw.headers, at.key("http_headers"), s)
	} else if idle := either(raw.endpoint, raw.headers); idle != nil {
		r.fault(idle, at, "W-NOT-APPLICABLE", "has endpoint or http_headers, which type %s does not use", "remove them, or set type: http", p.Type)
	}
	if p.Type == "exec" {
		if raw.command == nil {
			r.fault(n, at, "E-VALUE", "has type exec but no command", "add command:")
		}
		p.Command = r.commandOf(raw.command, at.key("command"), s)
	} else {
		if raw.command != nil {
			r.fault(raw.command, at.key("command"), "W-NOT-APPLICABLE", "is not used by type %s", "set type: exec", p.Type)
		}
		p.Port = r.probePort(raw.port, n, at, out)
	}
	p.InitialDelay = r.seconds(raw.delay, at.key("initial_delay"), 1, 0)
	p.Period = r.seconds(raw.period, at.key("period"), 5, 1)
	p.Timeout = r.seconds(raw.timeout, at.key("timeout"), 5, 1)
	p.SuccessThreshold = r.threshold(raw.success, at.key("success_threshold"), 1)
	failures := int64(1)
	if kind == "startup" {
		failures = 30 // 1 would kill whatever is not up at the first try
	}
	p.FailureThreshold = r.threshold(raw.failure, at.key("failure_threshold"), failures)
	if kind != "ready" && p.SuccessThreshold != 1 {
		r.fault(raw.success, at.key("success_threshold"), "W-HEALTH-SUCCESS", "can only be 1 here; 1 is used", "remove it")
		p.SuccessThreshold = 1
	}
	if kind == "alive" && raw.failure == nil {
		r.fault(n, at, "I-HEALTH-ALIVE-1", "restarts the container after one failed check", "set failure_threshold: 3")
	}
	return p
}

// probePort is the port that a check asks: the written one, or the first of the
// container.
func (r *reader) probePort(n, probe *node, at place, out *Service) int {
	if n == nil {
		for _, p := range out.Ports {
			if !p.onlyUDP() {
				return p.Container
			}
		}
		r.fault(probe, at, "E-HEALTH-NOPORT", "has no port to ask, since the service has none for TCP", "add ports:, or set type: exec")
		return 0
	}
	number, ok := integer(n)
	if !ok || number < 1 || number > 65535 {
		r.fault(n, at.key("port"), "E-VALUE", "is not a port", "write a number from 1 to 65535")
		return 0
	}
	if !slices.ContainsFunc(out.Ports, func(p Port) bool { return int64(p.Container) == number && !p.onlyUDP() }) {
		r.fault(n, at.key("port"), "W-HEALTH-PORT", "is not a container port of the service", "add it to ports:, or correct it")
	}
	return int(number)
}

func (r *reader) headers(n *node, at place, s *service) []Header {
	var out []Header
	for i, item := range items(n) {
		p := at.index(i)
		if item.shape != Mapping {
			r.fault(item, p, "E-TYPE", "is %s, not a mapping", "write {name: …, value: …}", form(item))
			continue
		}
		var raw rawHeader
		r.walk(item, p, raw.options())
		name, okName := r.optional(raw.name, p.key("name"), s)
		value, okValue := r.optional(raw.value, p.key("value"), s)
		// The characters of a header name are those of RFC 9110, 5.6.2.
		if !okName || name == "" || strings.Trim(name, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" ||
			strings.ContainsAny(value, "\r\n") {
			r.fault(item, p, "E-VALUE", "is no request header", "write {name: …, value: …}")
			continue
		}
		if okValue || raw.value == nil {
			out = append(out, Header{Name: name, Value: value})
		}
	}
	return out
}

// seconds reads a number of seconds, or a duration, of at least least.
func (r *reader) seconds(n *node, p place, def, least int64) int64 {
	if n == nil {
		return def
	}
	d, ok := duration(n.text)
	if v := int64(d / time.Second); ok && v >= least && v <= 1<<31-1 {
		return v
	}
	r.fault(n, p, "E-VALUE", "is not a number of seconds", "write "+itoa(int(least))+" or more seconds")
	return def
}

func (r *reader) threshold(n *node, p place, def int64) int64 {
	if n == nil {
		return def
	}
	if v, ok := integer(n); ok && v >= 1 && v <= 1<<31-1 {
		return v
	}
	r.fault(n, p, "E-VALUE", "is not a number of checks", "write 1 or more")
	return def
}

// isOldHealth recognises version 1 by its keys directly below health.
func (r *reader) isOldHealth(n *node) bool {
	has := func(table []Option) bool {
		return slices.ContainsFunc(n.fields, func(f field) bool { return find(table, f.key) != nil })
	}
	return !has(healthOptions()) && has(new(rawCheck).options())
}

// oldHealth translates the form of version 1: the container is asked until it
// answers, then it is ready.
func (r *reader) oldHealth(n *node, at place, s *service, out *Service) {
	var raw rawCheck
	r.walk(n, at, raw.options())
	if raw.kind != nil && raw.kind.text == "outbound" {
		r.fault(raw.kind, at, "E-HEALTH-OUTBOUND", "waits for a call from the container, which does not exist here", "use startup: with type exec or http")
		return
	}
	r.fault(n, at, "I-TRANSLATED", "is in the form of version 1; it becomes ready and startup", "write ready: {endpoint: …}")
	for i, item := range items(raw.accept) {
		if slices.ContainsFunc(strings.Split(item.text, ","), func(s string) bool { return !acceptable(strings.TrimSpace(s)) }) {
			r.fault(item, at.key("accept").index(i), "W-HEALTH-ACCEPT", "cannot be required; any status from 200 to 399 is good", "remove it")
		}
	}
	var fields []field
	if raw.endpoint != nil {
		fields = append(fields, field{"endpoint", raw.endpoint.pos, raw.endpoint})
	}
	if raw.protocol != nil {
		fields = append(fields, field{"type", raw.protocol.pos, raw.protocol})
	}
	block := &node{pos: n.pos, shape: Mapping, fields: fields}
	timeout := r.seconds(raw.timeout, at.key("timeout"), 30, 1)
	errors := r.errors
	if out.Ready = r.probe(block, at, "ready", s, out); r.errors > errors {
		return
	}
	startup := *out.Ready
	startup.FailureThreshold = max(1, (timeout+startup.Period-1)/startup.Period)
	out.Startup = &startup
}

// acceptable reports whether a status or a range lies within 200 to 399.
func acceptable(s string) bool {
	from, to, isRange := strings.Cut(s, "-")
	if !isRange {
		to = from
	}
	a, okA := digits(from)
	b, okB := digits(to)
	return okA && okB && a >= 200 && b <= 399 && a <= b
}
