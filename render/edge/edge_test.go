package edge_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render/edge"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// service makes a service from lines such as "8000 http=80" and host names.
func service(name string, hosts []string, ports ...manifest.Port) manifest.Service {
	svc := manifest.Service{Name: name, RawName: name, Ports: ports}
	for i, h := range hosts {
		svc.Hosts = append(svc.Hosts, manifest.Host{Name: h, Pos: sources.Position{File: name, Line: i + 1}})
	}
	return svc
}

func TestRoutes(t *testing.T) {
	web := manifest.Port{Container: 8000, HTTP: 80, HTTPS: 443}
	for name, tc := range map[string]struct {
		services []manifest.Service
		want     string // lines "port protocol host service:port"
		codes    string
	}{
		"exact names, then long wildcards, then any host": {
			services: []manifest.Service{
				service("c", nil, manifest.Port{Container: 1, HTTP: 80}),
				service("b", []string{"*.example.org", "*.shop.example.org"}, manifest.Port{Container: 1, HTTP: 80}),
				service("a", []string{"z.example.org", "a.example.org"}, manifest.Port{Container: 1, HTTP: 80}),
			},
			want: `80 http a.example.org a:1
80 http z.example.org a:1
80 http *.shop.example.org b:1
80 http *.example.org b:1
80 http  c:1`,
			codes: "I-WILDCARD-DEPTH I-WILDCARD-DEPTH",
		},
		"http and https of one service": {
			services: []manifest.Service{service("web", []string{"example.org"}, web)},
			want:     "80 http example.org web:8000\n443 https example.org web:8000",
			codes:    "W-TLS-NOCERT",
		},
		"ports inside the cluster make no route": {
			services: []manifest.Service{service("web", []string{"*.example.org"}, manifest.Port{Container: 1, TCP: 5222})},
		},
		"other numbers need another edge": {
			services: []manifest.Service{service("web", nil, manifest.Port{Container: 1, HTTP: 8080}, manifest.Port{Container: 1, HTTPS: 80})},
			codes:    "E-EDGE-PORT E-EDGE-PORT",
		},
		"one service may say it twice": {
			services: []manifest.Service{service("a", []string{"", ""}, manifest.Port{Container: 1, HTTP: 80})},
			want:     "80 http  a:1\n80 http  a:1",
		},
		"http and https of one host must lead to one place": {
			services: []manifest.Service{
				service("a", []string{"example.org"}, manifest.Port{Container: 1, HTTP: 80}),
				service("b", []string{"example.org"}, manifest.Port{Container: 2, HTTPS: 443}),
			},
			want:  "80 http example.org a:1\n443 https example.org b:2",
			codes: "W-TLS-NOCERT E-EDGE-PORT",
		},
	} {
		t.Run(name, func(t *testing.T) {
			routes, problems := edge.Routes(tc.services)
			var got, codes []string
			for _, r := range routes {
				got = append(got, fmt.Sprintf("%d %s %s %s:%d", r.Port, r.Protocol, r.Host, r.Service, r.ContainerPort))
			}
			for _, p := range problems {
				codes = append(codes, p.Code)
				if strings.Contains(p.Error(), "example.org") {
					t.Errorf("repeats a value: %s", p.Error())
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
			if got := strings.Join(codes, " "); got != tc.codes {
				t.Errorf("codes %q, want %q: %v", got, tc.codes, problems)
			}
		})
	}
}

func TestIngress(t *testing.T) {
	routes := func(hosts ...string) []edge.Route {
		r, _ := edge.Routes([]manifest.Service{service("web", hosts, manifest.Port{Container: 8000, HTTPS: 443, HTTP: 80}),
			service("other", []string{"other.example.org"}, manifest.Port{Container: 1, HTTP: 80})})
		return r
	}
	for name, tc := range map[string]struct {
		routes []edge.Route
		class  string
		want   string // spec
	}{
		"no routes, no Ingress": {routes: routes("example.org")[:0]},
		"hosts with TLS and a class": {routes: routes("example.org", "*.example.org"), class: "edge", want: `
ingressClassName: edge
rules:
- host: example.org
  http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 8000}}}}]}
- host: "*.example.org"
  http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 8000}}}}]}
tls: [{hosts: [example.org, "*.example.org"]}]`},
		"any host": {routes: routes(), want: `
rules:
- http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 8000}}}}]}
tls: [{}]`},
	} {
		t.Run(name, func(t *testing.T) {
			o, ok := edge.Ingress("web", tc.routes, tc.class)
			if ok != (tc.want != "") {
				t.Fatalf("ok = %t", ok)
			}
			if !ok {
				return
			}
			got, err := yaml.Marshal(o.Body["spec"])
			if err != nil {
				t.Fatal(err)
			}
			var want any
			if err := yaml.Unmarshal([]byte(tc.want), &want); err != nil {
				t.Fatal(err)
			}
			wantText, err := yaml.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(wantText), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
