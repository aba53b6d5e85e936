package validate_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/validate"
	"rondo.dev/rondo/sources"
)

const good = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: shop, team.example.org/name: Web-1}, annotations: {Example.org/Any: "any text"}}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop, tier: web}}
    spec:
      containers:
      - name: web
        ports: [{name: http, containerPort: 80}, {name: dns, containerPort: 53, protocol: UDP}, {containerPort: 53}]
        env: [{name: A}, {name: B}]
        volumeMounts: [{name: data, mountPath: /data}]
        readinessProbe: {httpGet: {port: http}}
        livenessProbe: {tcpSocket: {port: 81}}
      volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: http}, {name: dns, port: 53, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: example.org}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web.example}
spec:
  defaultBackend: {service: {name: web, port: {name: dns}}}
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
`

func TestObjects(t *testing.T) {
	long := strings.Repeat("a", 64)
	for name, tc := range map[string]struct {
		old, new string // what is changed in the good objects
		want     string // part of the only problem; empty: none
	}{
		"all is well":                            {},
		"a Service name with a dot":              {"metadata: {name: elsewhere}", "metadata: {name: else.where}", "E-OBJECT-NAME"},
		"a Service name that starts with digits": {"metadata: {name: elsewhere}", "metadata: {name: 1st}", "E-OBJECT-NAME"},
		"an upper-case name":                     {"name: web.example", "name: Web", "E-OBJECT-NAME"},
		"a container name too long":              {"- name: web", "- name: " + long, `has a container "aaa`},
		"a label value with a space":             {"tier: web", "tier: a b", `has a label "tier"`},
		"a label key with two slashes":           {"team.example.org/name", "a/b/c", `has a label "a/b/c"`},
		"a label value too long":                 {"Web-1", long, "has a label"},
		"an annotation key with a space":         {"Example.org/Any", "Example org", "has an annotation"},
		"annotations too large":                  {"any text", strings.Repeat("x", 256<<10), "KiB together"},
		"a Service without Pods":                 {"spec: {selector: {app: shop}", "spec: {selector: {app: other}", "Service/web selects no Pods"},
		"a Service that leads to no port":        {"targetPort: http", "targetPort: https", `leads to port "https"`},
		"a Service with a port twice":            {"port: 53, protocol: UDP}]}", "port: 80}]}", "has two elements of spec.ports with port 80, protocol TCP"},
		"a workload that selects others":         {"matchLabels: {app: shop}", "matchLabels: {app: other}", "does not select its own Pods"},
		"a probe on a port that is not there":    {"httpGet: {port: http}", "httpGet: {port: https}", `readinessProbe on port "https"`},
		"a port name too long":                   {"{name: dns, containerPort", "{name: the-name-service, containerPort", `has a port "the-name-service"`},
		"a port name twice":                      {"{name: dns, containerPort", "{name: http, containerPort", "has the container port name http twice"},
		"a container port twice":                 {"{containerPort: 53}", "{containerPort: 80}", "two elements of spec.template.spec.containers[web].ports with containerPort 80, protocol TCP"},
		"a variable twice":                       {"{name: B}", "{name: A}", "two elements of spec.template.spec.containers[web].env with name A"},
		"an Ingress without a Service":           {"backend: {service: {name: web,", "backend: {service: {name: api,", `leads to Service "api"`},
		"an Ingress to a missing port":           {"{number: 80}", "{number: 81}", "leads to port 81"},
		"an Ingress to a missing named port":     {"{name: dns}}}", "{name: ftp}}}", "leads to port ftp"},
		"a mount of a volume that is not there":  {"volumes: [{name: data,", "volumes: [{name: date,", `mounts the volume "data" in container web`},
		"an init container of the same name":     {"volumes: [", "initContainers: [{name: web}]\n      volumes: [", `a container and an init container "web"`},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, tc.old) {
				t.Fatalf("the good objects do not hold %q", tc.old)
			}
			objects := objectsOf(t, strings.Replace(good, tc.old, tc.new, 1))
			problems := validate.Objects(objects, validate.Options{})
			switch {
			case tc.want == "" && len(problems) > 0:
				t.Errorf("problems: %v", problems)
			case tc.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), tc.want)):
				t.Errorf("problems: %v\nwant one with: %s", problems, tc.want)
			}
		})
	}
}

// objectsOf reads documents of YAML.
func objectsOf(t testing.TB, text string) (objects []render.Object) {
	t.Helper()
	for doc := range strings.SplitSeq(text, "---\n") {
		var body map[string]any
		if err := yaml.Unmarshal([]byte(doc), &body); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, render.Object{Body: body, Origin: sources.Position{File: "a.yaml", Line: 1}})
	}
	return objects
}

func FuzzObjectsOfAnyShape(f *testing.F) {
	for doc := range strings.SplitSeq(good, "---\n") {
		f.Add(doc)
	}
	f.Add("{kind: Deployment, spec: {selector: {matchLabels: {a: []}}, template: {metadata: {labels: {a: []}}}}}")
	f.Add("spec: {template: 1, ports: [1, {port: {}}], selector: [], rules: {}}")
	f.Fuzz(func(t *testing.T, doc string) {
		var body map[string]any
		if yaml.Unmarshal([]byte(doc), &body) != nil {
			t.Skip()
		}
		validate.Objects([]render.Object{{Body: body}}, validate.Options{}) // must not panic
	})
}
