package score

import (
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
)

// bundle reads objects separated by "---".
func bundle(t *testing.T, text string) render.Bundle {
	t.Helper()
	var b render.Bundle
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var body map[string]any
		if err := yaml.Unmarshal([]byte(doc), &body); err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		if body == nil {
			continue
		}
		group, version, ok := strings.Cut(body["apiVersion"].(string), "/")
		if !ok {
			group, version = "", group
		}
		meta := body["metadata"].(map[string]any)
		b.Objects = append(b.Objects, render.Object{Body: body, Version: version,
			ID: render.ID{Group: group, Kind: body["kind"].(string), Namespace: "shop", Name: meta["name"].(string)}})
	}
	return b
}

// shop is an application without a fault: parts of it are replaced by tests.
const shop = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: shop, tier: web}}
    spec:
      securityContext: {runAsNonRoot: true}
      containers:
      - name: web
        image: example.org/web:1.2
        ports: [{name: c-8000, containerPort: 8000}]
        resources: {requests: {cpu: 100m, memory: 64Mi}}
        readinessProbe: {httpGet: {path: /ready, port: 8000}}
        livenessProbe: {httpGet: {path: /alive, port: 8000}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: shop, tier: web}, ports: [{name: c-8000, port: 8000}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{hosts: [shop.example.org]}]
  rules: [{host: shop.example.org, http: {paths: [{backend: {service: {name: web, port: {number: 8000}}}}]}}]
`

// failed lists the checks that did not pass, worst first.
func failed(s Score) string {
	var out []string
	for _, c := range s.Checks {
		if c.Cap != "" {
			out = append(out, fmt.Sprintf("%s %s: %s", c.Cap, c.ID, c.Reason))
		}
	}
	return strings.Join(out, "\n")
}

func TestChecksOfTheRendering(t *testing.T) {
	for name, tc := range map[string]struct{ old, replaced, want string }{
		"nothing to find":                      {"", "", ""},
		"CODE-05: no tag":                      {"example.org/web:1.2", "example.org/web", "C CODE-05: web uses example.org/web without a fixed tag"},
		"CODE-05: latest":                      {"example.org/web:1.2", "example.org/web:latest", "C CODE-05: web uses example.org/web:latest without a fixed tag"},
		"CODE-05: the port of a registry":      {"example.org/web:1.2", "localhost:5000/web", "C CODE-05: web uses localhost:5000/web without a fixed tag"},
		"CODE-05: a digest is fixed":           {"example.org/web:1.2", "example.org/web@sha256:abc", ""},
		"CODE-05: latest with a digest too":    {"example.org/web:1.2", "example.org/web:latest@sha256:abc", ""},
		"CONN-11: one replica":                 {"replicas: 2", "replicas: 1", "C CONN-11: web runs once"},
		"CONN-11: no count is one":             {"  replicas: 2\n", "", "C CONN-11: web runs once"},
		"CONN-11: not asked of what is off":    {"replicas: 2", "replicas: 0", ""},
		"CONN-12: no readiness":                {"        readinessProbe: {httpGet: {path: /ready, port: 8000}}\n", "", "C CONN-12: web has no readiness probe"},
		"CONN-12: no liveness":                 {"        livenessProbe: {httpGet: {path: /alive, port: 8000}}\n", "", "B CONN-12: web has no liveness probe"},
		"CONN-12: twice the same":              {"/alive", "/ready", "B CONN-12: web asks the same for ready and alive"},
		"CONN-12: not asked without ports":     {"        ports: [{name: c-8000, containerPort: 8000}]\n        resources: {requests: {cpu: 100m, memory: 64Mi}}\n        readinessProbe: {httpGet: {path: /ready, port: 8000}}\n", "        resources: {requests: {cpu: 100m, memory: 64Mi}}\n", ""},
		"PERF-02: no requests":                 {"{requests: {cpu: 100m, memory: 64Mi}}", "{}", "C PERF-02: web requests nothing"},
		"PERF-02: no memory":                   {"{requests: {cpu: 100m, memory: 64Mi}}", "{requests: {cpu: 100m}}", "C PERF-02: web requests no memory"},
		"PERF-02: a limit is a request":        {"{requests: {cpu: 100m, memory: 64Mi}}", "{requests: {cpu: 100m}, limits: {memory: 64Mi}}", ""},
		"SEC-03: no TLS":                       {"  tls: [{hosts: [shop.example.org]}]\n", "", "C SEC-03: shop.example.org is served in clear"},
		"SEC-03: TLS for another host":         {"tls: [{hosts: [shop.example.org]}]", "tls: [{hosts: [www.example.org]}]", "C SEC-03: shop.example.org is served in clear"},
		"SEC-03: a wildcard covers one label":  {"tls: [{hosts: [shop.example.org]}]", "tls: [{hosts: [\"*.example.org\"]}]", ""},
		"SEC-03: TLS without hosts covers all": {"tls: [{hosts: [shop.example.org]}]", "tls: [{secretName: cert}]", ""},
		"SEC-03: any host":                     {"rules: [{host: shop.example.org, http", "rules: [{http", "C SEC-03: any host is served in clear"},
		"SEC-03: no redirect":                  {"kind: Ingress\nmetadata: {name: web}", "kind: Ingress\nmetadata: {name: web, annotations: {nginx.ingress.kubernetes.io/ssl-redirect: \"false\"}}", "B SEC-03: shop.example.org does not redirect to https"},
		"SEC-06: nothing said":                 {"{runAsNonRoot: true}", "{}", "C SEC-06: web may run as root"},
		"SEC-06: root by number":               {"{runAsNonRoot: true}", "{runAsUser: 0}", "C SEC-06: web may run as root"},
		"SEC-06: another user":                 {"{runAsNonRoot: true}", "{runAsUser: 1000}", ""},
		"SEC-06: the container wins":           {"      - name: web\n", "      - name: web\n        securityContext: {runAsNonRoot: false}\n", "C SEC-06: web may run as root"},
		"SEC-06: the container wins for good":  {"{runAsNonRoot: true}", "{}\n      initContainers: [{name: wait, image: \"w:1\", securityContext: {runAsUser: 5}, resources: {limits: {cpu: 1, memory: 1Mi}}}]", "C SEC-06: web may run as root"},
		"containers beside the main are named": {"      - name: web\n", "      - {name: log, image: \"l:1\", resources: {limits: {cpu: 1}}}\n      - name: web\n", "C PERF-02: web/log requests no memory"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(shop, tc.old) {
				t.Fatal("the part to replace is not there")
			}
			if got := failed(Compute(Input{Bundle: bundle(t, strings.Replace(shop, tc.old, tc.replaced, 1))})); got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
		})
	}
}

func TestASeededCountIsJudgedByItsLowerEnd(t *testing.T) {
	b := bundle(t, strings.Replace(shop, "  replicas: 2\n", "", 1))
	b.Objects[0].Replicas = &render.Range{Min: 2}
	if got := failed(Compute(Input{Bundle: b})); got != "" {
		t.Errorf("got %s", got)
	}
}

func TestOneReplicaIsFineWithoutHTTP(t *testing.T) {
	text := strings.Replace(shop, "replicas: 2", "replicas: 1", 1)
	text = text[:strings.Index(text, "---\napiVersion: networking")]
	if got := failed(Compute(Input{Bundle: bundle(t, text)})); got != "" {
		t.Errorf("got %s", got)
	}
	if got := failed(Compute(Input{Bundle: bundle(t, strings.Replace(text, "name: c-8000, port", "name: http-80, port", 1))})); got != "C CONN-11: web runs once" {
		t.Errorf("a port that is named http: got %s", got)
	}
}

func TestChecksOfTheCluster(t *testing.T) {
	well := Observed{Endpoints: map[string]int{"web": 2}, Pods: []PodState{{Service: "web", Name: "web-1", Restarts: 5}}}
	for name, tc := range map[string]struct {
		change func(*Observed)
		want   string
	}{
		"all is well":                     {func(*Observed) {}, ""},
		"CONN-03: no endpoint":            {func(o *Observed) { o.Endpoints["web"] = 0 }, "F CONN-03: web has no ready endpoint"},
		"CONN-03: not known":              {func(o *Observed) { o.Endpoints = nil }, "C CONN-03: the endpoints of web are not known"},
		"CONN-09: a crash loop":           {func(o *Observed) { o.Pods[0].Reason = "CrashLoopBackOff" }, "F CONN-09: web-1 restarted 5 times (CrashLoopBackOff)"},
		"CONN-09: out of memory":          {func(o *Observed) { o.Pods[0].Reason = "OOMKilled" }, "C CONN-09: web-1 restarted 5 times (OOMKilled)"},
		"CONN-09: many restarts":          {func(o *Observed) { o.Pods[0].Restarts = 6 }, "C CONN-09: web-1 restarted 6 times"},
		"PERF-10: a rollout that is late": {func(o *Observed) { o.RolloutExceeded = []string{"web"} }, "F PERF-10: web did not finish rolling out"},
	} {
		t.Run(name, func(t *testing.T) {
			seen := Observed{Endpoints: map[string]int{"web": well.Endpoints["web"]}, Pods: append([]PodState{}, well.Pods...)}
			tc.change(&seen)
			s := Compute(Input{Bundle: bundle(t, shop), Observed: &seen})
			if got := failed(s); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	if s := Compute(Input{Bundle: bundle(t, shop)}); strings.Contains(fmt.Sprint(s.Checks), "CONN-03") || strings.Contains(fmt.Sprint(s.Checks), "PERF-10") {
		t.Error("a check of the cluster ran without one")
	}
}

func TestAServiceWithoutSelectorHasNoEndpointsOfItsOwn(t *testing.T) {
	b := bundle(t, "apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {type: ExternalName, externalName: db.example.org}")
	if s := Compute(Input{Bundle: b, Observed: &Observed{}}); len(s.Checks) != 0 {
		t.Errorf("got %+v", s.Checks)
	}
}

func TestGrades(t *testing.T) {
	many := func(n int, g Grade) (out []Check) {
		for range n {
			out = append(out, Check{Metric: Security, Result: Fail, Cap: g})
		}
		return append(out, Check{Metric: Security, Result: Pass}, Check{Metric: Code, Result: Fail, Cap: F})
	}
	for name, tc := range map[string]struct {
		checks []Check
		want   Grade
	}{
		"no check is not judged":              {nil, ""},
		"what does not apply is not judged":   {[]Check{{Metric: Security, Result: NotApplicable}}, ""},
		"passed checks are an A":              {many(0, ""), A},
		"the lowest cap counts":               {append(many(1, B), many(1, D)...), D},
		"four times B are B":                  {many(4, B), B},
		"five times B are C":                  {many(5, B), C},
		"two times C are C":                   {many(2, C), C},
		"three times C are D":                 {many(3, C), D},
		"three times D are E":                 {many(3, D), E},
		"three times E are E":                 {many(3, E), E},
		"one step at most":                    {many(30, B), C},
		"five times B do not lower a C":       {append(many(5, B), many(1, C)...), C},
		"what is unknown counts by its cap":   {[]Check{{Metric: Security, Result: NotKnown, Cap: C}}, C},
		"other metrics do not count for this": {[]Check{{Metric: Code, Result: Fail, Cap: F}, {Metric: Security, Result: Pass}}, A},
	} {
		t.Run(name, func(t *testing.T) {
			if got := grade(Security, tc.checks); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOverallIsTheLowestOfWhatWasJudged(t *testing.T) {
	s := Compute(Input{Bundle: bundle(t, strings.Replace(shop, "replicas: 2", "replicas: 1", 1))})
	if s.Overall != C || s.Grades[Connectivity] != C || s.Grades[Code] != A || s.Version != "ss-0" {
		t.Errorf("got %+v", s)
	}
	if _, judged := s.Grades[Backups]; judged {
		t.Error("backups are judged without a check")
	}
	if s := Compute(Input{}); s.Overall != "" || Line(s) != "not judged: code not judged, backups not judged, connectivity not judged, performance not judged, security not judged" {
		t.Errorf("of nothing: %s", Line(s))
	}
}

func TestMet(t *testing.T) {
	for _, tc := range []struct {
		overall, target Grade
		want            bool
	}{{A, "", true}, {C, "", true}, {D, "", false}, {C, B, false}, {B, B, true}, {D, F, true}, {E, F, false}, {F, F, false}, {"", "", true}} {
		if got := Met(Score{Overall: tc.overall}, tc.target); got != tc.want {
			t.Errorf("%q for target %q: got %v", tc.overall, tc.target, got)
		}
	}
}

func TestLineFitsAStatus(t *testing.T) {
	s := Compute(Input{Bundle: bundle(t, strings.Replace(shop, "replicas: 2", "replicas: 1", 1))})
	if got := Line(s); got != "C: code A, backups not judged, connectivity C, performance A, security A" {
		t.Errorf("got %s", got)
	}
	if n := utf8.RuneCountInString(Line(Score{})); n > 140 {
		t.Errorf("the longest line has %d characters", n)
	}
}

func TestText(t *testing.T) {
	text := strings.Replace(shop, "replicas: 2", "replicas: 1", 1)
	text = strings.Replace(text, "example.org/web:1.2", "example.org/web", 1)
	want := `StackScore C (ss-0)

code           C
backups        not judged
connectivity   C
performance    A
security       A

C  CODE-05  web uses example.org/web without a fixed tag   name a version or digest
C  CONN-11  web runs once                                  set constraints.min_count to 2

4 checks passed
`
	if got := Text(Compute(Input{Bundle: bundle(t, text)})); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestScoreIsDeterministic(t *testing.T) {
	b := bundle(t, strings.ReplaceAll(shop, "web", "api")+"---\n"+strings.Replace(shop, "replicas: 2", "replicas: 1", 1))
	in := Input{Bundle: b, Observed: &Observed{Endpoints: map[string]int{"api": 0}, RolloutExceeded: []string{"web"}}}
	want := Compute(in)
	random := rand.New(rand.NewSource(1))
	for range 50 {
		random.Shuffle(len(b.Objects), func(i, j int) { b.Objects[i], b.Objects[j] = b.Objects[j], b.Objects[i] })
		if got := Compute(in); !reflect.DeepEqual(got, want) {
			t.Fatalf("got\n%s\nwant\n%s", Text(got), Text(want))
		}
	}
}

func TestEveryCheckOfTheListRuns(t *testing.T) {
	seen := Observed{Endpoints: map[string]int{"web": 1}, Pods: []PodState{{Service: "web", Name: "web-1"}}}
	ran := map[string]bool{}
	for _, c := range Compute(Input{Bundle: bundle(t, shop), Observed: &seen}).Checks {
		ran[c.ID] = true
	}
	for _, id := range Checks {
		if !ran[id] {
			t.Errorf("%s did not run", id)
		}
		delete(ran, id)
	}
	if len(ran) > 0 {
		t.Errorf("not in the list: %v", ran)
	}
}
