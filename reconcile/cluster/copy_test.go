package cluster

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// copied is a Secret with values of another application's.
func (f *fixture) copied(app string, keys ...string) render.Bundle {
	b := f.bundle("{apiVersion: v1, kind: Secret, metadata: {name: db-shared}, type: Opaque}")
	b.Objects[0].Copy = &render.Copy{App: app, Database: "postgresql.default", Secret: "credentials", Keys: keys}
	return b
}

func TestACopyHasWhatItsOwnerHas(t *testing.T) {
	t.Parallel()
	f := start(t, func(o *Options) { o.SecretCheck = 200 * time.Millisecond })
	owner := *f
	owner.target = plan.Target{App: f.target.App + "-books", Namespace: kubetest.Namespace(t, f.cp), ServiceAccount: "keeper"}
	kubetest.Eventually(t, func() error { return f.c.Bootstrap(t.Context(), owner.target) })

	refused := func(b render.Bundle, want string) {
		t.Helper()
		p := f.plan(b)
		if _, err := f.c.Apply(t.Context(), p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want …%s…", err, want)
		}
	}
	refused(f.copied(owner.target.App, "password"), "application "+owner.target.App+" is not in rondo.yaml")
	f.c.Follow([]plan.Target{f.target, owner.target})
	refused(f.copied(owner.target.App, "password"), "of application "+owner.target.App+": ")
	owner.pass(owner.generated(true, password))
	refused(f.copied(owner.target.App, "password", "url"), "of application "+owner.target.App+" has no key url")
	if _, err := f.resource(f.id("", "Secret", "db-shared")).Get(t.Context(), "db-shared", metav1.GetOptions{}); err == nil {
		t.Error("something was copied")
	}

	p, out := f.pass(f.copied(owner.target.App, "password"))
	id, theirs := f.id("", "Secret", "db-shared"), owner.values(owner.id("", "Secret", "credentials"))
	if ours := f.values(id); theirs["password"] == "" || ours["password"] != theirs["password"] || len(ours) != 1 {
		t.Errorf("the copy has %d keys, and not the owner's", len(ours))
	}
	if p := f.plan(f.copied(owner.target.App, "password")); p.Writes() {
		t.Errorf("again: %s", actions(p))
	}
	f.silent(theirs, p, out)

	// What the owner broke later is told, and keeps nothing else from being put back.
	both := f.copied(owner.target.App, "password")
	both.Objects = append(both.Objects, f.bundle(configMap("env", "info")).Objects...)
	both.Objects[1].Stage = render.StageWorkload
	f.pass(both)
	theirID, env := owner.id("", "Secret", "credentials"), f.id("", "ConfigMap", "env")
	write := func(patch string) {
		t.Helper()
		owner.by("kubectl-edit", theirID, types.MergePatchType, patch)
	}
	for range 2 {
		write(`{"data":{"password":null}}`)
		if err := f.resource(env).Delete(t.Context(), env.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		f.drifted(env)
		if _, err := f.c.Apply(t.Context(), f.plan(both, asDrift)); err == nil || !strings.Contains(err.Error(), "has no key password") {
			t.Errorf("got %v", err)
		}
		if !f.exists(env) || f.values(id)["password"] != theirs["password"] {
			t.Error("the copy, or what comes after it, is not as it was")
		}
		f.forgetDrifts()
	}
	write(`{"stringData":{"password":"` + theirs["password"] + `"}}`)
	f.pass(f.copied(owner.target.App, "password"), func(o *plan.Options) { o.AllowPrune = true })

	// A change over there is drift here, also for a process that never applied it.
	f.c = f.another(func(o *Options) { o.SecretCheck = 200 * time.Millisecond })
	f.c.Follow([]plan.Target{f.target, owner.target})
	f.run(f.c)
	write(`{"data":{"password":"aGFuZA=="}}`)
	f.drifted(id)
	p, _ = f.pass(f.copied(owner.target.App, "password"), asDrift)
	if got := actions(p); got != "configure Secret/db-shared" || f.values(id)["password"] != "hand" {
		t.Errorf("plan %s, and the copy is the old one", got)
	}
}
