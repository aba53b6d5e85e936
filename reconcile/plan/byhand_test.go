package plan

import (
	"strings"
	"testing"

	"rondo.dev/rondo/render"
)

// A Deployment that is restarted by hand is paused by what changes its template,
// and stays as it is otherwise.
func TestADeploymentThatIsRestartedByHandIsPausedByItsTemplate(t *testing.T) {
	const head = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, labels: {rondo.dev/app: shop}, annotations: {rondo.dev/restart: HOW}}, `
	for name, tc := range map[string]struct {
		how, want, live string
		paused          bool
		action          Action
	}{
		"its first new template": {"by-hand", "spec: {replicas: 1, template: {a: 2}}}", "spec: {replicas: 1, template: {a: 1}}}", true, Configure},
		"a newer one":            {"by-hand", "spec: {replicas: 1, template: {a: 3}}}", "spec: {replicas: 1, paused: true, template: {a: 2}}}", true, Configure},
		"another count":          {"by-hand", "spec: {replicas: 2, template: {a: 1}}}", "spec: {replicas: 1, template: {a: 1}}}", false, Configure},
		"another count, paused":  {"by-hand", "spec: {replicas: 2, template: {a: 1}}}", "spec: {replicas: 1, paused: true, template: {a: 1}}}", true, Configure},
		"one that restarts":      {"usual", "spec: {replicas: 1, template: {a: 2}}}", "spec: {replicas: 1, template: {a: 1}}}", false, Configure},
	} {
		t.Run(name, func(t *testing.T) {
			o := object(read(t, strings.Replace(head, "HOW", tc.how, 1)+tc.want))
			before := o.Digest(key)
			live := Live{
				Inventory: Inventory{Entries: []Entry{{ID: o.ID, Version: "v1", Digest: "older"}}},
				Objects:   map[render.ID]LiveObject{o.ID: {Exists: true, Body: read(t, strings.Replace(head, "HOW", tc.how, 1)+tc.live)}},
			}
			p := Compute(render.Bundle{Objects: []render.Object{o}}, live, Options{Target: target, Key: key, Deployment: true})
			if len(p.Changes) != 1 || p.Changes[0].Action != tc.action || p.Changes[0].Digest != before {
				t.Fatalf("%+v", p.Changes)
			}
			spec := p.Changes[0].Object.Body["spec"].(map[string]any)
			if paused := spec["paused"] == true; paused != tc.paused {
				t.Errorf("paused %t", paused)
			}
			live.Objects[o.ID] = LiveObject{Exists: true, Body: live.Objects[o.ID].Body, DryRun: o.Body}
			asked := Compute(render.Bundle{Objects: []render.Object{o}}, live, Options{Target: target, Key: key, Deployment: true})
			if touches(asked.Changes[0].Fields, "/spec/paused") != touches(p.Changes[0].Fields, "/spec/paused") {
				t.Errorf("a dry run sees %v, without %v", asked.Changes[0].Fields, p.Changes[0].Fields)
			}
			if bare := o.Body["spec"].(map[string]any); bare["paused"] != nil {
				t.Error("the bundle itself was changed")
			}
		})
	}
}
