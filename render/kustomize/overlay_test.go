package kustomize

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// shop are objects as a manifest makes them, with all that is no field of theirs.
func shop() inner {
	object := func(line int, kind, name string, body map[string]any) render.Object {
		version := map[string]string{"Deployment": "apps/v1", "HorizontalPodAutoscaler": "autoscaling/v2", "Job": "batch/v1"}[kind]
		if version == "" {
			version = "v1"
		}
		if body == nil {
			body = map[string]any{}
		}
		body["apiVersion"], body["kind"], body["metadata"] = version, kind, map[string]any{"name": name}
		return render.Object{Body: body, Origin: sources.Position{File: "manifest.yml", Line: line}}
	}
	container := map[string]any{"name": "web", "image": "example.org/web:1", "envFrom": []any{map[string]any{"configMapRef": map[string]any{"name": "env"}}}}
	web := object(7, "Deployment", "web", map[string]any{"spec": map[string]any{
		"selector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
		"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": "web"}}, "spec": map[string]any{"containers": []any{container}}},
	}})
	web.Wave, web.Replicas = 2, &render.Range{Min: 2, Max: 5}
	secret := object(3, "Secret", "db", map[string]any{"type": "Opaque"})
	secret.Generate = &render.Generate{Keys: []render.GeneratedKey{{Name: "password", Length: 20}}, Lasting: true}
	job := object(9, "Job", "migrate", map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"restartPolicy": "Never", "containers": []any{map[string]any{"name": "m", "image": "example.org/web:1"}}}}}})
	job.Command, job.Stage = true, render.StageCommand
	return inner{object(2, "ConfigMap", "env", map[string]any{"data": map[string]any{"A": "1"}}), secret, web, job}
}

const overlay = ".rondo/overlays/production/"

func TestAnObjectOfTheManifestKeepsWhatIsNoFieldOfIt(t *testing.T) {
	b := Builder{Inner: shop(), Workers: workers(t)}
	bundle, problems := rendered(t, b, input(repo(map[string]string{
		"manifest.yml": "services: {}",
		overlay + "kustomization.yaml": "resources: [rondo-base, extra.yaml]\nnamePrefix: eu-\n" +
			"patches: [{path: patch.yaml}]\nconfigMapGenerator:\n- {name: made, literals: [A=b]}\n",
		overlay + "patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, workingDir: /srv}]}}}\n",
		overlay + "extra.yaml": "# one\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\n\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n",
	})))
	if problems != "" {
		t.Fatal(problems)
	}
	var got []string
	for _, o := range bundle.Objects {
		line := fmt.Sprintf("%s/%s %s %s wave %d", o.ID.Kind, o.ID.Name, o.Origin, o.Stage, o.Wave)
		if o.Replicas != nil {
			line += fmt.Sprintf(" %d-%d", o.Replicas.Min, o.Replicas.Max)
		}
		if o.Generate != nil {
			line += " generated"
		}
		if o.Command {
			line += " command"
		}
		if strings.Contains(fmt.Sprint(o.Body), tag) {
			t.Errorf("%s still has the tag", o.ID)
		}
		got = append(got, line)
	}
	want := []string{
		"ConfigMap/eu-a " + overlay + "extra.yaml:3 config wave 0",
		"ConfigMap/eu-b " + overlay + "extra.yaml:9 config wave 0",
		"ConfigMap/eu-env manifest.yml:2 config wave 0",
		"ConfigMap/eu-made-b9t2424hkf " + overlay + "kustomization.yaml:5 config wave 0",
		"Secret/eu-db manifest.yml:3 config wave 0 generated",
		"Job/eu-migrate manifest.yml:9 command wave 0 command",
		"Deployment/eu-web manifest.yml:7 workload wave 2 2-5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	web := bundle.Objects[6].Body["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
	if web["workingDir"] != "/srv" || web["envFrom"].([]any)[0].(map[string]any)["configMapRef"].(map[string]any)["name"] != "eu-env" {
		t.Errorf("container is %v; want it patched, and its reference renamed", web)
	}
}

func TestAnOverlayAndItsManifestFindEachOther(t *testing.T) {
	ws := workers(t)
	for name, tc := range map[string]struct {
		overlay, manifest, code string
	}{
		"the base is not named":               {"resources: [a.yaml]", "services: {}", "E-OVERLAY-BASE"},
		"there is no manifest":                {"resources: [rondo-base, a.yaml]", "", "E-OVERLAY-BASE"},
		"all annotations are taken away":      {"resources: [rondo-base]\npatches: [{target: {kind: Deployment}, patch: '[{\"op\": \"remove\", \"path\": \"/metadata/annotations\"}]'}]\nnamePrefix: a-", "services: {}", "E-OVERLAY-BASE"},
		"annotations are taken, name is kept": {"resources: [rondo-base]\npatches: [{target: {kind: Deployment}, patch: '[{\"op\": \"remove\", \"path\": \"/metadata/annotations\"}]'}]", "services: {}", ""},
		"an object is deleted":                {"resources: [rondo-base]\npatches: [{patch: '{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, $patch: delete}'}]", "services: {}", ""},
		"a patch without target":              {"resources: [rondo-base]\npatches: [{path: nobody.yaml}]", "services: {}", "E-KUSTOMIZE"},
		"one object twice":                    {"resources: [rondo-base, env.yaml]", "services: {}", "E-NAME-COLLISION"},
		"another namespace":                   {"resources: [rondo-base]\nnamespace: other", "services: {}", "E-META-RESERVED"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				overlay + "kustomization.yaml": tc.overlay,
				overlay + "a.yaml":             "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
				overlay + "env.yaml":           "{apiVersion: v1, kind: ConfigMap, metadata: {name: env}}",
				overlay + "nobody.yaml":        "apiVersion: v1\nkind: Service\nmetadata: {name: nobody}\n",
			}
			b := Builder{Inner: shop(), Workers: ws}
			if tc.manifest != "" {
				files["manifest.yml"] = tc.manifest
			} else {
				b.Inner = inner{}
			}
			in := input(repo(files))
			if tc.code == "" {
				if bundle, problems := rendered(t, b, in); problems != "" || len(bundle.Objects) < 3 {
					t.Errorf("%d objects, %s", len(bundle.Objects), problems)
				}
				return
			}
			t.Log(refusal(t, b, in, tc.code))
		})
	}
}

func TestReplicasOfAnOverlayAreTheWholeRange(t *testing.T) {
	bundle, problems := rendered(t, Builder{Inner: shop(), Workers: workers(t)}, input(repo(map[string]string{
		"manifest.yml":                 "services: {}",
		overlay + "kustomization.yaml": "resources: [rondo-base]\nreplicas: [{name: web, count: 4}]\n",
	})))
	web, _ := bundle.Find(render.ID{Group: "apps", Kind: "Deployment", Namespace: "shop-production", Name: "web"})
	if problems != "" || web.Replicas == nil || *web.Replicas != (render.Range{Min: 4, Max: 4}) || web.Body["spec"].(map[string]any)["replicas"] != nil {
		t.Errorf("%s%v %v", problems, web.Replicas, web.Body["spec"])
	}
}
