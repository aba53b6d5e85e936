package daemon_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/folder"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
)

// holds is the content of a Secret; nil: there is none.
func (w *world) holds(name string) map[string]string {
	w.t.Helper()
	secret, err := w.kube.CoreV1().Secrets(w.ns).Get(w.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for key, value := range secret.Data {
		out[key] = string(value)
	}
	return out
}

// follows waits until the copy in w has the values that the Secret of owner has.
func (w *world) follows(owner *world) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		theirs, ours := owner.holds("postgresql-default"), w.holds("postgresql-default-shared")
		for _, key := range []string{"host", "port", "username", "password", "database", "url"} {
			if theirs[key] == "" || ours[key] != theirs[key] {
				return fmt.Errorf("key %s is not that of the owner", key)
			}
		}
		if len(ours) != 6 {
			return fmt.Errorf("the copy has the keys %v", slices.Sorted(maps.Keys(ours)))
		}
		return nil
	})
}

// lets reports whether the policy of the database lets Pods of a namespace in.
func (w *world) lets(namespace string) bool {
	w.t.Helper()
	policy, err := w.kube.NetworkingV1().NetworkPolicies(w.ns).Get(w.t.Context(), "postgresql-default", metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, from := range policy.Spec.Ingress[0].From {
		if from.NamespaceSelector != nil && from.NamespaceSelector.MatchLabels[corev1.LabelMetadataName] == namespace {
			return true
		}
	}
	return false
}

func TestADatabaseIsSharedWithAnotherApplication(t *testing.T) {
	w := newWorld(t, settings{idle: true, values: map[string]any{"cluster": map[string]any{"secret_check": "500ms"}}})
	shop, mail := w.apartFrom("shop"), w.apartFrom("mail")
	if err := w.Configure(shop.entry(nil), mail.entry(nil)); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	owning := func(with string) map[string]string {
		return manifest("postgresql: { server: {}, share_with: [" + with + "] }\nservices: { api: { image: registry.example.org/shop/api:1 } }\n")
	}
	using := "postgresql: { groups: { default: { share_from: " + shop.app + "/production } } }\n" +
		"services: { web: { image: registry.example.org/web:1, env_vars: { PRICES: \"_env(POSTGRESQL_ADDRESS)\" } } }\n"

	// Not before its owner has said so.
	shop.settles(shop.push(owning("")), reconcile.Live)
	reader := mail.push(manifest(using))
	detail := mail.becomes(reader, reconcile.Invalid, "")
	if want := "names application " + shop.app + "/production, which shares no postgresql with this one; list this application in share_with of the database there"; !strings.Contains(detail.Sentence, want) {
		t.Errorf("got %s\nwant %s", detail.Sentence, want)
	}
	shop.push(owning(mail.app))
	mail.becomes(reader, reconcile.Live, "postgresql-default."+shop.ns)
	mail.follows(shop)
	if !shop.lets(mail.ns) {
		t.Error("the owner's policy does not let the other application in")
	}
	if sets, err := w.kube.AppsV1().StatefulSets(mail.ns).List(t.Context(), metav1.ListOptions{}); err != nil || len(sets.Items) > 0 {
		t.Errorf("it has a database of its own: %v, %v", sets, err)
	}
	for _, v := range mail.deployment("web").Spec.Template.Spec.Containers[0].Env {
		if v.Name == "POSTGRESQL_URL" && (v.ValueFrom == nil || v.ValueFrom.SecretKeyRef.Name != "postgresql-default-shared") {
			t.Errorf("web has %+v", v)
		}
	}

	// Nothing is planned for it by somebody who knows no other application.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.yml"), []byte(using), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := folder.Options{Dir: dir, App: mail.app, Namespace: mail.ns}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	planned, err := folder.Plan(t.Context(), o, w.cp.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range planned.Changes {
		if change.ID.Kind == "Secret" && change.Action != plan.Unchanged {
			t.Errorf("rondo plan would %s %s", change.Action, change.ID)
		}
	}

	// What is made anew over there, and what is changed here, is put right.
	shop.edit(secrets, "postgresql-default", "kubectl-edit", types.MergePatchType, `{"stringData":{"password":"canary-of-the-rotation"}}`)
	mail.follows(shop)
	mail.edit(secrets, "postgresql-default-shared", "kubectl-edit", types.MergePatchType, `{"stringData":{"url":"postgresql://canary-of-the-edit"}}`)
	mail.follows(shop)
	mail.delete(secrets, "postgresql-default-shared")
	mail.follows(shop)
	// Also after a start of the daemon, without a deployment.
	if err := w.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	shop.edit(secrets, "postgresql-default", "kubectl-edit", types.MergePatchType, `{"stringData":{"password":"canary-of-the-second-rotation"}}`)
	mail.follows(shop)

	// What is taken back is told; the copy stays, and follows no longer.
	shop.push(owning(""))
	detail = mail.becomes(reader, reconcile.Invalid, "postgresql-default."+shop.ns)
	if shop.lets(mail.ns) {
		t.Error("the owner's policy still lets the other application in")
	}
	before := mail.holds("postgresql-default-shared")
	shop.edit(secrets, "postgresql-default", "kubectl-edit", types.MergePatchType, `{"stringData":{"password":"canary-of-the-lock-out"}}`)
	mail.edit(secrets, "postgresql-default-shared", "kubectl-edit", types.MergePatchType, `{"data":{"port":null}}`)
	if err := w.kube.AppsV1().Deployments(mail.ns).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, func() error {
		_, err := w.kube.AppsV1().Deployments(mail.ns).Get(t.Context(), "web", metav1.GetOptions{})
		return err // a pass has put back what is not the owner's
	})
	delete(before, "port")
	if after := mail.holds("postgresql-default-shared"); !maps.Equal(before, after) {
		t.Error("the copy follows an owner that does not share any more")
	}

	// Nor when a deployment without it fails, and what ran before is put back.
	mail.settles(mail.push(manifest("services:\n  web:\n    image: registry.example.org/shop/web:crash\n    deploy_command: bin/migrate\n")), reconcile.Unhealthy)
	if after := mail.holds("postgresql-default-shared"); !maps.Equal(before, after) {
		t.Error("what is put back has the new values of an owner that does not share any more")
	}
	hidden := []string{before["password"], before["username"], "canary-of-the-rotation", "canary-of-the-edit", "canary-of-the-lock-out"}
	shop.nowhere(hidden...)
	mail.nowhere(hidden...)
}
