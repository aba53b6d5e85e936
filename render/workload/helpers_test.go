package workload

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// objects is what a Builder makes of app.
func (b Builder) objects(app *manifest.Application, in render.Input) ([]render.Object, []render.Problem) {
	m := b.make(app, in)
	return m.objects, m.problems
}

// web is a service with every default of the manifest reference filled in.
func web(change func(*manifest.Service)) manifest.Service {
	svc := manifest.Service{
		Name: "web", RawName: "web", Image: "example.org/web:1", Pos: sources.Position{File: "manifest.yml", Line: 3},
		MinCount: 1, MaxUnavailable: "50%", MaxSurge: "50%", StopGrace: 30 * time.Second,
	}
	if change != nil {
		change(&svc)
	}
	return svc
}

// shop is an application with these services.
func shop(services ...manifest.Service) *manifest.Application {
	return &manifest.Application{App: "shop", Environment: "production", Namespace: "shop-production", Services: services}
}

// build makes the objects of app and fails the test on a problem with an error.
func build(t *testing.T, app *manifest.Application, in render.Input) []render.Object {
	t.Helper()
	objects, problems := Builder{}.objects(app, in)
	for i := range problems {
		if problems[i].IsError() {
			t.Fatal(problems[i].Error())
		}
	}
	return objects
}

// find returns the body of an object by "Kind/name"; nil where there is none.
func find(objects []render.Object, id string) *render.Object {
	for i, o := range objects {
		if kind, name, _ := strings.Cut(id, "/"); o.Body["kind"] == kind && get(o.Body, "metadata", "name") == name {
			return &objects[i]
		}
	}
	return nil
}

// get walks into maps and, by number, into lists; nil where the way ends.
func get(at any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := at.(map[string]any)
			at = m[step]
		case int:
			l, _ := at.([]any)
			if step >= len(l) {
				return nil
			}
			at = l[step]
		}
	}
	return at
}

func text(s string) manifest.Value { return manifest.Value{Parts: []manifest.Part{{Text: s}}} }

func secretKey(secret, key string) manifest.Part {
	return manifest.Part{SecretRef: &manifest.SecretRef{Secret: secret, Key: key}}
}

// kubelet gives the variables of the container of Deployment/web as the kubelet
// would: from the rendered ConfigMaps and Secrets and those in cluster, by
// "secret/key" (pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables).
func kubelet(t *testing.T, objects []render.Object, cluster map[string]string) map[string]string {
	t.Helper()
	container := get(find(objects, "Deployment/web").Body, "spec", "template", "spec", "containers", 0)
	vars := make(map[string]string)
	from, _ := get(container, "envFrom").([]any)
	for _, source := range from {
		for field, kind := range map[string]string{"configMapRef": "ConfigMap", "secretRef": "Secret"} {
			ref, ok := get(source, field).(map[string]any)
			if !ok {
				continue
			}
			o := find(objects, kind+"/"+ref["name"].(string))
			if o == nil {
				if ref["optional"] != true {
					t.Fatalf("container needs %s/%s, which is not rendered", kind, ref["name"])
				}
				continue
			}
			for name, value := range o.Body["data"].(map[string]any) {
				value := value.(string)
				if kind == "Secret" {
					plain, err := base64.StdEncoding.DecodeString(value)
					if err != nil {
						t.Fatal(err)
					}
					value = string(plain)
				}
				vars[name] = value
			}
		}
	}
	env, _ := get(container, "env").([]any)
	for _, v := range env {
		name := get(v, "name").(string)
		switch {
		case get(v, "value") != nil:
			vars[name] = expand(get(v, "value").(string), vars)
		case get(v, "valueFrom", "fieldRef") != nil:
			vars[name] = "field " + get(v, "valueFrom", "fieldRef", "fieldPath").(string)
		default:
			key := get(v, "valueFrom", "secretKeyRef", "name").(string) + "/" + get(v, "valueFrom", "secretKeyRef", "key").(string)
			value, ok := cluster[key]
			if !ok {
				t.Fatalf("variable %s needs the Secret key %s", name, key)
			}
			vars[name] = value
		}
	}
	return vars
}

// sprint formats the named fields of m.
func sprint(format string, m any, fields ...string) string {
	values := make([]any, len(fields))
	for i, f := range fields {
		values[i] = get(m, f)
	}
	return fmt.Sprintf(format, values...)
}
