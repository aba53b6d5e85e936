package plan

import (
	"fmt"
	"testing"

	"rondo.dev/rondo/render"
)

func TestADeploymentSuspendsJobsThatAskForIt(t *testing.T) {
	job := func(suspend bool) render.Object {
		return object(read(t, fmt.Sprintf(`{apiVersion: batch/v1, kind: CronJob,
			metadata: {name: report, namespace: shop, annotations: {rondo.dev/pause-during-deploy: "true"}}, spec: {schedule: "@daily", suspend: %t}}`, suspend)))
	}
	web, other := small(t, "ConfigMap", "env", "1"), small(t, "ConfigMap", "env", "2")
	entry := func(o render.Object, suspended bool) Entry {
		return Entry{ID: o.ID, Version: o.Version, Digest: o.Digest(key), Suspended: suspended}
	}
	for name, tc := range map[string]struct {
		job        render.Object
		env        render.Object
		entry      *Entry
		deployment bool
		live       map[render.ID]LiveObject
		want       bool
	}{
		"when something else is written":                 {job: job(false), env: other, entry: new(entry(job(false), false)), deployment: true, want: true},
		"not when nothing is":                            {job: job(false), env: web, entry: new(entry(job(false), false)), deployment: true},
		"again, when a deployment was cut short":         {job: job(false), env: web, entry: new(entry(job(false), true)), deployment: true, want: true},
		"not to correct drift":                           {job: job(false), env: other, entry: new(entry(job(false), false))},
		"not one that is suspended anyway":               {job: job(true), env: other, entry: new(entry(job(true), false)), deployment: true},
		"not one that is created with the deployment":    {job: job(false), env: other, deployment: true, live: map[render.ID]LiveObject{job(false).ID: {}}},
		"not one that was deleted and is made once more": {job: job(false), env: other, entry: new(entry(job(false), false)), deployment: true, live: map[render.ID]LiveObject{job(false).ID: {}}},
	} {
		t.Run(name, func(t *testing.T) {
			live := Live{Inventory: Inventory{Entries: []Entry{entry(web, false)}}, Objects: tc.live}
			if tc.entry != nil {
				live.Inventory.Entries = append(live.Inventory.Entries, *tc.entry)
			}
			o := Options{Target: target, Key: key, Deployment: tc.deployment}
			p := Compute(render.Bundle{Objects: []render.Object{tc.env, tc.job}}, live, o)
			if p.Held != "" || len(p.Refused) > 0 {
				t.Fatalf("held %q, refused %v", p.Held, p.Refused)
			}
			if got := p.Suspends(); got != tc.want || got && !p.Writes() {
				t.Errorf("suspends %t, want %t: %+v", got, tc.want, p.Changes)
			}
		})
	}
}

func TestResumeIsAboutSuspendedJobsAlone(t *testing.T) {
	job := object(read(t, `{apiVersion: batch/v1, kind: CronJob, metadata: {name: report, namespace: shop}, spec: {suspend: false}}`))
	env, gone := small(t, "ConfigMap", "env", "1"), small(t, "ConfigMap", "gone", "1")
	live := Live{
		Inventory: Inventory{Entries: []Entry{{ID: job.ID, Version: "v1", Suspended: true}, {ID: gone.ID, Version: "v1", Digest: "x"}}},
		Objects: map[render.ID]LiveObject{job.ID: {Exists: true, Body: read(t,
			`{apiVersion: batch/v1, kind: CronJob, metadata: {name: report, namespace: shop}, spec: {suspend: true}}`)}},
	}
	p := Resume(render.Bundle{Objects: []render.Object{env, job}}, live, Options{Target: target, Key: key})
	if len(p.Changes) != 1 || p.Changes[0].ID != job.ID || p.Changes[0].Action != Configure || p.Held != "" || len(p.Inventory.Entries) != 2 {
		t.Errorf("%+v", p)
	}
}
