package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// ours are the requests of the user rondo about the fixture's namespace.
func (f *fixture) ours() (events []kubetest.Event) {
	f.Helper()
	for _, e := range kubetest.Audit(f, f.cp) {
		if e.User.Username == "rondo" && (e.ObjectRef.Namespace == f.target.Namespace || e.ObjectRef.Name == f.target.Namespace) {
			events = append(events, e)
		}
	}
	return events
}

// TestT21_EveryCallIsImpersonatedButThoseOfTheTable looks at all that the tests
// of this package have asked for so far, too.
func TestT21_EveryCallIsImpersonatedButThoseOfTheTable(t *testing.T) {
	f := start(t, func(o *Options) { o.SecretCheck, o.Sweep = 50*time.Millisecond, 50*time.Millisecond })
	b := f.bundle(configMap("env", "info"), secret("passwords", "hunter2"), service("web"), deployment("web", "example.org/shop:1"))
	f.pass(b)
	if _, err := f.c.Wait(t.Context(), f.target, b); err != nil {
		t.Fatal(err)
	}
	if _, err := f.c.Observe(t.Context(), f.target, b); err != nil {
		t.Fatal(err)
	}
	if _, err := f.c.Facts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.c.Live(t.Context(), f.target, b, true); err != nil {
		t.Fatal(err)
	}
	f.pass(f.bundle())
	if err := f.c.Remove(t.Context(), f.target); err != nil {
		t.Fatal(err)
	}
	table := OwnCalls()
	n := 0
	for _, e := range kubetest.Audit(t, f.cp) {
		if e.User.Username != "rondo" {
			continue
		}
		if e.ImpersonatedUser == nil {
			call := Call{e.Verb, e.ObjectRef.APIGroup, e.ObjectRef.Resource}
			if e.ObjectRef.Resource != "" && !slices.Contains(table, call) {
				t.Errorf("not in the table of rondo's own calls: %s", e)
			}
			continue
		}
		n++
		if want := "system:serviceaccount:" + e.ObjectRef.Namespace + ":"; !strings.HasPrefix(e.ImpersonatedUser.Username, want) {
			t.Errorf("not the account of the namespace: %s", e)
		}
	}
	if n == 0 {
		t.Error("no call was impersonated")
	}
}

func TestT21_AccountThatMayNotReadSecretsKeepsRondoFromReadingThem(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	f.target.ServiceAccount = "limited"
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "limited"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps", "services"}, Verbs: []string{"get", "list", "create", "patch", "delete"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create", "patch", "delete"}},
	}}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "rondo-limited"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: f.target.Namespace, Name: "limited"}},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "limited"}}
	api := f.typed.RbacV1()
	if _, err := api.Roles(f.target.Namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.RoleBindings(f.target.Namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.c = f.another(func(o *Options) { o.SecretCheck, o.Sweep = 50*time.Millisecond, 50*time.Millisecond })
	f.begin()

	f.pass(f.bundle(configMap("env", "info")))
	b := f.bundle(configMap("env", "info"), secret("passwords", "hunter2"))
	for _, dryRun := range []bool{false, true} {
		live, err := f.c.Live(t.Context(), f.target, b, dryRun)
		if err != nil {
			t.Fatal(err)
		}
		if p := f.compute(b, live); len(p.Refused) != 1 || !strings.Contains(p.Refused[0].What, "account limited may not get secrets") {
			t.Errorf("dry run %v: refused %v", dryRun, p.Refused)
		}
	}
	// A Secret that it applied when it still could, then lost the right to read.
	inv, err := f.c.readInventory(t.Context(), f.client(), f.target)
	if err != nil {
		t.Fatal(err)
	}
	inv.Entries = append(inv.Entries, plan.Entry{ID: f.id("", "Secret", "old"), Version: "v1", Digest: "x", Mark: plan.Mark{UID: "u", Version: "1"}})
	if _, err := f.c.writeInventory(t.Context(), f.client(), f.target, inv); err != nil {
		t.Fatal(err)
	}
	if _, err := f.c.Live(t.Context(), f.target, f.bundle(configMap("env", "info")), false); err == nil {
		t.Error("Live does not say that it could not read what it would prune")
	}
	f.c.glance(t.Context(), followed{target: f.target, id: f.id("", "Secret", "old"), version: "v1"})
	f.c.Health(f.target.App)
	for _, e := range f.ours() {
		if e.ObjectRef.Resource == "secrets" && (e.ImpersonatedUser == nil || e.ResponseStatus.Code < 400) {
			t.Errorf("a Secret was reached: %s", e)
		}
	}
}

func TestT22_ObjectsOutsideTheNamespaceAreRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	b := f.bundle(configMap("env", "info"))
	b.Objects[0].ID.Namespace = "default"
	b.Objects[0].Body["metadata"].(map[string]any)["namespace"] = "default"
	live, err := f.c.Live(t.Context(), f.target, b, false)
	if err != nil || !strings.Contains(live.Objects[b.Objects[0].ID].Refused, "outside the application's namespace") {
		t.Errorf("Live: %+v, %v", live.Objects, err)
	}
	live.Objects[b.Objects[0].ID] = plan.LiveObject{}
	p := f.compute(b, live)
	if _, err := f.c.Apply(t.Context(), p); err == nil || !strings.Contains(err.Error(), "outside the application's namespace") {
		t.Errorf("Apply: %v", err)
	}
	p = plan.Plan{Target: f.target, Inventory: f.plan(f.bundle()).Inventory, Changes: []plan.Change{
		{Action: plan.Prune, ID: render.ID{Kind: "ConfigMap", Namespace: "default", Name: "kube-root-ca.crt"}, Version: "v1"}}}
	if _, err := f.c.Apply(t.Context(), p); err == nil || !strings.Contains(err.Error(), "outside the application's namespace") {
		t.Errorf("prune: %v", err)
	}
}

func TestTargetWithoutAccountIsNotWrittenAsRondo(t *testing.T) {
	t.Parallel()
	f := start(t)
	bare := f.target
	bare.ServiceAccount = ""
	if _, err := f.c.Live(t.Context(), bare, render.Bundle{}, false); !errors.Is(err, errNoAccount) {
		t.Errorf("Live: %v", err)
	}
	if _, err := f.c.Apply(t.Context(), plan.Plan{Target: bare, Deployment: true}); !errors.Is(err, errNoAccount) {
		t.Errorf("Apply: %v", err)
	}
	if err := f.c.Bootstrap(t.Context(), bare); !errors.Is(err, errNoAccount) {
		t.Errorf("Bootstrap: %v", err)
	}
}

func TestT24_NoSecretValueIsTold(t *testing.T) {
	t.Parallel()
	const canary = "hunter2canary"
	f := start(t)
	f.pass(f.bundle(secret("passwords", "before")))
	b := f.bundle(secret("passwords", canary))
	b.Objects[0].Body["metadata"].(map[string]any)["annotations"] = map[string]any{"kubectl.kubernetes.io/last-applied-configuration": `{"data":"` + canary + `"}`}
	var told []any
	for _, dryRun := range []bool{true, false} {
		live, err := f.c.Live(t.Context(), f.target, b, dryRun)
		if err != nil {
			t.Fatal(err)
		}
		p := f.compute(b, live)
		told = append(told, p)
		if !dryRun {
			out, err := f.c.Apply(t.Context(), p)
			told = append(told, out, fmt.Sprint(err))
		}
	}
	// What the API server refuses it quotes.
	for _, bad := range []string{
		`{apiVersion: v1, kind: Secret, metadata: {name: bad}, data: {PASSWORD: "` + canary + `"}}`,                                                        // not base64
		`{apiVersion: v1, kind: Secret, metadata: {name: bad}, stringData: {PASSWORD: {nested: ` + canary + `}}}`,                                          // not a string
		`{apiVersion: v1, kind: Secret, type: kubernetes.io/dockerconfigjson, metadata: {name: bad}, stringData: {".dockerconfigjson": "` + canary + `"}}`, // not JSON
		`{apiVersion: v1, kind: Secret, type: "` + canary + `", immutable: ` + canary + `, metadata: {name: bad}}`,
	} {
		b := f.bundle(bad)
		live, err := f.c.Live(t.Context(), f.target, b, true)
		for _, o := range live.Objects {
			told = append(told, o.Refused)
		}
		told = append(told, fmt.Sprint(err))
		if live.Objects == nil {
			continue
		}
		live.Objects[b.Objects[0].ID] = plan.LiveObject{}
		out, err := f.c.Apply(t.Context(), f.compute(b, live))
		if err == nil {
			t.Errorf("%s was applied", bad)
		}
		told = append(told, out, fmt.Sprint(err))
	}
	text, err := json.Marshal(told)
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := f.c.readInventory(t.Context(), f.client(), f.target)
	if err != nil {
		t.Fatal(err)
	}
	for name, told := range map[string]string{"plans, outcomes and errors": string(text), "log": f.log.String(), "inventory": fmt.Sprintf("%+v", inventory)} {
		for line := range strings.SplitSeq(told, `",`) {
			if strings.Contains(line, canary) {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// faulty stands before the API server and fails on request.
type faulty struct {
	fault atomic.Pointer[func(http.ResponseWriter, *http.Request) bool] // true: answered
}

// newFaulty is a faultless one, and the option that puts a Cluster behind it.
func newFaulty(t *testing.T) (p *faulty, behind func(*Options)) {
	t.Helper()
	p = &faulty{}
	config := kubetest.Shared(t).ConfigFor("rondo")
	server, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	tls := rest.CopyConfig(config)
	tls.BearerToken = ""
	transport, err := rest.TransportFor(tls)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(server)
	proxy.Transport, proxy.FlushInterval = transport, -1
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := p.fault.Load(); fault != nil && (*fault)(w, r) {
			return
		}
		defer func() { _ = recover() }() // the proxy aborts a watch whose client has gone
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	config.Host, config.TLSClientConfig = front.URL, rest.TLSClientConfig{}
	return p, func(o *Options) { o.Config = config }
}

func (p *faulty) set(fault func(http.ResponseWriter, *http.Request) bool) { p.fault.Store(&fault) }

func status(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason, Message: "injected"})
}

func TestT30_FaultsOfTheAPIServerDeleteNothing(t *testing.T) {
	t.Parallel()
	list := func(r *http.Request) bool {
		return r.Method == http.MethodGet && !strings.Contains(r.URL.Path, "/namespaces/")
	}
	for name, tc := range map[string]struct {
		fault     func(http.ResponseWriter, *http.Request) bool
		readFails bool
	}{
		"500 to every read": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				status(w, 500, metav1.StatusReasonInternalError)
				return true
			}
			return false
		}, true},
		"connections cut": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				panic(http.ErrAbortHandler)
			}
			return false
		}, true},
		"504 to every read": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				status(w, 504, metav1.StatusReasonTimeout)
				return true
			}
			return false
		}, true},
		"403 to every read": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				status(w, 403, metav1.StatusReasonForbidden)
				return true
			}
			return false
		}, true},
		"410 to lists and watches": {func(w http.ResponseWriter, r *http.Request) bool {
			if list(r) {
				status(w, 410, metav1.StatusReasonExpired)
				return true
			}
			return false
		}, false},
		"410 in the middle of a watch": {func(w http.ResponseWriter, r *http.Request) bool {
			if list(r) && r.URL.Query().Get("watch") != "" {
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(map[string]any{"type": "ERROR", "object": metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Code: 410, Reason: metav1.StatusReasonExpired}})
				return true
			}
			return false
		}, false},
		"first page of a list, then nothing": {func(w http.ResponseWriter, r *http.Request) bool {
			if q := r.URL.Query(); list(r) && q.Get("watch") != "" {
				status(w, 500, metav1.StatusReasonInternalError)
				return true
			} else if list(r) && q.Get("continue") != "" {
				status(w, 500, metav1.StatusReasonInternalError)
				return true
			} else if list(r) && strings.HasSuffix(r.URL.Path, "/configmaps") {
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{Kind: "PartialObjectMetadataList", APIVersion: "meta.k8s.io/v1"},
					ListMeta: metav1.ListMeta{ResourceVersion: "999999999", Continue: "more"}})
				return true
			}
			return false
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, behind := newFaulty(t)
			f := start(t, behind, func(o *Options) { o.SecretCheck, o.Sweep = 50*time.Millisecond, 50*time.Millisecond })
			all := f.bundle(configMap("env", "info"), configMap("old", "info"), secret("passwords", "x"), service("web"))
			f.pass(all)

			proxy.set(tc.fault)
			// A pass that would prune.
			bounded, done := context.WithTimeout(t.Context(), 2*time.Second)
			live, err := f.c.Live(bounded, f.target, f.bundle(configMap("env", "info")), false)
			done()
			if (err != nil) != tc.readFails {
				t.Errorf("Live: %v, want an error: %v", err, tc.readFails)
			}
			for id, drift := range live.Drifts {
				t.Errorf("drift of %s: %+v", id, drift)
			}
			// The checks that need no pass are misled as little.
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			f.c.examine(ctx, f.followed(f.id("", "ConfigMap", "env")))
			f.c.glance(ctx, f.followed(f.id("", "Secret", "passwords")))
			cancel()
			f.quiet("with faults")
			proxy.set(func(http.ResponseWriter, *http.Request) bool { return false })
			if p := f.plan(all); p.Writes() {
				t.Errorf("afterwards: %s", actions(p))
			}
			for _, e := range f.ours() {
				if strings.HasPrefix(e.Verb, "delete") {
					t.Errorf("deleted: %s", e)
				}
			}
		})
	}
}

func (f *fixture) followed(id render.ID) followed {
	f.Helper()
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	o := f.c.objects[id]
	return followed{f.target, id, o.version, o.recorded, o.copy}
}

func TestRestartedDaemonWithoutAPIServerReportsAnErrorNotAnEmptyCluster(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.pass(f.bundle(configMap("env", "info"), configMap("old", "info")))
	proxy, behind := newFaulty(t)
	second := f.another(behind)
	second.Follow([]plan.Target{f.target})
	proxy.set(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/namespaces/") {
			return false // the inventory can be read, lists cannot
		}
		status(w, 500, metav1.StatusReasonInternalError)
		return true
	})
	f.run(second)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if live, err := second.Live(ctx, f.target, f.bundle(configMap("env", "info")), false); err == nil {
		t.Errorf("Live: %+v", live)
	}
	f.quiet("without lists")
}

func TestBootstrapMakesWhatIsMissingAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	f := start(t)
	// The namespace was there before and keeps its labels.
	ns, err := f.typed.CoreV1().Namespaces().Get(t.Context(), f.target.Namespace, metav1.GetOptions{})
	if err != nil || ns.Labels[render.LabelManagedBy] != "" {
		t.Errorf("labels %v, %v", ns.Labels, err)
	}
	binding, err := f.typed.RbacV1().RoleBindings(f.target.Namespace).Get(t.Context(), "rondo-deployer", metav1.GetOptions{})
	if err != nil || binding.RoleRef.Name != applicationRole || len(binding.Subjects) != 1 || binding.Subjects[0].Name != "deployer" {
		t.Errorf("binding %+v, %v", binding, err)
	}
	fresh := plan.Target{App: "fresh", Namespace: f.target.Namespace + "-2", ServiceAccount: "deployer"}
	if err := f.c.Bootstrap(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.typed.CoreV1().Namespaces().Delete(context.Background(), fresh.Namespace, metav1.DeleteOptions{})
	})
	if _, err := f.c.Live(t.Context(), fresh, render.Bundle{}, false); err != nil {
		t.Errorf("right after Bootstrap: %v", err)
	}
	made, err := f.typed.CoreV1().Namespaces().Get(t.Context(), fresh.Namespace, metav1.GetOptions{})
	if err != nil || made.Labels[render.LabelManagedBy] != render.ManagedBy || made.Labels[render.LabelApp] != "" {
		t.Errorf("labels of the new namespace are %v, %v", made.Labels, err)
	}
	// Another process finds all there and writes nothing.
	if err := f.another().Bootstrap(t.Context(), fresh); err != nil {
		t.Error(err)
	}
	n := 0
	for _, e := range kubetest.Audit(t, f.cp) {
		if e.Verb == "create" && e.User.Username == "rondo" && (e.ObjectRef.Namespace == fresh.Namespace || e.ObjectRef.Name == fresh.Namespace) {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d creations, want namespace, account and binding", n)
	}
}

// forbidDeploymentsWatch is a role that lacks one kind.
func forbidDeploymentsWatch(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != "/apis/apps/v1/deployments" {
		return false
	}
	status(w, 403, metav1.StatusReasonForbidden)
	return true
}

// A controller that rolls out writes the Deployment all the time, so taking
// over somebody's fields may lose several races, and the heal all of them.
func TestAHealThatLosesRacesStaysAHeal(t *testing.T) {
	t.Parallel()
	proxy, behind := newFaulty(t)
	f := start(t, behind)
	b, web := f.bundle(deployment("web", "example.org/shop:1")), f.id("apps", "Deployment", "web")
	f.pass(b)
	f.by("kubectl-set", web, types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.org/evil:1"}]}}}}`)
	f.drifted(web)

	var tries atomic.Int32
	losing := func(races int32) {
		tries.Store(0)
		proxy.set(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPatch || r.Header.Get("Content-Type") != string(types.JSONPatchType) || tries.Add(1) > races {
				return false
			}
			status(w, http.StatusConflict, metav1.StatusReasonConflict)
			return true
		})
	}
	heals := func(c *Cluster) plan.Plan {
		t.Helper()
		p := f.planWith(c, b, asDrift)
		if len(p.Changes) != 1 || p.Changes[0].Action != plan.Heal || !strings.Contains(p.Changes[0].Reason, "kubectl-set") {
			t.Fatalf("the plan is %s: %+v", actions(p), p.Changes)
		}
		return p
	}
	losing(100)
	_, err := f.c.Apply(t.Context(), heals(f.c))
	if err == nil || !strings.Contains(err.Error(), "others changed it each of the 9 times") || tries.Load() != 9 {
		t.Errorf("after %d lost races: %v", tries.Load(), err)
	}
	heals(f.c)

	// So it is for a daemon that was started since.
	next := f.another(behind, func(o *Options) { o.Holder = "rondo-2" })
	next.Follow([]plan.Target{f.target})
	f.run(next)
	p := heals(next)
	losing(5)
	if _, err := next.Apply(t.Context(), p); err != nil || tries.Load() <= 5 {
		t.Errorf("after %d tries: %v", tries.Load(), err)
	}
	if p := f.planWith(next, b, asDrift); p.Writes() {
		t.Errorf("one more pass: %s", actions(p))
	}
}
