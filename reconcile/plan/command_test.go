package plan

import (
	"testing"
	"time"

	"rondo.dev/rondo/render"
)

func TestCommands(t *testing.T) {
	web, old := small(t, "Deployment", "web", "1"), small(t, "Job", "migrate-1", "1")
	job := object(read(t, "{apiVersion: batch/v1, kind: Job, metadata: {name: migrate-2, namespace: shop, labels: {rondo.dev/app: shop}}, spec: {activeDeadlineSeconds: 90, template: {spec: {image: a}}}}"))
	job.Command, old.Command = true, true
	with := func(o render.Object, condition string) map[render.ID]LiveObject {
		found := alive(t, o)
		if condition != "" {
			found.Body["status"] = map[string]any{"conditions": []any{map[string]any{"type": condition, "status": "True"}}}
		}
		return map[render.ID]LiveObject{o.ID: found}
	}
	changed := object(read(t, "{apiVersion: batch/v1, kind: Job, metadata: {name: migrate-2, namespace: shop, labels: {rondo.dev/app: shop}}, spec: {activeDeadlineSeconds: 90, template: {spec: {image: b}}}}"))
	changed.Command = true
	begun, failed := remembered(web, job), remembered(web, job)
	begun.Entries[1].Digest = ""
	failed.Entries[1].Digest, failed.Entries[1].Failed = "", true

	for name, tc := range map[string]struct {
		objects   []render.Object
		inventory Inventory
		found     map[render.ID]LiveObject
		drifts    map[render.ID]Drift
		drift     bool // no deployment
		want      string
		await     bool
	}{
		"a new one is created": {
			objects: []render.Object{job, web}, inventory: remembered(web), found: map[render.ID]LiveObject{job.ID: {}},
			want: "create Job/shop/migrate-2 manifest.yml:7\n1 unchanged"},
		"one that has succeeded does not run again": {
			objects: []render.Object{job, web}, inventory: remembered(web, job), want: "2 unchanged"},
		"nor when it was cleaned up since": {
			objects: []render.Object{job, web}, inventory: remembered(web, job), drifts: map[render.ID]Drift{job.ID: {ID: job.ID, Missing: true}},
			found: map[render.ID]LiveObject{job.ID: {}}, want: "2 unchanged"},
		"one that was begun carries on": {
			objects: []render.Object{job, web}, inventory: begun, found: with(job, ""),
			want: "configure Job/shop/migrate-2 manifest.yml:7 was begun; carries on\n1 unchanged"},
		"one that failed runs again": {
			objects: []render.Object{job, web}, inventory: failed, found: with(job, "Failed"),
			want: "recreate Job/shop/migrate-2 manifest.yml:7 failed before; runs again\n1 unchanged"},
		"one that failed and is gone runs again": {
			objects: []render.Object{job, web}, inventory: failed, found: map[render.ID]LiveObject{job.ID: {}},
			want: "create Job/shop/migrate-2 manifest.yml:7 failed before; runs again\n1 unchanged"},
		"another text under the same name waits for the running one": {
			objects: []render.Object{changed, web}, inventory: remembered(web, job), found: with(job, ""), await: true,
			want: "recreate Job/shop/migrate-2 manifest.yml:7\nspec.template.spec.image: \"a\" → \"b\"\n1 unchanged"},
		"drift runs nothing": {
			objects: []render.Object{job, web}, inventory: remembered(web), drift: true, want: "2 unchanged"},
		"nor what failed": {
			objects: []render.Object{job, web}, inventory: failed, drift: true, want: "2 unchanged"},
		"one of an earlier revision is pruned once it has ended": {
			objects: []render.Object{web}, inventory: remembered(web, old), found: with(old, "Complete"),
			want: "prune Job/shop/migrate-1 inventory\n1 unchanged"},
		"while it runs the newer revision waits": {
			objects: []render.Object{web}, inventory: remembered(web, old), found: with(old, ""), await: true,
			want: "prune Job/shop/migrate-1 inventory gone from git, once it has ended\n1 unchanged"},
		"and drift leaves it": {
			objects: []render.Object{web}, inventory: remembered(web, old), found: with(old, ""), drift: true,
			want: "skip Job/shop/migrate-1 inventory kept: still running\n1 unchanged"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Deployment = !tc.drift
			l := live(tc.inventory, tc.found)
			l.Drifts = tc.drifts
			p := Compute(bundle(tc.objects...), l, o)
			check(t, lines(p), tc.want)
			if p.Held != "" {
				t.Errorf("held: %s", p.Held)
			}
			awaits := false
			for _, c := range p.Changes {
				awaits = awaits || c.Await
			}
			if awaits != tc.await {
				t.Errorf("Await is %v", awaits)
			}
		})
	}
}

func TestOldCommandsDoNotHoldAPlan(t *testing.T) {
	web := small(t, "Deployment", "web", "1")
	all, found := []render.Object{web}, map[render.ID]LiveObject{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		job := small(t, "Job", name, "1")
		job.Command = true
		done := alive(t, job)
		done.Body["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}
		all, found[job.ID] = append(all, job), done
	}
	p := Compute(bundle(web), live(remembered(all...), found), options())
	if p.Held != "" || p.Counts()[Prune] != 5 {
		t.Errorf("held %q:\n%s", p.Held, lines(p))
	}
}

func TestCommandDeadline(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"{}":                                    time.Hour + time.Minute,
		"{spec: {activeDeadlineSeconds: 3600}}": time.Hour + time.Minute,
		"{spec: {activeDeadlineSeconds: 30}}":   90 * time.Second,
	} {
		if got := CommandDeadline(read(t, "{apiVersion: batch/v1, kind: Job, "+text[1:])); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestPodsOfAMissingAccountAreRefused(t *testing.T) {
	web := object(read(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {template: {spec: {serviceAccountName: robot}}}}"))
	l := live(applied(), map[render.ID]LiveObject{web.ID: {}})
	check(t, lines(Compute(bundle(web), l, options())), "create Deployment/shop/web manifest.yml:7")
	l.NoAccounts = map[string]bool{"robot": true}
	check(t, lines(Compute(bundle(web), l, options())), `
		refused manifest.yml:7: Deployment/shop/web runs as the ServiceAccount robot, which namespace shop does not have; create it there, or change service_account_name [E-SA-MISSING]`)
}
