package plan

import (
	"fmt"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
)

// Each file is what a real API server had after the change that it is named after.
func TestHealNamesFieldsAndWriters(t *testing.T) {
	for file, want := range map[string]string{
		"applied":              `1 unchanged`,
		"restart":              `1 unchanged`,
		"same-image-new-owner": `1 unchanged`,
		"scale": `heal Deployment/shop/web manifest.yml:7 spec.replicas taken by kubectl (scale)
			spec.replicas: 5 → 2 by kubectl (scale)`,
		"set-image": `heal Deployment/shop/web manifest.yml:7 spec.template.spec.containers[web].image taken by kubectl-set
			spec.template.spec.containers[web].image: "example.org/web:2" → "example.org/web:1" by kubectl-set`,
		"removed-env": `heal Deployment/shop/web manifest.yml:7 spec.template.spec.containers[web].env[A] removed, writer unknown
			spec.template.spec.containers[web].env[A]: (unset) → {"name":"A","value":"1"}`,
		// The API server stores no false where it stores nothing, so only the lost ownership tells.
		"removed-escalation": `heal Deployment/shop/web manifest.yml:7 spec.template.spec.containers[web].securityContext.allowPrivilegeEscalation removed, writer unknown
			spec.template.spec.containers[web].securityContext.allowPrivilegeEscalation: (unset) → false`,
		"added-container": `heal Deployment/shop/web manifest.yml:7 spec.template.spec.containers[evil] added by kubectl-edit
			spec.template.spec.containers[evil]: {"image":"example.org/evil:1","imagePullPolicy":"IfNotPresent","name":"evil","resources":{},"securityContext":{"privileged":true},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"} → (removed) by kubectl-edit`,
		"added-container-posing": `heal Deployment/shop/web manifest.yml:7 spec.template.spec.containers[evil] added by rondo (by hand)
			spec.template.spec.containers[evil]: {"image":"example.org/evil:1","imagePullPolicy":"IfNotPresent","name":"evil","resources":{},"securityContext":{"privileged":true},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"} → (removed) by rondo (by hand)`,
		"label": `heal Deployment/shop/web manifest.yml:7 metadata.labels.empty removed, writer unknown and 2 more
			metadata.labels.empty: (unset) → ""
			metadata.labels[rondo.dev/app]: (unset) → "shop"
			metadata.labels.x: "y" → (removed) by kubectl-label`,
		"taken": `heal Deployment/shop/web manifest.yml:7 spec.replicas taken by someone
			spec.replicas: 7 → 2 by someone`,
		"taken-and-back": `heal Deployment/shop/web manifest.yml:7 spec.replicas taken by someone
			spec.replicas: 2 → 2 by someone`,
		"same-manager-apply": `heal Deployment/shop/web manifest.yml:7 spec.template.spec.containers[web].image changed, writer unknown
			spec.template.spec.containers[web].image: "example.org/web:3" → "example.org/web:1"`,
	} {
		t.Run(file, func(t *testing.T) {
			o := object(load(t, "want"))
			p := Compute(bundle(o), live(applied(o), map[render.ID]LiveObject{o.ID: {Exists: true, Body: load(t, file)}}), options())
			check(t, lines(p), want)
			if takeOver := strings.Contains(want, "kubectl") || strings.Contains(want, "by hand"); p.Changes[0].TakeOver != takeOver {
				t.Errorf("TakeOver is %v", p.Changes[0].TakeOver)
			}
		})
	}
}

func TestHealPathsAreJSONPointers(t *testing.T) {
	o := object(load(t, "want"))
	for file, want := range map[string]string{
		"set-image":       "/spec/template/spec/containers/0/image",
		"added-container": "/spec/template/spec/containers/0", // the API server put it first
		"removed-env":     "/spec/template/spec/containers/0/env/0",
		"scale":           "/spec/replicas",
	} {
		p := Compute(bundle(o), live(applied(o), map[render.ID]LiveObject{o.ID: {Exists: true, Body: load(t, file)}}), options())
		if got := p.Changes[0].Fields[0].Path; got != want {
			t.Errorf("%s: got %s, want %s", file, got, want)
		}
	}
}

func TestAdoption(t *testing.T) {
	o := object(load(t, "want"))
	found := LiveObject{Exists: true, Body: load(t, "adopted")}
	for name, dryRun := range map[string]map[string]any{
		"without a dry-run defaults of the API server are no difference": nil,
		"with a dry-run neither": load(t, "adopted-dry-run"),
	} {
		t.Run(name, func(t *testing.T) {
			found.DryRun = dryRun
			p := Compute(bundle(o), live(Inventory{}, map[render.ID]LiveObject{o.ID: found}), options())
			check(t, lines(p), `configure Deployment/shop/web manifest.yml:7 adopted
				metadata.labels: (unset) → {"empty":"","rondo.dev/app":"shop"}`)
			if !p.Changes[0].TakeOver {
				t.Error("kubectl's fields are not taken over")
			}
		})
	}
}

// An admission webhook that rewrites what is applied causes no endless difference.
func TestDryRunTellsWhatTheAPIServerRewritesOrDrops(t *testing.T) {
	o := object(read(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, labels: {rondo.dev/app: shop}},
		spec: {replicas: 3, dropped: {a: 1}, args: [x], template: {spec: {containers: [{name: web, image: "web:1", command: [a]}, {name: gone, image: "x:1"}]}}}}`))
	stored := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, labels: {rondo.dev/app: shop}},
		spec: {replicas: %, args: [x, added], template: {spec: {containers: [{name: sidecar}, {name: web, image: "mirror/web:1", command: [a]}]}}}}`
	p := Compute(bundle(o), live(Inventory{}, map[render.ID]LiveObject{o.ID: {
		Exists: true,
		Body:   read(t, strings.Replace(stored, "%", "2", 1)),
		DryRun: read(t, strings.Replace(stored, "%", "3", 1)),
	}}), options())
	check(t, lines(p), "configure Deployment/shop/web manifest.yml:7 not in the inventory\nspec.replicas: 2 → 3")
}

func TestManagers(t *testing.T) {
	managers := func(live map[string]any, pointer []string) string { return managersOf(owners(live), live, pointer) }
	for name, tc := range map[string]struct{ file, pointer, want string }{
		"a plain field":                             {"scale", "/spec/replicas", "kubectl (scale)"},
		"a field of a list item":                    {"set-image", "/spec/template/spec/containers/0/image", "kubectl-set"},
		"a port, whose protocol nobody wrote":       {"scale", "/spec/template/spec/containers/0/ports/0/name", "rondo"},
		"a field inside a map that is owned whole":  {"scale", "/spec/selector/matchLabels/app", "rondo"},
		"a map with fields of two":                  {"label", "/metadata/labels", "kubectl-label"},
		"a container with fields of two":            {"set-image", "/spec/template/spec/containers/0", "kubectl-set, rondo"},
		"a field that nobody wrote":                 {"scale", "/spec/progressDeadlineSeconds", ""},
		"an index that the list does not have":      {"scale", "/spec/template/spec/containers/9/image", ""},
		"a pointer that leads through a plain text": {"scale", "/metadata/name/x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := managers(load(t, tc.file), parsePointer(tc.pointer)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestForeign(t *testing.T) {
	names := func(all []owned) string {
		var out []string
		for _, o := range all {
			out = append(out, o.String())
		}
		return strings.Join(out, ", ")
	}
	for name, tc := range map[string]struct {
		file   string
		seeded bool
		want   string
	}{
		"nothing foreign":                        {"applied", false, ""},
		"a scaled count is taken over":           {"scale", false, "kubectl (scale)"},
		"a seeded count is not":                  {"scale", true, ""},
		"the mark of a restart is not":           {"restart", false, ""},
		"a writer under our own name is foreign": {"added-container-posing", false, "rondo (by hand)"},
		"a client-side apply is foreign":         {"adopted", false, "kubectl-client-side-apply"},
		"a controller is not":                    {"taken", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := names(foreign(load(t, tc.file), DefaultTakeOver(), tc.seeded)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	if got := names(foreign(load(t, "applied"), []string{"kube*"}, false)); got != "" {
		t.Errorf("what was written through status: got %q", got)
	}
	if got := names(foreign(load(t, "taken"), []string{"some*"}, false)); got != "someone" {
		t.Errorf("a pattern of the operator: got %q", got)
	}
}

// A Secret's values, and copies of them, never get out of a plan (T24).
func TestT24_SecretValuesStayOutOfPlans(t *testing.T) {
	o := object(load(t, "want-secret"))
	found := LiveObject{Exists: true, Body: load(t, "secret-edited")}
	changed := object(load(t, "want-secret"))
	changed.Body["data"].(map[string]any)["password"] = "b3RoZXItY2FuYXJ5"
	for name, tc := range map[string]struct {
		o      render.Object
		dryRun map[string]any
	}{
		"drift":              {o, nil},
		"a change":           {changed, nil},
		"a change, with dry": {changed, load(t, "secret-edited")},
	} {
		t.Run(name, func(t *testing.T) {
			found.DryRun = tc.dryRun
			p := Compute(bundle(tc.o), live(applied(o), map[render.ID]LiveObject{o.ID: found}), options())
			text := Text(p, false) + fmt.Sprintf("%+v", p.Changes[0].Fields) + p.Changes[0].Reason
			if tc.dryRun == nil && !strings.Contains(text, "data.password: «secret» → «secret, changed»") {
				t.Errorf("the change is not told: %s", text)
			}
			for _, value := range []string{"canary", "aHVudGVyMi1jYW5hcnk", "c3dvcmRmaXNo", "Y2FuYXJ5", "b3RoZXItY2FuYXJ5"} {
				if strings.Contains(text, value) {
					t.Errorf("%s is in %s", value, text)
				}
			}
		})
	}
}
