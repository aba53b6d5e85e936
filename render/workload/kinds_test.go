package workload

import (
	"testing"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// What restarts a service does not depend on its kind, but a schedule alone
// starts a CronJob.
func TestRestartsOfEveryKind(t *testing.T) {
	yes, no := true, false
	template := []any{"spec", "template", "metadata", "annotations"}
	for name, tc := range map[string]struct {
		kind     manifest.Kind
		object   string
		template []any
		each     bool // restart_on_deploy: true restarts it at each revision
	}{
		"a Deployment":  {manifest.KindDeployment, "Deployment/web", template, true},
		"a DaemonSet":   {manifest.KindDaemonSet, "DaemonSet/web", template, true},
		"a StatefulSet": {manifest.KindStatefulSet, "StatefulSet/web", template, true},
		"a Job":         {manifest.KindJob, "Job/web", template, true},
		"a CronJob":     {manifest.KindCronJob, "CronJob/web", append([]any{"spec", "jobTemplate"}, template...), false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, restart := range []*bool{nil, &yes, &no} {
				app := shop(web(func(s *manifest.Service) { s.Pod.Kind, s.RestartOnDeploy, s.Wave = tc.kind, restart, 2 }))
				app.Variables = []manifest.Variable{{Name: "A", Value: text("1")}}
				objects := build(t, app, render.Input{Snapshot: snapshot{hash: "cafe"}})
				o := find(objects, tc.object)
				if o == nil {
					t.Fatalf("there is no %s", tc.object)
				}
				if o.Wave != 2 {
					t.Errorf("wave %d, want that of the service", o.Wave)
				}
				annotations, _ := get(o.Body, tc.template...).(map[string]any)
				never := restart != nil && !*restart && tc.each
				if got := annotations[annotationConfigHash] != nil; got == never {
					t.Errorf("restart_on_deploy %v: a hash of what it reads: %t", restart, got)
				}
				want := restart != nil && *restart && tc.each
				if got := annotations[render.AnnotationDeployment] != nil; got != want {
					t.Errorf("restart_on_deploy %v: the revision in the template: %t, want %t", restart, got, want)
				}
				if got := (render.Bundle{Objects: objects}).EachRevision(); got != want {
					t.Errorf("restart_on_deploy %v: EachRevision() = %t, want %t", restart, got, want)
				}
			}
		})
	}
}

func TestOnlyCountedKindsHaveCountsAndBudgets(t *testing.T) {
	for kind, counted := range map[manifest.Kind]bool{
		manifest.KindDeployment: true, manifest.KindStatefulSet: true, manifest.KindDaemonSet: false, manifest.KindJob: false, manifest.KindCronJob: false,
	} {
		objects := build(t, shop(web(func(s *manifest.Service) { s.Pod.Kind, s.MinCount, s.MaxCount = kind, 2, 2 })), render.Input{})
		if got := find(objects, "PodDisruptionBudget/web") != nil; got != counted {
			t.Errorf("kind %q: budget: %t, want %t", kind, got, counted)
		}
		for _, o := range objects {
			if replicas := get(o.Body, "spec", "replicas") != nil; replicas && !counted {
				t.Errorf("kind %q: %v has spec.replicas", kind, o.Body["kind"])
			}
		}
	}
}
