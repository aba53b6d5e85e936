package plan

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"rondo.dev/rondo/render"
)

func TestPrune(t *testing.T) {
	web, env, old := small(t, "Deployment", "web", "1"), small(t, "ConfigMap", "env", "1"), small(t, "ConfigMap", "old", "1")
	labelled := func(owner string) LiveObject {
		found := alive(t, old)
		labels := map[string]any{}
		if owner != "" {
			labels[render.LabelApp] = owner
		}
		found.Body["metadata"].(map[string]any)["labels"] = labels
		return found
	}
	annotated := alive(t, old)
	annotated.Body["metadata"].(map[string]any)["annotations"] = map[string]any{render.AnnotationPrune: "disabled"}
	kept := applied(web, old)
	kept.Entries[1].NoPrune = true
	broken := applied(web, old)
	broken.Broken = "its HMAC does not fit"
	announced := applied(web, old)
	announced.Entries[1].Digest = ""

	for name, tc := range map[string]struct {
		objects   []render.Object
		inventory Inventory
		found     map[render.ID]LiveObject
		want      string
		forget    bool
	}{
		"gone from git is pruned": {
			[]render.Object{web}, applied(web, old), map[render.ID]LiveObject{old.ID: alive(t, old)},
			"prune ConfigMap/shop/old inventory\n1 unchanged", false},
		"pruned without a read by the identity of the inventory": {
			[]render.Object{web}, applied(web, old), nil,
			"prune ConfigMap/shop/old inventory\n1 unchanged", false},
		"a foreign object with our label is never pruned": {
			[]render.Object{web}, applied(web), map[render.ID]LiveObject{old.ID: alive(t, old)}, "1 unchanged", false},
		"what another application took is left to it": {
			[]render.Object{web}, applied(web, old), map[render.ID]LiveObject{old.ID: labelled("other")},
			"skip ConfigMap/shop/old inventory taken over by other\n1 unchanged", true},
		"what bears no label of ours any more is left alone": {
			[]render.Object{web}, applied(web, old), map[render.ID]LiveObject{old.ID: labelled("")},
			"skip ConfigMap/shop/old inventory taken over: it bears no label rondo.dev/app any more\n1 unchanged", true},
		"what is gone already needs no delete": {
			[]render.Object{web}, applied(web, old), map[render.ID]LiveObject{old.ID: {}},
			"skip ConfigMap/shop/old inventory already gone\n1 unchanged", true},
		"annotated when it was applied, it is kept": {
			[]render.Object{web}, kept, map[render.ID]LiveObject{old.ID: alive(t, old)},
			"skip ConfigMap/shop/old inventory kept: annotated rondo.dev/prune: disabled\n1 unchanged", false},
		"annotated when it was applied, it is kept without a read": {
			[]render.Object{web}, kept, nil,
			"skip ConfigMap/shop/old inventory kept: annotated rondo.dev/prune: disabled\n1 unchanged", false},
		"annotated in the cluster, it is kept": {
			[]render.Object{web}, applied(web, old), map[render.ID]LiveObject{old.ID: annotated},
			"skip ConfigMap/shop/old inventory kept: annotated rondo.dev/prune: disabled\n1 unchanged", false},
		"announced and not read, it may be somebody else's": {
			[]render.Object{web}, announced, nil,
			"skip ConfigMap/shop/old inventory announced but never applied, and not read now\n1 unchanged", false},
		"announced and ours, it is pruned": {
			[]render.Object{web}, announced, map[render.ID]LiveObject{old.ID: alive(t, old)},
			"prune ConfigMap/shop/old inventory\n1 unchanged", false},
		"a broken inventory prunes nothing and says so": {
			[]render.Object{web}, broken, map[render.ID]LiveObject{web.ID: alive(t, web), old.ID: alive(t, old)},
			"configure Deployment/shop/web manifest.yml:7 not in the inventory\nskip Inventory/shop/shop inventory nothing is pruned: its HMAC does not fit", false},
		"created before the old one is pruned": {
			[]render.Object{env, web}, applied(web, old), map[render.ID]LiveObject{env.ID: {}, old.ID: alive(t, old)},
			"create ConfigMap/shop/env manifest.yml:7\nprune ConfigMap/shop/old inventory\n1 unchanged", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := Compute(bundle(tc.objects...), live(tc.inventory, tc.found), options())
			check(t, lines(p), tc.want)
			last := p.Changes[len(p.Changes)-1]
			if last.Forget != tc.forget {
				t.Errorf("Forget is %v", last.Forget)
			}
			if last.Action == Prune && (last.UID != "uid-of-old" || last.Version != "v1" || last.Object != nil) {
				t.Errorf("got %+v", last)
			}
		})
	}
}

func TestPruneRunsInReverse(t *testing.T) {
	web := small(t, "Deployment", "web", "1")
	gone := []render.Object{
		small(t, "ConfigMap", "a", "1"), small(t, "Service", "a", "1"), small(t, "Deployment", "a", "1"),
		object(read(t, "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a, namespace: shop}}")),
		small(t, "ServiceAccount", "a", "1"), small(t, "ConfigMap", "b", "1"),
	}
	o := options()
	o.AllowPrune = true
	check(t, lines(Compute(bundle(web), live(applied(append(gone, web)...), nil), o)), `
		prune Ingress/shop/a inventory
		prune Service/shop/a inventory
		prune Deployment/shop/a inventory
		prune ConfigMap/shop/b inventory
		prune ConfigMap/shop/a inventory
		prune ServiceAccount/shop/a inventory
		1 unchanged`)
}

func TestGuards(t *testing.T) {
	configs := func(n int) (out []render.Object) {
		for i := range n {
			out = append(out, small(t, "ConfigMap", fmt.Sprintf("c%03d", i), "1"))
		}
		return out
	}
	const release = `; allow by trailer "Rondo-Prune: allow" or rondo sync --allow-prune shop`
	web, worker := small(t, "Deployment", "web", "1"), small(t, "Deployment", "worker", "1")
	for name, tc := range map[string]struct {
		keep, gone []render.Object
		held       string // the beginning; empty: not held
		names      string // what it concerns
	}{
		"1 of 2 goes on":   {configs(1), []render.Object{small(t, "ConfigMap", "old", "1")}, "", ""},
		"3 of 12 goes on":  {append(configs(8), web), configs(11)[8:], "", ""},
		"4 of 100 goes on": {append(configs(95), web), configs(99)[95:], "", ""},
		"20 of 100 goes on, being no more than 20 %": {append(configs(79), web), configs(99)[79:], "", ""},
		"4 of 12 is held":              {append(configs(7), web), configs(11)[7:], "would delete 4 of 12 objects" + release, "it concerns ConfigMap/shop/c"},
		"21 of 100 is held":            {append(configs(78), web), configs(99)[78:], "would delete 21 of 100 objects" + release, "it concerns "},
		"5 of 5 is held":               {nil, append(configs(4), web), "would delete 5 of 5 objects, the last workload among them" + release, "it concerns Deployment/shop/web"},
		"11 of 12 is held":             {[]render.Object{web}, configs(11), "would delete 11 of 12 objects" + release, "it concerns ConfigMap/shop/c010, ConfigMap/shop/c009, ConfigMap/shop/c008, and 8 more"},
		"5 configs of 5 too":           {nil, configs(5), "would delete 5 of 5 objects" + release, "it concerns "},
		"the last workload":            {configs(9), []render.Object{web}, "would delete 1 of 10 objects, the last workload among them" + release, "it concerns Deployment/shop/web"},
		"one of two workloads goes on": {[]render.Object{web}, []render.Object{worker}, "", ""},
		"a StatefulSet": {[]render.Object{web}, []render.Object{small(t, "StatefulSet", "db", "1")},
			"would delete 1 of 2 objects and what is in them" + release, "it concerns StatefulSet/shop/db"},
		"a claim": {[]render.Object{web}, []render.Object{small(t, "PersistentVolumeClaim", "data", "1")},
			"would delete 1 of 2 objects and what is in them" + release, "it concerns PersistentVolumeClaim/shop/data"},
		"a Namespace": {[]render.Object{web}, []render.Object{small(t, "Namespace", "shop", "1")},
			"would delete 1 of 2 objects and what is in them" + release, "it concerns Namespace/"},
		"a CRD": {[]render.Object{web}, []render.Object{small(t, "CustomResourceDefinition", "widgets", "1")},
			"would delete 1 of 2 objects and what is in them" + release, "it concerns CustomResourceDefinition/"},
	} {
		t.Run(name, func(t *testing.T) {
			l := live(applied(append(append([]render.Object{}, tc.keep...), tc.gone...)...), nil)
			p := Compute(bundle(tc.keep...), l, options())
			switch {
			case tc.held == "" && p.Held != "":
				t.Errorf("held: %s", p.Held)
			case !strings.HasPrefix(p.Held, tc.held):
				t.Errorf("got  %s\nwant %s", p.Held, tc.held)
			case tc.held != "" && !strings.Contains(p.Held, tc.names):
				t.Errorf("does not name %s: %s", tc.names, p.Held)
			case tc.held != "" && utf8.RuneCountInString("held: "+tc.held) > 140:
				t.Errorf("how to release it is beyond the 140 characters of a status: %s", p.Held)
			}
			if n := p.Counts()[Prune]; n != len(tc.gone) {
				t.Errorf("%d prunes of %d are in the plan", n, len(tc.gone))
			}
			o := options()
			o.AllowPrune = true
			if p := Compute(bundle(tc.keep...), l, o); p.Held != "" {
				t.Errorf("held although allowed: %s", p.Held)
			}
		})
	}
}

func TestRemovalDeletesAllButWhatIsKept(t *testing.T) {
	web, db, env := small(t, "Deployment", "web", "1"), small(t, "StatefulSet", "db", "1"), small(t, "ConfigMap", "env", "1")
	inv := applied(web, db, env)
	inv.Entries[2].NoPrune = true
	o := options()
	o.Deployment, o.Removal = false, true
	p := Compute(bundle(web), live(inv, nil), o)
	if p.Held != "" {
		t.Errorf("held: %s", p.Held)
	}
	check(t, lines(p), `
		prune Deployment/shop/web inventory application removed
		prune StatefulSet/shop/db inventory application removed
		skip ConfigMap/shop/env inventory kept: annotated rondo.dev/prune: disabled`)
}

func TestRemovalByABrokenInventoryIsHeld(t *testing.T) {
	inv := applied(small(t, "Deployment", "web", "1"))
	inv.Broken = "its HMAC does not fit"
	o := options()
	o.Removal = true
	want := "nothing can be removed: its HMAC does not fit; delete what bears the label rondo.dev/app=shop by hand"
	if p := Compute(bundle(), live(inv, nil), o); p.Held != want || p.Writes() {
		t.Errorf("got %q and\n%s", p.Held, lines(p))
	}
}
