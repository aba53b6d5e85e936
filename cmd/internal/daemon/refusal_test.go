package daemon_test

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/cluster"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/sources/gittest"
)

// TestARefusalOfTheAPIServerIsToldAndWhatRunsKeepsRunning lets the API server
// refuse what rondo itself finds in order, in every way it can, and then not
// any more.
func TestARefusalOfTheAPIServerIsToldAndWhatRunsKeepsRunning(t *testing.T) {
	w := newWorld(t, settings{values: map[string]any{"cluster": map[string]any{"node_ports": true, "lease_name": "refusals"}}})
	ctx := t.Context()
	w.settles(w.push(manifest(ten)), reconcile.Live)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	with := func(more string) map[string]string { return manifest(ten + more) }
	const worker = "  worker:\n    image: registry.example.org/shop/worker:1.0.0\n"

	for _, tc := range []struct {
		name  string
		files map[string]string
		// before makes the API server refuse; what it returns ends that.
		before func() (after func())
		want   reconcile.Condition
		state  string // of the status deploy
		told   string // the status, before it is cut
		// waits: the revision is not tried again; else it goes live by itself.
		waits bool
	}{
		{name: "a port that another Service has", files: manifest(strings.Replace(ten, `["8000:80"]`, `["8000:80", {container: 9000, tcp: 30099}]`, 1)), before: func() func() {
			svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "foreign"}, Spec: corev1.ServiceSpec{
				Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80, NodePort: 30099}}}}
			_, err := w.kube.CoreV1().Services(w.ns).Create(ctx, svc, metav1.CreateOptions{})
			must(err)
			return func() { must(w.kube.CoreV1().Services(w.ns).Delete(ctx, "foreign", metav1.DeleteOptions{})) }
		}, want: reconcile.Invalid, state: "failure", waits: true,
			told: "not deployed: manifest.yml:4:3: the API server refuses Service/<ns>/web-ext: spec.ports[0].nodePort: Invalid value: provided port is already allocated [E-API-REFUSED]"},
		{name: "an object of that name that cannot become ours", files: with(worker), before: func() func() {
			labels := map[string]string{"other": "selector"}
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "worker"}, Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}},
			}}
			_, err := w.kube.AppsV1().Deployments(w.ns).Create(ctx, d, metav1.CreateOptions{})
			must(err)
			return func() { must(w.kube.AppsV1().Deployments(w.ns).Delete(ctx, "worker", metav1.DeleteOptions{})) }
		}, want: reconcile.Invalid, state: "failure", waits: true,
			told: "not deployed: manifest.yml:11:3: Deployment/<ns>/worker cannot be changed in place: spec.selector: Invalid value: field is immutable; " +
				"restore the old value, or run: kubectl delete deployment worker -n <ns> and then rondo sync <app> [E-API-IMMUTABLE]"},
		{name: "a quota", files: with(worker), before: func() func() {
			quotas := w.kube.CoreV1().ResourceQuotas(w.ns)
			_, err := quotas.Create(ctx, &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "tight"}, Spec: corev1.ResourceQuotaSpec{
				Hard: corev1.ResourceList{"count/deployments.apps": resource.MustParse("1")}}}, metav1.CreateOptions{})
			must(err)
			kubetest.Eventually(t, func() error {
				got, err := quotas.Get(ctx, "tight", metav1.GetOptions{})
				if err == nil && len(got.Status.Used) == 0 {
					err = fmt.Errorf("the quota is not in force")
				}
				return err
			})
			return func() { must(quotas.Delete(ctx, "tight", metav1.DeleteOptions{})) }
		}, want: reconcile.Errored, state: "error",
			told: "apply Deployment/<ns>/worker: exceeded quota: tight, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			running := w.deployment("web")
			after := tc.before()
			commit := w.push(tc.files)
			deploy := w.status(commit, "deploy", tc.state)
			state := w.state()
			told := strings.NewReplacer("<ns>", w.ns, "<app>", w.app).Replace(tc.told)
			if state.Condition != tc.want || state.Sentence != strings.TrimPrefix(told, "not deployed: ") ||
				!strings.HasPrefix(told, strings.TrimSuffix(deploy.Description, "…")) {
				t.Errorf("condition %s, want %s\nstatus %s\nAPI    %s\nwant   %s", state.Condition, tc.want, deploy.Description, state.Sentence, told)
			}
			if now := w.deployment("web"); !reflect.DeepEqual(now.Spec, running.Spec) {
				t.Errorf("what runs was changed to %+v", now.Spec)
			}
			after()
			if tc.waits {
				commit = w.push(map[string]string{"README.md": commit})
			}
			w.goesLive(commit)
			w.settles(w.push(manifest(ten), gittest.Message("smaller\n\nRondo-Prune: allow")), reconcile.Live)
		})
	}
}

// TestAMissingRightIsNamed: the account of the application is bound to a role
// of somebody's own, which lacks one kind.
func TestAMissingRightIsNamed(t *testing.T) {
	w := newWorld(t, settings{idle: true})
	rbac := w.kube.RbacV1()
	rules := slices.DeleteFunc(cluster.ApplicationRules(), func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "ingresses") })
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "own"}, Rules: rules}
	if _, err := rbac.Roles(w.ns).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := rbac.RoleBindings(w.ns).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "rondo-deployer"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: w.ns, Name: "deployer"}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "own"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	commit := w.commit(manifest("isolation: open\n" + ten))
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	deploy := w.status(commit, "deploy", "error")
	if want := "Ingress/" + w.ns + "/web: account deployer may not get ingresses.networking.k8s.io; grant it by a RoleBinding"; deploy.Description != want {
		t.Errorf("got  %s\nwant %s", deploy.Description, want)
	}
	w.status(commit, "manifest", "success")
	role.Rules = cluster.ApplicationRules()
	if _, err := rbac.Roles(w.ns).Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.goesLive(commit) // without a push
}

// goesLive waits until commit is live, whatever failed before.
func (w *world) goesLive(commit string) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		if state := w.state(); state.Condition != reconcile.Live || !strings.HasSuffix(state.Live, commit) {
			return fmt.Errorf("%s is not live: %s %s", commit[:7], state.Condition, state.Sentence)
		}
		return nil
	})
}

// TestAnAPIServerThatIsGoneForAWhileCostsATry: the connections are refused
// while a push arrives.
func TestAnAPIServerThatIsGoneForAWhileCostsATry(t *testing.T) {
	var down atomic.Bool
	w := newWorld(t, settings{rest: func(c *rest.Config) {
		c.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				if down.Load() {
					return nil, syscall.ECONNREFUSED
				}
				return next.RoundTrip(r)
			})
		})
	}})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	down.Store(true)
	commit := w.push(manifest(strings.Replace(ten, "hello", "hi", 1)))
	kubetest.Eventually(t, func() error {
		if s, _ := w.StatusOf(commit, "deploy"); s.State != "pending" || !strings.Contains(s.Description, "will be retried") ||
			!strings.Contains(s.Description, "connection refused") {
			return fmt.Errorf("%s: %s", s.State, s.Description)
		}
		return nil
	})
	down.Store(false)
	w.goesLive(commit)
	w.status(commit, "deploy", "success")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
