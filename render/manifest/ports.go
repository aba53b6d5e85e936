package manifest

import (
	"strings"

	"rondo.dev/rondo/sources"
)

// portsOf reads ports in all forms of spec 2.6.
func (r *reader) portsOf(s *service) []Port {
	var out []Port
	at := s.place.key("ports")
	for i, item := range items(s.ports) {
		p := at.index(i)
		if s.ports.shape != List {
			p = at
		}
		var port Port
		var ok bool
		switch item.shape {
		case Text:
			port, ok = r.portText(item, p)
		case Mapping:
			port, ok = r.portMap(item, p)
		default:
			r.fault(item, p, "E-TYPE", "is a list, not a port", "write 8080, 8080:80:443 or {container: 8080, http: 80}")
		}
		if !ok {
			continue
		}
		port.Pos = item.pos
		if r.assume(&port, item, p) {
			out = append(out, port)
		}
	}
	r.duplicates(out, s)
	return out
}

// portText reads "container", "container:http" and "container:http:https",
// where http may be empty.
func (r *reader) portText(n *node, p place) (port Port, ok bool) {
	parts := strings.Split(n.text, ":")
	into := []*int{&port.Container, &port.HTTP, &port.HTTPS}
	if len(parts) > len(into) {
		r.fault(n, p, "E-VALUE", "has more than three parts", "write container:http:https")
		return port, false
	}
	for i, part := range parts {
		if part == "" && len(parts) == 3 && i == 1 {
			continue
		}
		number, ok := digits(strings.TrimSpace(part))
		if !ok || number < 1 || number > 65535 {
			fix := "write numbers from 1 to 65535, as in 8080:80:443"
			switch {
			case refers(n.text):
				fix = "write the number itself; ports hold no references"
			case strings.Contains(part, "/"):
				fix = "write {container: 5353, tcp: 5353} or {container: 5353, udp: 5353}"
			case strings.Contains(strings.Trim(part, "-"), "-"):
				fix = "write each port of the range as an entry of its own"
			}
			r.fault(n, p, "E-VALUE", "is not a port", fix)
			return port, false
		}
		*into[i] = int(number)
	}
	return port, true
}

// portMap reads {container: …, http: …, https: …, tcp: …, udp: …}.
func (r *reader) portMap(n *node, p place) (port Port, ok bool) {
	var raw rawPort
	errors := r.errors
	r.walk(n, p, raw.options())
	for _, f := range []struct {
		name string
		n    *node
		to   *int
	}{
		{"container", raw.container, &port.Container}, {"http", raw.http, &port.HTTP}, {"https", raw.https, &port.HTTPS},
		{"tcp", raw.tcp, &port.TCP}, {"udp", raw.udp, &port.UDP},
	} {
		if f.n == nil {
			continue
		}
		number, ok := integer(f.n)
		if !ok || number < 1 || number > 65535 {
			r.fault(f.n, p.key(f.name), "E-VALUE", "is not a port", "write a number from 1 to 65535")
			continue
		}
		*f.to = int(number)
	}
	return port, r.errors == errors
}

// onlyUDP reports whether nothing else than UDP is said to reach the container.
func (p Port) onlyUDP() bool { return p.UDP != 0 && p.HTTP+p.HTTPS+p.TCP == 0 }

// assume fills in a missing container port where there is only one number.
func (r *reader) assume(port *Port, n *node, p place) bool {
	if port.Container != 0 {
		return true
	}
	only, several := 0, false
	for _, number := range []int{port.HTTP, port.HTTPS, port.TCP, port.UDP} {
		if number != 0 {
			several = several || only != 0 && only != number
			only = number
		}
	}
	if only == 0 || several {
		r.fault(n, p, "E-PORT-CONTAINER", "does not say which port the container listens on", "add container:")
		return false
	}
	port.Container = only
	r.fault(n, p, "I-PORT-ASSUMED", "has no container port; %d is taken", "add container: "+itoa(only), only)
	return true
}

// duplicates finds external numbers that a service uses twice.
func (r *reader) duplicates(ports []Port, s *service) {
	type external struct {
		protocol string
		number   int
	}
	first := map[external]Port{}
	for i, port := range ports {
		for _, e := range []external{{"TCP", port.HTTP}, {"TCP", port.HTTPS}, {"TCP", port.TCP}, {"UDP", port.UDP}} {
			if e.number == 0 {
				continue
			}
			if f, dup := first[e]; dup {
				at := s.place.key("ports").index(i)
				r.add(port.Pos, at.path, "E-PORT-DUP", s.place.String()+": external port "+itoa(e.number)+" is also used at line "+itoa(f.Pos.Line),
					"use another number, or remove one of the two")
				continue
			}
			first[e] = port
		}
	}
}

// checkPorts finds external numbers that two services cannot share: http and
// https with a host in common, tcp and udp at all (spec 2.6 rule 11).
func (r *reader) checkPorts(services []Service) {
	type outside struct {
		kind   string
		number int
		host   string
	}
	first := map[outside]string{}
	claim := func(s *Service, pos sources.Position, o outside, what, fix string) {
		if owner, taken := first[o]; taken && owner != s.RawName {
			r.add(pos, "services."+s.RawName+".ports", "E-PORT-CONFLICT",
				"service "+s.RawName+": "+what+" is also served by "+owner, fix)
			return
		}
		first[o] = s.RawName
	}
	for i := range services {
		s := &services[i]
		hosts := s.Hosts
		if len(hosts) == 0 {
			hosts = []Host{{}}
		}
		for _, port := range s.Ports {
			if port.TCP != 0 {
				claim(s, port.Pos, outside{kind: "tcp", number: port.TCP}, "TCP port "+itoa(port.TCP), "use another number")
			}
			if port.UDP != 0 {
				claim(s, port.Pos, outside{kind: "udp", number: port.UDP}, "UDP port "+itoa(port.UDP), "use another number")
			}
			for _, number := range []int{port.HTTP, port.HTTPS} {
				if number == 0 {
					continue
				}
				for _, h := range hosts {
					pos, name := h.Pos, "this host"
					if h.Name == "" {
						name = "any host"
					}
					if pos.Line == 0 {
						pos = port.Pos
					}
					claim(s, pos, outside{"web", number, h.Name}, name+" on port "+itoa(number), "give the services different traffic_matches")
				}
			}
		}
	}
}
