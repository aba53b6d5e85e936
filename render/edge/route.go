package edge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// Protocol is what a route listens for at the edge.
type Protocol string

// Behind the edge both are plain HTTP: TLS ends there.
const (
	HTTP  Protocol = "http"
	HTTPS Protocol = "https"
)

// Route is one answer of the edge (spec 4.1).
type Route struct {
	Pos           sources.Position // the host or port in the manifest that asks for it
	Port          int              // at the edge
	Protocol      Protocol
	Host          string // lower case; "*.example.org" any host below; "" any host
	Service       string // object name
	ContainerPort int
}

// Routes lists the routes of all services by port, then the more specific host
// first, then by name.
func Routes(services []manifest.Service) ([]Route, []render.Problem) {
	var routes []Route
	var problems []render.Problem
	for _, svc := range services {
		for _, p := range svc.Ports {
			for _, external := range []struct {
				protocol Protocol
				number   int
				only     int
			}{{HTTP, p.HTTP, 80}, {HTTPS, p.HTTPS, 443}} {
				if external.number == 0 {
					continue
				}
				if external.number != external.only {
					problems = append(problems, render.Problem{Pos: p.Pos, Code: "E-EDGE-PORT",
						What: fmt.Sprintf("service %s opens %s on port %d, which an Ingress cannot", svc.RawName, external.protocol, external.number),
						Fix:  fmt.Sprintf("use %d", external.only)})
					continue
				}
				route := Route{Pos: p.Pos, Port: external.number, Protocol: external.protocol, Service: svc.Name, ContainerPort: p.Container}
				if len(svc.Hosts) == 0 {
					routes = append(routes, route)
				}
				for _, h := range svc.Hosts {
					route.Pos, route.Host = h.Pos, h.Name
					routes = append(routes, route)
				}
				if external.protocol == HTTPS {
					problems = append(problems, render.Problem{Pos: p.Pos, Code: "W-TLS-NOCERT",
						What: fmt.Sprintf("service %s opens https without a certificate; the edge uses its default one", svc.RawName),
						Fix:  "give the Ingress controller a default certificate for its hosts"})
				}
			}
		}
		problems = append(problems, wildcards(svc)...)
	}
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), specificity(a.Host, b.Host),
			cmp.Compare(a.Host, b.Host), cmp.Compare(a.Service, b.Service), cmp.Compare(a.ContainerPort, b.ContainerPort))
	})
	return routes, append(problems, conflicts(routes)...)
}

// wildcards tells that those of an Ingress stand for one label only.
func wildcards(svc manifest.Service) []render.Problem {
	var problems []render.Problem
	for _, h := range svc.Hosts {
		if strings.HasPrefix(h.Name, "*.") && slices.ContainsFunc(svc.Ports, func(p manifest.Port) bool { return p.HTTP+p.HTTPS > 0 }) {
			problems = append(problems, render.Problem{Pos: h.Pos, Code: "I-WILDCARD-DEPTH",
				What: fmt.Sprintf("a wildcard of service %s matches one name in place of the star, no deeper ones", svc.RawName),
				Fix:  "list deeper names as well"})
		}
	}
	return problems
}

// specificity orders hosts: names, wildcards by falling length, any host.
func specificity(a, b string) int {
	class := func(host string) int {
		switch {
		case host == "":
			return 2
		case strings.HasPrefix(host, "*."):
			return 1
		}
		return 0
	}
	if c := cmp.Compare(class(a), class(b)); c != 0 || class(a) != 1 {
		return c
	}
	return cmp.Compare(len(b), len(a))
}

// conflicts finds hosts that lead to two places: an Ingress answers alike on 80
// and 443. Two services on one port are the manifest's own fault, found there.
func conflicts(routes []Route) []render.Problem {
	var problems []render.Problem
	first := make(map[string]Route)
	for _, r := range routes {
		f, seen := first[r.Host]
		host := "the host"
		if r.Host == "" {
			host = "any host"
		}
		switch {
		case !seen:
			first[r.Host] = r
		case f.Service != r.Service || f.ContainerPort != r.ContainerPort:
			problems = append(problems, render.Problem{Pos: r.Pos, Code: "E-EDGE-PORT",
				What: fmt.Sprintf("%s leads to %s:%d on port %d and, at %s, to %s:%d on port %d, which an Ingress cannot tell apart",
					host, r.Service, r.ContainerPort, r.Port, f.Pos, f.Service, f.ContainerPort, f.Port),
				Fix: "let both lead to one port of one service"})
		}
	}
	return problems
}
