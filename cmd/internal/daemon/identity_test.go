package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/cluster"
	"rondo.dev/rondo/reconcile/kubetest"
)

// live does everything that a rondo does to an application: deploy, heal each
// watched kind and a Secret, prune, fail, and remove.
func (w *world) live() {
	w.t.Helper()
	w.settles(w.push(manifest(every+"  old:\n    image: registry.example.org/shop/old:1.0.0\n")), reconcile.Live)
	w.settles(w.push(manifest(every)), reconcile.Live)
	w.overtake()
	before := w.state().Newest.Pass
	w.scale(7)
	w.heal(before, "spec.replicas")
	before = w.state().Newest.Pass
	w.edit(secrets, "web-env", "kubectl-edit", types.MergePatchType, `{"stringData":{"PASSWORD":"edited"}}`)
	w.heal(before, "data.PASSWORD")
	w.deadline("4s")
	w.settles(w.push(manifest(strings.Replace(every, "web:1.0.0", "web:never-ready", 1))), reconcile.Unhealthy)
	w.reload()
	w.do("remove", client.Action{Confirm: w.app})
	kubetest.Eventually(w.t, func() error {
		if _, err := w.API().App(w.t.Context(), w.app); err == nil {
			return fmt.Errorf("%s is not removed yet", w.app)
		}
		return nil
	})
}

var soon = settings{values: map[string]any{"cluster": map[string]any{"secret_check": "500ms"}}}

func TestT21_TheAuditLogShowsTwoIdentitiesAndNothingElse(t *testing.T) {
	w := newWorld(t, soon)
	w.live()
	own := map[cluster.Call]bool{}
	for _, call := range cluster.OwnCalls() {
		own[call] = true
	}
	account := "system:serviceaccount:" + w.ns + ":deployer"
	done := map[string]int{}
	for _, e := range kubetest.Audit(t, w.cp) {
		ref := e.ObjectRef
		// The whole cluster and the Lease's namespace are looked at for all tests that run beside this one.
		if e.User.Username != "rondo" || ref.Namespace != w.ns && ref.Namespace != "" && ref.Namespace != "default" {
			continue
		}
		switch {
		case e.ImpersonatedUser != nil:
			if ref.Namespace != "" && ref.Namespace != w.ns || ref.Namespace == w.ns && e.ImpersonatedUser.Username != account {
				t.Errorf("outside its namespace: %s", e)
			}
			if ref.Resource != "" && ref.Namespace == "" {
				t.Errorf("an application asks for the whole cluster: %s", e)
			}
			if ref.Namespace == w.ns {
				done[e.Verb+" "+ref.Resource]++
			}
		case ref.Resource == "":
			if path, _, _ := strings.Cut(e.RequestURI, "?"); e.Verb != "get" || path != "/version" && path != "/api" && path != "/apis" &&
				!strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/apis/") {
				t.Errorf("rondo itself asks %s %s", e.Verb, e.RequestURI)
			}
		case ref.Subresource != "" || !own[cluster.Call{Verb: e.Verb, Group: ref.APIGroup, Resource: ref.Resource}]:
			t.Errorf("rondo itself may not: %s", e)
		case (e.Verb == "list" || e.Verb == "watch") && ref.Resource != "ingressclasses" && ref.Resource != "nodes":
			if u, err := url.Parse(e.RequestURI); err != nil || u.Query().Get("labelSelector") != "rondo.dev/app" {
				t.Errorf("rondo itself looks beyond its label: %s", e.RequestURI)
			}
			done["own "+e.Verb]++
		}
	}
	// What was looked for was there to be seen.
	for _, call := range []string{
		"patch deployments", "delete deployments", "patch secrets", "delete secrets", "patch services", "patch configmaps",
		"delete configmaps", "get configmaps", "get secrets", "list pods", "own watch",
	} {
		if done[call] == 0 {
			t.Errorf("no call %q was seen; seen: %v", call, done)
		}
	}
}

// narrow makes a ClusterRole with only these verbs on Secrets, and lets rondo bind it.
func (w *world) narrow(name string, verbs ...string) {
	w.t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: cluster.ApplicationRules()}
	for i := range role.Rules {
		role.Rules[i].Resources = slices.DeleteFunc(slices.Clone(role.Rules[i].Resources), func(r string) bool { return r == "secrets" })
	}
	role.Rules = append(role.Rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: verbs})
	bind := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name + "-bind"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, ResourceNames: []string{name}, Verbs: []string{"bind"}},
	}}
	rbac := w.kube.RbacV1()
	for _, r := range []*rbacv1.ClusterRole{role, bind} {
		if _, err := rbac.ClusterRoles().Create(w.t.Context(), r, metav1.CreateOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Cleanup(func() {
		ctx := context.WithoutCancel(w.t.Context())
		err := errors.Join(
			rbac.ClusterRoles().Delete(ctx, role.Name, metav1.DeleteOptions{}), rbac.ClusterRoles().Delete(ctx, bind.Name, metav1.DeleteOptions{}),
			rbac.ClusterRoleBindings().Delete(ctx, bind.Name, metav1.DeleteOptions{}))
		if err != nil {
			w.t.Error(err)
		}
	})
	if _, err := rbac.ClusterRoleBindings().Create(w.t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name + "-bind"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "rondo"}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: bind.Name},
	}, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func TestT22_ATenantWithoutTheRightNeverReadsASecret(t *testing.T) {
	const role = "rondo-test-without-secrets"
	w := newWorld(t, settings{idle: true, values: map[string]any{
		"cluster": map[string]any{"cluster_role": role, "secret_check": "500ms"}}})
	w.narrow(role, "create", "patch", "delete")
	const canary = "canary-of-the-neighbour"
	theirs := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "web-env"}, StringData: map[string]string{"PASSWORD": canary}}
	if _, err := w.kube.CoreV1().Secrets(w.ns).Create(t.Context(), theirs, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.settles(w.push(plainly("web", "hello")), reconcile.Live)
	w.overtakes("hello")

	commit := w.push(manifest(every)) // names the Secret that is there
	w.settles(commit, reconcile.Errored)
	if s := w.status(commit, "deploy", "error"); !strings.Contains(s.Description, "account deployer may not get secrets") {
		t.Errorf("the status does not say what is missing: %q", s.Description)
	}
	w.overtakes("hello")
	if got, err := w.kube.CoreV1().Secrets(w.ns).Get(t.Context(), "web-env", metav1.GetOptions{}); err != nil || string(got.Data["PASSWORD"]) != canary {
		t.Errorf("the Secret is %+v, %v", got, err)
	}
	asked := 0
	for _, e := range kubetest.Audit(t, w.cp) {
		if e.User.Username != "rondo" || e.ObjectRef.Resource != "secrets" || e.ObjectRef.Namespace != w.ns && e.ImpersonatedUser != nil {
			continue
		}
		asked++
		if e.ImpersonatedUser == nil || e.ResponseStatus.Code != http.StatusForbidden {
			t.Errorf("%s", e)
		}
	}
	if asked == 0 {
		t.Error("no Secret was asked for; the test shows nothing")
	}
	w.nowhere(canary)
}
