package cluster

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// database is a StatefulSet, its claim and its generated Secret, of one group.
func (f *fixture) database() render.Bundle {
	f.Helper()
	b := f.bundle(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers: [{name: db, image: "example.org/db:1"}]
`, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: db}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
		"{apiVersion: v1, kind: Secret, metadata: {name: db}}")
	b.Objects[2].Generate = &render.Generate{Keys: []render.GeneratedKey{password}, Lasting: true}
	for i := range b.Objects {
		b.Objects[i].Group = "postgresql.default"
	}
	return b
}

func TestDataThatLeavesGitIsKeptStoppedAndTakenBack(t *testing.T) {
	t.Parallel()
	f := start(t)
	web, db := configMap("env", "info"), f.database()
	with := f.bundle(web)
	with.Objects = append(with.Objects, db.Objects...)
	f.pass(with)
	secret := f.values(db.Objects[2].ID)
	at := func(now time.Time) func(*plan.Options) {
		return func(o *plan.Options) { o.Now, o.AllowPrune = now, false }
	}
	left := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	replicas := func() int64 {
		n, _, _ := unstructured.NestedInt64(f.get(db.Objects[0].ID).Object, "spec", "replicas")
		return n
	}

	p, _ := f.pass(f.bundle(web), at(left))
	if got := actions(p); got != "orphan StatefulSet/db, orphan PersistentVolumeClaim/db, orphan Secret/db" {
		t.Errorf("plan %s", got)
	}
	for _, o := range db.Objects {
		if got := f.get(o.ID).GetLabels()[render.LabelOrphanedAt]; got != "20261127T100000Z" {
			t.Errorf("%s: orphaned at %q", o.ID, got)
		}
	}
	if p := f.plan(f.bundle(web), at(left.Add(time.Hour))); p.Writes() || replicas() != 1 {
		t.Errorf("an hour later: %s, %d replicas", actions(p), replicas())
	}
	f.pass(f.bundle(web), at(left.Add(plan.OrphanGrace)), asDrift)
	if replicas() != 0 {
		t.Errorf("%d replicas after the grace", replicas())
	}
	if p := f.plan(f.bundle(web), at(left.Add(2*plan.OrphanGrace))); p.Writes() {
		t.Errorf("stopped again: %s", actions(p))
	}
	f.quiet("orphans are nobody's drift")
	if got := f.c.Health(f.target.App); len(got.Items) != 1 {
		t.Errorf("health counts orphans: %+v", got.Items)
	}

	p, _ = f.pass(with, at(left.Add(2*plan.OrphanGrace)))
	for _, o := range db.Objects {
		if got, ok := f.get(o.ID).GetLabels()[render.LabelOrphanedAt]; ok {
			t.Errorf("%s: still orphaned at %q", o.ID, got)
		}
	}
	if replicas() != 1 || fmt.Sprint(f.values(db.Objects[2].ID)) != fmt.Sprint(secret) {
		t.Errorf("taken back by %s: %d replicas, or another secret", actions(p), replicas())
	}
	if p := f.plan(with); p.Writes() {
		t.Errorf("taken back again: %s", actions(p))
	}

	// The application goes, its data stays.
	p, _ = f.pass(render.Bundle{}, at(left), func(o *plan.Options) { o.Removal, o.Deployment = true, false })
	if got := actions(p); got != "prune ConfigMap/env, orphan StatefulSet/db, orphan PersistentVolumeClaim/db, orphan Secret/db" &&
		got != "orphan StatefulSet/db, orphan PersistentVolumeClaim/db, orphan Secret/db, prune ConfigMap/env" {
		t.Errorf("removal: %s", got)
	}
	if err := f.c.Remove(t.Context(), f.target); err != nil {
		t.Error(err)
	}
	if replicas() != 0 || !f.exists(db.Objects[1].ID) || fmt.Sprint(f.values(db.Objects[2].ID)) != fmt.Sprint(secret) {
		t.Error("removal did not stop and keep the data")
	}
}

// What an operator runs has no count that could be 0.
func TestADatabaseOfAnOperatorHibernates(t *testing.T) {
	t.Parallel()
	f := start(t)
	kubetest.Install(t, f.cp, "../../testdata/operators/cluster.yaml")
	web := f.bundle(configMap("env", "info"))
	with := f.bundle(configMap("env", "info"), "{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, metadata: {name: db}, spec: {instances: 1}}")
	db := &with.Objects[1]
	db.Group = "postgresql.default"
	f.pass(with)
	left := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	at := func(now time.Time) func(*plan.Options) {
		return func(o *plan.Options) { o.Now, o.AllowPrune = now, false }
	}
	f.pass(web, at(left))
	if got := f.get(db.ID); got.GetAnnotations()[hibernation] != "" || got.GetLabels()[render.LabelOrphanedAt] == "" {
		t.Errorf("just orphaned: %v %v", got.GetLabels(), got.GetAnnotations())
	}
	f.pass(web, at(left.Add(plan.OrphanGrace)), asDrift)
	if got := f.get(db.ID).GetAnnotations()[hibernation]; got != "on" {
		t.Errorf("hibernation is %q after the grace", got)
	}
	f.pass(with, at(left.Add(2*plan.OrphanGrace)))
	if got := f.get(db.ID); got.GetAnnotations()[hibernation] != "" || got.GetLabels()[render.LabelOrphanedAt] != "" {
		t.Errorf("taken back: %v %v", got.GetLabels(), got.GetAnnotations())
	}
}
