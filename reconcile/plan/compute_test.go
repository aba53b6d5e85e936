package plan

import (
	"strings"
	"testing"

	"rondo.dev/rondo/render"
)

func TestCompute(t *testing.T) {
	env := small(t, "ConfigMap", "env", "1")
	changedEnv := small(t, "ConfigMap", "env", "2")
	theirs := alive(t, env)
	theirs.Body["metadata"].(map[string]any)["labels"] = map[string]any{render.LabelApp: "other"}
	nobodys := alive(t, env)
	delete(nobodys.Body["metadata"].(map[string]any), "labels")

	for name, tc := range map[string]struct {
		objects   []render.Object
		inventory Inventory
		found     map[render.ID]LiveObject
		drifts    map[render.ID]Drift
		want      string
	}{
		"what does not exist is created": {
			objects: []render.Object{env}, found: map[render.ID]LiveObject{env.ID: {}},
			want: "create ConfigMap/shop/env manifest.yml:7"},
		"the digest of the inventory, not read, is unchanged": {
			objects: []render.Object{env}, inventory: applied(env), want: "1 unchanged"},
		"read and the same is unchanged": {
			objects: []render.Object{env}, inventory: applied(env),
			found: map[render.ID]LiveObject{env.ID: alive(t, env)}, want: "1 unchanged"},
		"drift that has gone by itself is unchanged": {
			objects: []render.Object{env}, inventory: applied(env),
			found:  map[render.ID]LiveObject{env.ID: alive(t, env)},
			drifts: map[render.ID]Drift{env.ID: {ID: env.ID}}, want: "1 unchanged"},
		"another digest is configured, and says what differs": {
			objects: []render.Object{changedEnv}, inventory: applied(env),
			found: map[render.ID]LiveObject{env.ID: alive(t, env)},
			want:  "configure ConfigMap/shop/env manifest.yml:7\nspec.field: 1 → 2"},
		"another digest that was deleted is created": {
			objects: []render.Object{changedEnv}, inventory: applied(env),
			found: map[render.ID]LiveObject{env.ID: {}}, want: "create ConfigMap/shop/env manifest.yml:7"},
		"another digest that was not read is applied": {
			objects: []render.Object{changedEnv}, inventory: applied(env),
			want: "configure ConfigMap/shop/env manifest.yml:7"},
		"what was deleted is put back": {
			objects: []render.Object{env}, inventory: applied(env),
			found: map[render.ID]LiveObject{env.ID: {}},
			want:  "heal ConfigMap/shop/env manifest.yml:7 deleted"},
		"what is known to be missing is put back without a read": {
			objects: []render.Object{env}, inventory: applied(env),
			drifts: map[render.ID]Drift{env.ID: {ID: env.ID, Missing: true}},
			want:   "heal ConfigMap/shop/env manifest.yml:7 deleted"},
		"what drifted and was not read is applied": {
			objects: []render.Object{env}, inventory: applied(env),
			drifts: map[render.ID]Drift{env.ID: {ID: env.ID}},
			want:   "heal ConfigMap/shop/env manifest.yml:7 changed"},
		"a changed value is put back": {
			objects: []render.Object{env}, inventory: applied(env),
			found: map[render.ID]LiveObject{env.ID: alive(t, changedEnv)},
			want:  "heal ConfigMap/shop/env manifest.yml:7 spec.field changed, writer unknown\nspec.field: 2 → 1"},
		"an object without a label is adopted": {
			objects: []render.Object{env}, found: map[render.ID]LiveObject{env.ID: nobodys},
			want: "configure ConfigMap/shop/env manifest.yml:7 adopted\nmetadata.labels: (unset) → {\"rondo.dev/app\":\"shop\"}"},
		"an object with our label that the inventory does not know is taken in": {
			objects: []render.Object{env}, found: map[render.ID]LiveObject{env.ID: alive(t, env)},
			want: "configure ConfigMap/shop/env manifest.yml:7 not in the inventory"},
		"an object of another application is refused": {
			objects: []render.Object{env}, found: map[render.ID]LiveObject{env.ID: theirs},
			want: "refused manifest.yml:7: ConfigMap/shop/env belongs to application other; rename it here, or remove it from other [E-OBJECT-OWNED]"},
		"an object of another application is refused although we applied it once": {
			objects: []render.Object{env}, inventory: applied(env), found: map[render.ID]LiveObject{env.ID: theirs},
			want: "refused manifest.yml:7: ConfigMap/shop/env belongs to application other; rename it here, or remove it from other [E-OBJECT-OWNED]"},
		"what the API server refuses is refused at its origin": {
			objects: []render.Object{env}, found: map[render.ID]LiveObject{env.ID: {Refused: "data: Forbidden"}},
			want: "refused manifest.yml:7: the API server refuses ConfigMap/shop/env: data: Forbidden [E-API-REFUSED]"},
	} {
		t.Run(name, func(t *testing.T) {
			l := Live{Inventory: tc.inventory, Objects: tc.found, Drifts: tc.drifts}
			check(t, lines(Compute(bundle(tc.objects...), l, options())), tc.want)
		})
	}
}

// A read that is missing is never taken for the answer that nothing is there.
func TestT30_UnreadObjectsHoldThePlan(t *testing.T) {
	env := small(t, "ConfigMap", "env", "1")
	announced := Inventory{Entries: []Entry{{ID: env.ID}}}
	broken := applied(env)
	broken.Broken = "its HMAC does not fit"
	for name, inv := range map[string]Inventory{
		"never applied": {}, "announced, never applied": announced, "the inventory is broken": broken,
	} {
		t.Run(name, func(t *testing.T) {
			p := Compute(bundle(env), live(inv, nil), options())
			if p.Writes() || !strings.Contains(p.Held, "ConfigMap/shop/env was not read") {
				t.Errorf("got held %q and\n%s", p.Held, lines(p))
			}
		})
	}
}

func TestJobs(t *testing.T) {
	job := func(image, label string) render.Object {
		return object(read(t, `{apiVersion: batch/v1, kind: Job, metadata: {name: m, namespace: shop, labels: {rondo.dev/app: shop, x: "`+label+`"}},
			spec: {template: {spec: {containers: [{name: m, image: "`+image+`"}]}}}}`))
	}
	cleaned := job("m:1", "a")
	cleaned.Body["spec"].(map[string]any)["ttlSecondsAfterFinished"] = int64(60)
	refused := alive(t, job("m:1", "a"))
	refused.Refused = "spec.template: field is immutable"

	for name, tc := range map[string]struct {
		before, now render.Object
		found       LiveObject
		want        string
	}{
		"a changed template is recreated": {job("m:1", "a"), job("m:2", "a"), alive(t, job("m:1", "a")),
			"recreate Job/shop/m manifest.yml:7\nspec.template.spec.containers[m].image: \"m:1\" → \"m:2\""},
		"a changed label is not": {job("m:1", "a"), job("m:1", "b"), alive(t, job("m:1", "a")),
			"configure Job/shop/m manifest.yml:7\nmetadata.labels.x: \"a\" → \"b\""},
		"a refusal of the API server recreates": {job("m:1", "a"), job("m:2", "a"), refused,
			"recreate Job/shop/m manifest.yml:7\nspec.template.spec.containers[m].image: \"m:1\" → \"m:2\""},
		"a job that cleans up after itself does not run again":      {cleaned, cleaned, LiveObject{}, "1 unchanged"},
		"a job that was deleted by somebody runs again":             {job("m:1", "a"), job("m:1", "a"), LiveObject{}, "heal Job/shop/m manifest.yml:7 deleted"},
		"a changed job that cleaned up after itself is made afresh": {job("m:1", "a"), cleaned, LiveObject{}, "create Job/shop/m manifest.yml:7"},
	} {
		t.Run(name, func(t *testing.T) {
			p := Compute(bundle(tc.now), live(applied(tc.before), map[render.ID]LiveObject{tc.now.ID: tc.found}), options())
			check(t, lines(p), tc.want)
			if c := p.Changes[0]; c.Action == Recreate && c.UID != "uid-of-m" {
				t.Errorf("recreated without the identity of the live object: %q", c.UID)
			}
		})
	}
}

func TestAJobWhoseFieldSomebodyTookAtItsValueDoesNotRunAgain(t *testing.T) {
	job := object(read(t, `{apiVersion: batch/v1, kind: Job, metadata: {name: m, namespace: shop, labels: {rondo.dev/app: shop}}, spec: {template: {spec: {restartPolicy: Never}}}}`))
	found := alive(t, job)
	owner := func(name, operation, field string) any {
		return map[string]any{"manager": name, "operation": operation, "fieldsV1": map[string]any{"f:spec": map[string]any{
			"f:template": map[string]any{"f:spec": map[string]any{field: map[string]any{}}}}}}
	}
	found.Body["metadata"].(map[string]any)["managedFields"] = []any{owner(Manager, "Apply", "f:other"), owner("someone", "Update", "f:restartPolicy")}
	p := Compute(bundle(job), live(applied(job), map[render.ID]LiveObject{job.ID: found}), options())
	check(t, lines(p), `heal Job/shop/m manifest.yml:7 spec.template.spec.restartPolicy taken by someone
		spec.template.spec.restartPolicy: "Never" → "Never" by someone`)
}

func TestImmutableFieldsNameTheCommand(t *testing.T) {
	for kind, want := range map[string]string{
		"Deployment":            "run: kubectl delete deployment thing -n shop and then rondo sync",
		"StatefulSet":           "run: kubectl delete statefulset thing -n shop --cascade=orphan",
		"PersistentVolumeClaim": "restore the old value, since deleting it deletes data",
	} {
		o := small(t, kind, "thing", "2")
		found := alive(t, small(t, kind, "thing", "1"))
		found.Refused = "spec.selector: field is immutable"
		p := Compute(bundle(o), live(applied(small(t, kind, "thing", "1")), map[render.ID]LiveObject{o.ID: found}), options())
		if len(p.Refused) != 1 || p.Refused[0].Code != "E-API-IMMUTABLE" || !strings.Contains(p.Refused[0].Error(), want) {
			t.Errorf("%s: got %v, want %s", kind, p.Refused, want)
		}
		if kind == "PersistentVolumeClaim" && strings.Contains(p.Refused[0].Fix, "kubectl") {
			t.Errorf("tells to delete data: %s", p.Refused[0].Fix)
		}
	}
}

func TestImmutableKnowsTheAPIServersWords(t *testing.T) {
	for _, answer := range []string{
		"spec.template: field is immutable",
		"spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
		"spec.clusterIPs[0]: may not change once set",
		"data: Forbidden: field is immutable when `immutable` is set",
		"roleRef: cannot change roleRef",
		"updates to statefulset spec for fields other than 'replicas', 'ordinals' are forbidden",
	} {
		if !immutable(answer) {
			t.Errorf("%s", answer)
		}
	}
	if immutable("spec.ports: Required value") {
		t.Error("a missing value is not an immutable one")
	}
}

func TestSeededReplicas(t *testing.T) {
	web := func(replicas string) map[string]any {
		return read(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, labels: {rondo.dev/app: shop}}, spec: {x: 1`+replicas+`}}`)
	}
	seeded := object(web(""))
	seeded.Replicas = &render.Range{Min: 2, Max: 5}
	fixed := object(web(", replicas: 3"))
	with := func(count, manager string) LiveObject {
		body := web(", replicas: " + count)
		meta := body["metadata"].(map[string]any)
		meta["managedFields"] = []any{map[string]any{"manager": manager, "operation": "Apply",
			"fieldsV1": map[string]any{"f:spec": map[string]any{"f:replicas": map[string]any{}}}}}
		return LiveObject{Exists: true, Body: body}
	}
	for name, tc := range map[string]struct {
		before  render.Object
		found   LiveObject
		action  Action
		count   int64 // 0: none
		release bool
	}{
		"created at the lower end":                       {fixed, LiveObject{}, Create, 2, false},
		"put back at the lower end":                      {seeded, LiveObject{}, Heal, 2, false},
		"a count inside the range stays":                 {seeded, with("4", "kubectl"), Unchanged, 0, false},
		"a count above the range is clamped":             {seeded, with("9", "kubectl"), Heal, 5, false},
		"a count below the range is clamped":             {seeded, with("0", "hpa"), Heal, 2, false},
		"a count that was ours is released at its value": {fixed, with("3", Manager), Configure, 3, true},
		"a count that was ours is clamped when released": {fixed, with("9", Manager), Configure, 5, true},
		"a count that was ours with the same digest too": {seeded, with("3", Manager), Unchanged, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := Compute(bundle(seeded), live(applied(tc.before), map[render.ID]LiveObject{seeded.ID: tc.found}), options())
			c := p.Changes[0]
			var count int64
			if c.Replicas != nil {
				count = *c.Replicas
			}
			if c.Action != tc.action || count != tc.count || c.Release != tc.release {
				t.Errorf("got %s, replicas %d, release %v\n%s", c.Action, count, c.Release, lines(p))
			}
			if c.Object.Body["spec"].(map[string]any)["replicas"] != nil {
				t.Error("the main apply has spec.replicas")
			}
		})
	}
}

func TestPlanCarriesWhatApplyNeeds(t *testing.T) {
	env := small(t, "ConfigMap", "env", "1")
	o := options()
	o.Revision, o.Pass = "main@sha1:0123456789012345678901234567890123456789", 12
	inv := applied()
	p := Compute(bundle(env), live(inv, map[render.ID]LiveObject{env.ID: {}}), o)
	if p.Revision != o.Revision || p.Pass != 12 || !p.Deployment || p.Target.App != "shop" || p.Inventory.Version != "1" {
		t.Errorf("got %+v", p)
	}
	if c := p.Changes[0]; c.Object == nil || c.Digest != env.Digest(key) || c.Origin != env.Origin {
		t.Errorf("got %+v", c)
	}
}
