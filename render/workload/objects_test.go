package workload

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// snapshot is a revision without files, for what happens after parsing.
type snapshot struct {
	sources.Snapshot
	hash string
}

func (s snapshot) Revision() sources.Revision { return sources.Revision{Ref: "main", Hash: s.hash} }

func TestCounts(t *testing.T) {
	for name, tc := range map[string]struct {
		min, max int64
		replicas any
		seeded   *render.Range
		budget   bool
	}{
		"one and no upper end is seeded":      {min: 1, seeded: &render.Range{Min: 1}},
		"equal counts are rondo's":            {min: 1, max: 1, replicas: int64(1)},
		"two get a budget and are spread":     {min: 2, max: 2, replicas: int64(2), budget: true},
		"a range is seeded":                   {min: 2, max: 5, seeded: &render.Range{Min: 2, Max: 5}, budget: true},
		"none and no upper end can be scaled": {seeded: &render.Range{}},
		"scale to zero with an upper end":     {max: 3, seeded: &render.Range{Max: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := build(t, shop(web(func(s *manifest.Service) { s.MinCount, s.MaxCount = tc.min, tc.max })), render.Input{})
			d := find(objects, "Deployment/web")
			if got := get(d.Body, "spec", "replicas"); got != tc.replicas {
				t.Errorf("spec.replicas = %v, want %v", got, tc.replicas)
			}
			if diff := cmp.Diff(tc.seeded, d.Replicas); diff != "" {
				t.Error(diff)
			}
			if got := find(objects, "PodDisruptionBudget/web") != nil; got != tc.budget {
				t.Errorf("budget: %t, want %t", got, tc.budget)
			}
			if got := get(d.Body, "spec", "template", "spec", "topologySpreadConstraints") != nil; got != tc.budget {
				t.Errorf("spread: %t, want %t", got, tc.budget)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	for name, tc := range map[string]struct {
		ports     []manifest.Port
		facts     render.Facts
		container string
		services  map[string]string
	}{
		"no port, no Service": {},
		"a container port": {
			ports: []manifest.Port{{Container: 9102}}, container: "c-9102 9102/TCP",
			services: map[string]string{"web": "c-9102 9102>9102/TCP"},
		},
		"the HTTP number beside the container's": {
			ports: []manifest.Port{{Container: 8000, HTTP: 80, HTTPS: 443}}, container: "c-8000 8000/TCP",
			services: map[string]string{"web": "c-8000 8000>8000/TCP http-80 80>8000/TCP"},
		},
		"unless a container port has it": {
			ports: []manifest.Port{{Container: 80, HTTP: 80}}, container: "c-80 80/TCP",
			services: map[string]string{"web": "c-80 80>80/TCP"},
		},
		"unless another container port has it": {
			ports: []manifest.Port{{Container: 8000, HTTP: 80}, {Container: 80}}, container: "c-8000 8000/TCP c-80 80/TCP",
			services: map[string]string{"web": "c-8000 8000>8000/TCP c-80 80>80/TCP"},
		},
		"a UDP port does not take the HTTP number": {
			ports: []manifest.Port{{Container: 8000, HTTP: 80}, {Container: 80, UDP: 443}}, container: "c-8000 8000/TCP c-80 80/UDP",
			services: map[string]string{"web": "c-8000 8000>8000/TCP c-80 80>80/UDP http-80 80>8000/TCP", "web-ext": "LoadBalancer udp-443 443>80/UDP"},
		},
		"a container port in two entries is one": {
			ports: []manifest.Port{{Container: 8000, HTTP: 80}, {Container: 8000, TCP: 9000}}, container: "c-8000 8000/TCP",
			services: map[string]string{"web": "c-8000 8000>8000/TCP http-80 80>8000/TCP", "web-ext": "LoadBalancer tcp-9000 9000>8000/TCP"},
		},
		"UDP alone": {
			ports: []manifest.Port{{Container: 5353, UDP: 53}}, container: "c-5353 5353/UDP",
			services: map[string]string{"web": "c-5353 5353>5353/UDP", "web-ext": "LoadBalancer udp-53 53>5353/UDP"},
		},
		"TCP and UDP on one container port": {
			ports: []manifest.Port{{Container: 53, TCP: 53, UDP: 53}}, container: "c-53 53/TCP c-53-udp 53/UDP",
			services: map[string]string{"web": "c-53 53>53/TCP c-53-udp 53>53/UDP",
				"web-ext": "LoadBalancer tcp-53 53>53/TCP", "web-ext-udp": "LoadBalancer udp-53 53>53/UDP"},
		},
		"a high number without load balancers": {
			ports: []manifest.Port{{Container: 53, TCP: 30053}}, facts: render.Facts{NodePorts: true}, container: "c-53 53/TCP",
			services: map[string]string{"web": "c-53 53>53/TCP", "web-ext": "NodePort tcp-30053 30053>53/TCP@30053"},
		},
		"a high number with load balancers": {
			ports: []manifest.Port{{Container: 53, TCP: 30053}}, container: "c-53 53/TCP",
			services: map[string]string{"web": "c-53 53>53/TCP", "web-ext": "LoadBalancer tcp-30053 30053>53/TCP"},
		},
		"a low number without load balancers": {
			ports: []manifest.Port{{Container: 53, TCP: 53}}, facts: render.Facts{NodePorts: true}, container: "c-53 53/TCP",
			services: map[string]string{"web": "c-53 53>53/TCP", "web-ext": "LoadBalancer tcp-53 53>53/TCP"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects := build(t, shop(web(func(s *manifest.Service) { s.Ports = tc.ports })), render.Input{Facts: tc.facts})
			var container []string
			ports, _ := get(find(objects, "Deployment/web").Body, "spec", "template", "spec", "containers", 0, "ports").([]any)
			for _, p := range ports {
				container = append(container, sprint("%v %v/%v", p, "name", "containerPort", "protocol"))
			}
			if got := strings.Join(container, " "); got != tc.container {
				t.Errorf("container ports: %s\nwant: %s", got, tc.container)
			}
			services := make(map[string]string)
			for _, o := range objects {
				if o.Body["kind"] != "Service" {
					continue
				}
				var line []string
				if kind, ok := get(o.Body, "spec", "type").(string); ok {
					line = append(line, kind)
				}
				for _, p := range get(o.Body, "spec", "ports").([]any) {
					s := sprint("%v %v>%v/%v", p, "name", "port", "targetPort", "protocol")
					if get(p, "nodePort") != nil {
						s += sprint("@%v", p, "nodePort")
					}
					line = append(line, s)
				}
				services[get(o.Body, "metadata", "name").(string)] = strings.Join(line, " ")
			}
			if diff := cmp.Diff(tc.services, services, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStopping(t *testing.T) {
	for name, tc := range map[string]struct {
		grace  time.Duration
		port   manifest.Port
		want   int64
		drains bool
	}{
		"inside the cluster it is the manifest's": {grace: 10 * time.Second, port: manifest.Port{Container: 80}, want: 10},
		"behind the edge it drains first":         {grace: 40 * time.Second, port: manifest.Port{Container: 80, HTTP: 80}, want: 45, drains: true},
		"behind a load balancer too":              {grace: time.Minute, port: manifest.Port{Container: 80, TCP: 80}, want: 65, drains: true},
		"zero is at once":                         {port: manifest.Port{Container: 80, HTTP: 80}, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			objects := build(t, shop(web(func(s *manifest.Service) {
				s.StopGrace, s.Ports = tc.grace, []manifest.Port{tc.port}
			})), render.Input{})
			pod := get(find(objects, "Deployment/web").Body, "spec", "template", "spec")
			if got := get(pod, "terminationGracePeriodSeconds"); got != tc.want {
				t.Errorf("grace = %v, want %v", got, tc.want)
			}
			if got := get(pod, "containers", 0, "lifecycle", "preStop", "sleep", "seconds") != nil; got != tc.drains {
				t.Errorf("drains: %t, want %t", got, tc.drains)
			}
		})
	}
}

func TestResources(t *testing.T) {
	for name, tc := range map[string]struct {
		in   manifest.Resources
		want any
	}{
		"nothing": {},
		"a limit is the request too": {manifest.Resources{LimitMemory: "1G", LimitCPU: "1"},
			map[string]any{"limits": map[string]any{"cpu": "1", "memory": "1G"}, "requests": map[string]any{"cpu": "1", "memory": "1G"}}},
		"a request alone":             {manifest.Resources{RequestCPU: "100m"}, map[string]any{"requests": map[string]any{"cpu": "100m"}}},
		"both are kept as they stand": {manifest.Resources{RequestCPU: "1", LimitCPU: "2"}, map[string]any{"limits": map[string]any{"cpu": "2"}, "requests": map[string]any{"cpu": "1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			objects := build(t, shop(web(func(s *manifest.Service) { s.Resources = tc.in })), render.Input{})
			got := get(find(objects, "Deployment/web").Body, "spec", "template", "spec", "containers", 0, "resources")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCommandsInProbesAreFilledInByRondo(t *testing.T) {
	for name, tc := range map[string]struct {
		word, want, code string
	}{
		"a variable of the application": {word: "-h $(HOST)", want: "-h db"},
		"the service's own wins":        {word: "$(PORT)", want: "2"},
		"dollars stay":                  {word: "echo $$ $(date)", want: "echo $$ $(date)"},
		"a secret cannot be known":      {word: "$(TOKEN)", code: "E-VALUE"},
		"a Secret's key neither":        {word: "$(KEY)", code: "E-VALUE"},
		"nor the node":                  {word: "$(SERVER_NAME)", code: "E-VALUE"},
	} {
		t.Run(name, func(t *testing.T) {
			app := shop(web(func(s *manifest.Service) {
				s.Alive = &manifest.Probe{Type: "exec", Command: []string{tc.word}, Period: 1, Timeout: 1, SuccessThreshold: 1, FailureThreshold: 1}
				s.Env = []manifest.Variable{{Name: "PORT", Value: text("2")}, {Name: "TOKEN", Secret: true, Value: text("canary")},
					{Name: "KEY", Value: manifest.Value{Parts: []manifest.Part{secretKey("s", "k")}}}}
			}))
			app.Variables = []manifest.Variable{{Name: "HOST", Value: text("db")}, {Name: "PORT", Value: text("1")}, {Name: "TOKEN", Value: text("x")}}
			objects, problems := Builder{}.objects(app, render.Input{})
			if tc.code != "" {
				if len(problems) != 1 || problems[0].Code != tc.code || strings.Contains(problems[0].Error(), "canary") {
					t.Errorf("problems: %v", problems)
				}
				return
			}
			word := get(find(objects, "Deployment/web").Body, "spec", "template", "spec", "containers", 0, "livenessProbe", "exec", "command", 0)
			if got := expand(word.(string), nil); got != tc.want || len(problems) > 0 {
				t.Errorf("probe runs %q, want %q; problems %v", got, tc.want, problems)
			}
		})
	}
}
