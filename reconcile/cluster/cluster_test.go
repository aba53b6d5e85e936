package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

const applicationRole = "rondo-application"

var testKey = []byte("0123456789abcdef0123456789abcdef")

// install gives the user rondo its ClusterRole, once for all tests.
var installed sync.Once

func install(t *testing.T, cp *kubetest.ControlPlane) {
	t.Helper()
	installed.Do(func() {
		admin := kubernetes.NewForConfigOrDie(cp.Config()).RbacV1()
		for name, rules := range map[string][]rbacv1.PolicyRule{
			"rondo":         append(OwnRules(applicationRole), LeaseRules()...),
			applicationRole: ApplicationRules(),
		} {
			role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
			if _, err := admin.ClusterRoles().Create(context.Background(), role, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "rondo"},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "rondo"}},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "rondo"}}
		if _, err := admin.ClusterRoleBindings().Create(context.Background(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	})
}

// fixture is one application in a namespace of its own, and a Cluster that runs.
type fixture struct {
	*testing.T
	cp     *kubetest.ControlPlane
	c      *Cluster
	admin  dynamic.Interface
	typed  kubernetes.Interface
	target plan.Target
	log    *lockedBuffer

	*seen
	passes *atomic.Int64
}

// seen is what the Cluster told.
type seen struct {
	mu     sync.Mutex
	drifts map[render.ID]plan.Drift
	pauses []bool
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, change ...func(*Options)) *fixture {
	t.Helper()
	f := prepare(t)
	f.c = f.another(change...)
	f.begin()
	return f
}

// begin makes the namespace ready and lets the Cluster run.
func (f *fixture) begin() {
	f.Helper()
	// The user rondo has its rights a moment after install.
	kubetest.Eventually(f, func() error { return f.c.Bootstrap(f.Context(), f.target) })
	f.c.Follow([]plan.Target{f.target})
	f.run(f.c)
}

// prepare gives a namespace and no Cluster yet.
func prepare(t *testing.T) *fixture {
	t.Helper()
	cp := kubetest.Shared(t)
	install(t, cp)
	f := &fixture{T: t, cp: cp, log: &lockedBuffer{},
		seen: &seen{drifts: map[render.ID]plan.Drift{}}, passes: &atomic.Int64{},
		admin: dynamic.NewForConfigOrDie(cp.Config()), typed: kubernetes.NewForConfigOrDie(cp.Config())}
	ns := kubetest.Namespace(t, cp)
	f.target = plan.Target{App: "shop-" + ns[len(ns)-6:], Namespace: ns, ServiceAccount: "deployer"}
	return f
}

// another connects one more Cluster to the same control plane.
func (f *fixture) another(change ...func(*Options)) *Cluster {
	f.Helper()
	o := Options{
		Config: f.cp.ConfigFor("rondo"), Key: testKey, Holder: "rondo-1",
		Logger: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnDrift: func(app string, drifts []plan.Drift) {
			f.mu.Lock()
			defer f.mu.Unlock()
			for _, d := range drifts {
				f.drifts[d.ID] = d
			}
		},
		OnPause: func(_ string, paused bool) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.pauses = append(f.pauses, paused)
		},
	}
	for _, apply := range change {
		apply(&o)
	}
	c, err := New(f.Context(), o)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

func (f *fixture) run(c *Cluster) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	f.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.Errorf("Run: %v", err)
		}
	})
	kubetest.Eventually(f, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.group == nil {
			return errors.New("Run has not begun")
		}
		return nil
	})
}

// bundle makes objects of YAML documents, as render does.
func (f *fixture) bundle(documents ...string) render.Bundle {
	f.Helper()
	var b render.Bundle
	for i, document := range documents {
		b.Objects = append(b.Objects, f.object(document, i+1))
	}
	return b
}

func (f *fixture) object(document string, line int) render.Object {
	f.Helper()
	u := &unstructured.Unstructured{}
	text, err := yaml.YAMLToJSON([]byte(document))
	if err == nil {
		err = u.UnmarshalJSON(text)
	}
	if err != nil {
		f.Fatalf("%v in %s", err, document)
	}
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[render.LabelApp], labels[render.LabelManagedBy] = f.target.App, render.ManagedBy
	u.SetLabels(labels)
	u.SetNamespace(f.target.Namespace)
	gvk := u.GroupVersionKind()
	return render.Object{
		ID:      render.ID{Group: gvk.Group, Kind: gvk.Kind, Namespace: f.target.Namespace, Name: u.GetName()},
		Version: gvk.Version, Body: u.Object, Stage: render.StageOf(gvk.Group, gvk.Kind),
		Origin: sources.Position{File: "manifest.yml", Line: line},
	}
}

func configMap(name, value string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}, data: {LEVEL: %s, MODE: fast}}", name, value)
}

func secret(name, value string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: %s}, stringData: {PASSWORD: %s}}", name, value)
}

func deployment(name, image string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, labels: {tier: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      containers:
      - name: web
        image: %[2]s
        env: [{name: LEVEL, value: info}, {name: MODE, value: fast}]
        ports: [{containerPort: 8080}]
`, name, image)
}

func service(name string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: %[1]s}, spec: {selector: {app: %[1]s}, ports: [{name: http, port: 80, targetPort: 8080}]}}", name)
}

// plan computes what a pass would do.
func (f *fixture) plan(b render.Bundle, change ...func(*plan.Options)) plan.Plan {
	f.Helper()
	return f.planWith(f.c, b, change...)
}

func (f *fixture) planWith(c *Cluster, b render.Bundle, change ...func(*plan.Options)) plan.Plan {
	f.Helper()
	live, err := c.Live(f.Context(), f.target, b, false)
	if err != nil {
		f.Fatalf("Live: %v", err)
	}
	return f.compute(b, live, change...)
}

func (f *fixture) compute(b render.Bundle, live plan.Live, change ...func(*plan.Options)) plan.Plan {
	n := f.passes.Add(1)
	o := plan.Options{Target: f.target, Key: testKey, Deployment: true, AllowPrune: true,
		Revision: fmt.Sprintf("main@sha1:%040d", n), Pass: n}
	for _, apply := range change {
		apply(&o)
	}
	return plan.Compute(b, live, o)
}

// pass plans and applies, and wants no error.
func (f *fixture) pass(b render.Bundle, change ...func(*plan.Options)) (plan.Plan, plan.Outcome) {
	f.Helper()
	p := f.plan(b, change...)
	if p.Held != "" || len(p.Refused) > 0 {
		f.Fatalf("plan is held %q, refused %v", p.Held, p.Refused)
	}
	out, err := f.c.Apply(f.Context(), p)
	if err != nil {
		f.Fatalf("Apply: %v", err)
	}
	return p, out
}

func asDrift(o *plan.Options) { o.Deployment = false }

// drifted waits until the Cluster has told of drift of id.
func (f *fixture) drifted(id render.ID) plan.Drift {
	f.Helper()
	var drift plan.Drift
	kubetest.Eventually(f, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		var ok bool
		if drift, ok = f.drifts[id]; !ok {
			return fmt.Errorf("no drift of %s is told", id)
		}
		return nil
	})
	return drift
}

// forgetDrifts makes drifted wait for the next.
func (f *fixture) forgetDrifts() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.drifts)
}

func (f *fixture) quiet(why string) {
	f.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.drifts) > 0 {
		f.Errorf("%s: told of drift of %v", why, f.drifts)
	}
}

// caughtUp waits until the watch has seen what is in the cluster.
func (f *fixture) caughtUp(id render.ID) {
	f.Helper()
	kubetest.Eventually(f, func() error {
		live := f.get(id) // a controller may have moved it on since
		f.c.mu.Lock()
		defer f.c.mu.Unlock()
		if o := f.c.objects[id]; o == nil || o.now.mark.Version != live.GetResourceVersion() {
			return fmt.Errorf("the watch has not seen %s at %s", id, live.GetResourceVersion())
		}
		return nil
	})
}

func (f *fixture) resource(id render.ID) dynamic.ResourceInterface {
	f.Helper()
	r, err := f.c.kinds.find(id, "", time.Now())
	if err != nil {
		f.Fatal(err)
	}
	if !r.namespaced {
		return f.admin.Resource(r.gvr)
	}
	return f.admin.Resource(r.gvr).Namespace(id.Namespace)
}

func (f *fixture) get(id render.ID) *unstructured.Unstructured {
	f.Helper()
	u, err := f.resource(id).Get(f.Context(), id.Name, metav1.GetOptions{})
	if err != nil {
		f.Fatal(err)
	}
	return u
}

func (f *fixture) exists(id render.ID) bool {
	f.Helper()
	_, err := f.resource(id).Get(f.Context(), id.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		f.Fatal(err)
	}
	return err == nil
}

// bare is an object without what changes by itself.
func bare(u *unstructured.Unstructured) string {
	u = u.DeepCopy()
	unstructured.RemoveNestedField(u.Object, "status")
	for _, field := range []string{"managedFields", "generation", "resourceVersion", "uid", "creationTimestamp"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(u.Object, "spec", "clusterIP")
	unstructured.RemoveNestedField(u.Object, "spec", "clusterIPs")
	annotations := u.GetAnnotations()
	delete(annotations, "deployment.kubernetes.io/revision")
	u.SetAnnotations(annotations)
	if len(annotations) == 0 {
		unstructured.RemoveNestedField(u.Object, "metadata", "annotations")
	}
	text, _ := yaml.Marshal(u.Object)
	return string(text)
}

func (f *fixture) id(group, kind, name string) render.ID {
	return render.ID{Group: group, Kind: kind, Namespace: f.target.Namespace, Name: name}
}

// actions prints a plan: "create ConfigMap/env".
func actions(p plan.Plan) string {
	var lines []string
	for _, c := range p.Changes {
		if c.Action != plan.Unchanged {
			lines = append(lines, fmt.Sprintf("%s %s/%s", c.Action, c.ID.Kind, c.ID.Name))
		}
	}
	return strings.Join(lines, ", ")
}

// counts are the API server's own of what everybody wrote since before.
func (f *fixture) counts() map[string]float64 {
	f.Helper()
	counts, err := f.cp.RequestCounts(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return counts
}
