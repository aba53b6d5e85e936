package daemon_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/notify/githubtest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/render/kustomize"
	"rondo.dev/rondo/sources/gittest"
)

func TestMain(m *testing.M) {
	kustomize.Worker() // the daemon under test runs this program again
	os.Exit(kubetest.Main(m))
}

// ten is the manifest of ten lines that the README promises to deploy.
const ten = `environment_variables:
  GREETING: hello
services:
  web:
    image: registry.example.org/shop/web:1.0.0
    ports: ["8000:80"]
    traffic_matches: [shop.example.org]
    health: default
    constraints:
      resources: { requests: { cpu: 50m, memory: 32M } }
`

// world is a daemontest.World with one application of the test's own.
type world struct {
	*daemontest.World
	t    *testing.T
	cp   *kubetest.ControlPlane
	kube kubernetes.Interface
	repo *gittest.Repo
	app  string
	ns   string
	log  *syncBuffer
}

type settings struct {
	values map[string]any
	app    map[string]any // merged into the application
	idle   bool           // do not run the daemon yet
	prefix string         // begins the application's name
	// rest changes how the daemon reaches the API server; nil: as it is.
	rest func(*rest.Config)
}

// newWorld runs a daemon that follows acme/<app>, an empty repository.
func newWorld(t *testing.T, s settings) *world {
	t.Helper()
	t.Parallel()
	cp := kubetest.Shared(t)
	w := &world{t: t, cp: cp, ns: kubetest.Namespace(t, cp), log: &syncBuffer{}}
	w.app = s.prefix + w.ns[len(w.ns)-6:]
	if s.prefix == "" {
		w.app = "a" + w.app
	}
	var err error
	if w.kube, err = kubernetes.NewForConfig(cp.Config()); err != nil {
		t.Fatal(err)
	}
	if err := daemontest.Grant(t.Context(), cp.Config(), "rondo"); err != nil {
		t.Fatal(err)
	}
	values := maps.Clone(s.values)
	if values == nil {
		values = map[string]any{}
	}
	inCluster := map[string]any{"lease_name": w.ns} // each test its own, else they wait for each other
	if more, ok := values["cluster"].(map[string]any); ok {
		maps.Copy(inCluster, more)
	}
	values["cluster"] = inCluster
	kube := cp.ConfigFor("rondo")
	if s.rest != nil {
		s.rest(kube)
	}
	w.World, err = daemontest.Start(t.Context(), daemontest.Options{
		REST: kube, Dir: t.TempDir(), Validate: true, Settings: values,
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Out: os.Stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if t.Failed() {
			t.Logf("log of the daemon:\n%s", w.log.String())
		}
		for _, problem := range w.GitHub.Problems() {
			t.Errorf("GitHub would refuse: %v", problem)
		}
	})
	w.repo = w.Git.Repo("acme/" + w.app)
	if err := w.Configure(w.entry(s.app)); err != nil {
		t.Fatal(err)
	}
	if !s.idle {
		if err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// entry is the application's entry in rondo.yaml.
func (w *world) entry(more map[string]any) daemontest.App {
	app := daemontest.App{
		"name": w.app, "repository": w.repo.URL(), "namespace": w.ns, "service_account": "deployer",
	}
	for key, value := range more {
		app[key] = value
	}
	return app
}

// deadline sets the health deadline of the application from now on: a short one
// for what will never be healthy, a long one for what has to be on any machine.
func (w *world) deadline(within string) {
	w.t.Helper()
	w.reload(w.entry(map[string]any{"health_deadline": within}))
}

// commit writes files to main without telling the daemon.
func (w *world) commit(files map[string]string, options ...gittest.Option) string {
	w.t.Helper()
	return w.repo.Commit(files, options...)
}

// push commits and delivers the webhook.
func (w *world) push(files map[string]string, options ...gittest.Option) string {
	w.t.Helper()
	before := w.repo.Ref("refs/heads/main")
	hash := w.commit(files, options...)
	if _, err := w.Hook(w.t.Context(), w.URL(), w.repo, "main", before, hash); err != nil {
		w.t.Fatal(err)
	}
	return hash
}

// manifest is a commit's files with one manifest.
func manifest(text string) map[string]string { return map[string]string{"manifest.yml": text} }

// state is what the API says of the application.
func (w *world) state() client.Detail {
	w.t.Helper()
	detail, err := w.API().App(w.t.Context(), w.app)
	if err != nil {
		w.t.Fatal(err)
	}
	return detail
}

// settles waits until a pass of commit has ended, and requires its condition.
func (w *world) settles(commit string, want reconcile.Condition) client.Detail {
	w.t.Helper()
	var detail client.Detail
	kubetest.Eventually(w.t, func() error {
		var err error
		if detail, err = w.API().App(w.t.Context(), w.app); err != nil {
			return err
		}
		r := detail.Newest
		switch {
		case r == nil || r.Revision.Hash != commit || r.Ended.IsZero():
			return fmt.Errorf("no pass of %s has ended; state: %s %s", commit[:7], detail.Condition, detail.Sentence)
		case r.Condition != want && (r.Condition == reconcile.Retrying || r.Condition == reconcile.Healed):
			return fmt.Errorf("pass %d is %s: %s", r.Pass, r.Condition, detail.Sentence)
		}
		return nil
	})
	if got := detail.Newest.Condition; got != want {
		w.t.Fatalf("pass of %s: got %s (%s), want %s", commit[:7], got, detail.Sentence, want)
	}
	return detail
}

// ends waits for a pass newer than after to end, and requires its condition.
func (w *world) ends(after int64, want reconcile.Condition) client.Detail {
	w.t.Helper()
	var detail client.Detail
	kubetest.Eventually(w.t, func() error {
		detail = w.state()
		if r := detail.Newest; r == nil || r.Pass <= after || r.Ended.IsZero() {
			return fmt.Errorf("no pass after %d has ended; state: %s %s", after, detail.Condition, detail.Sentence)
		}
		return nil
	})
	if got := detail.Newest.Condition; got != want {
		w.t.Fatalf("pass %d: got %s (%s), want %s", detail.Newest.Pass, got, detail.Sentence, want)
	}
	return detail
}

// status waits for the end status of a commit and a context's last word.
func (w *world) status(commit, what, want string) githubtest.Status {
	w.t.Helper()
	var status githubtest.Status
	kubetest.Eventually(w.t, func() error {
		var ok bool
		if status, ok = w.StatusOf(commit, what); !ok || status.State != want {
			return fmt.Errorf("status %s of %s: got %+v, want %s", what, commit[:7], status, want)
		}
		return nil
	})
	return status
}

func (w *world) deployment(name string) *appsv1.Deployment {
	w.t.Helper()
	d, err := w.kube.AppsV1().Deployments(w.ns).Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) configMap(name string) *corev1.ConfigMap {
	w.t.Helper()
	c, err := w.kube.CoreV1().ConfigMaps(w.ns).Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// writes are the audited writes in the test's namespace since from, by
// everybody but the cluster's own controllers.
func (w *world) writes(from time.Time) []string {
	w.t.Helper()
	var out []string
	for _, e := range kubetest.Audit(w.t, w.cp) {
		if e.ObjectRef.Namespace != w.ns || e.Received.Before(from) || !strings.HasPrefix(e.Acting(), "system:serviceaccount:"+w.ns+":deployer") {
			continue
		}
		switch e.Verb {
		case "create", "update", "patch", "delete":
			if !strings.Contains(e.RequestURI, "dryRun=All") {
				out = append(out, e.Verb+" "+e.ObjectRef.Resource+"/"+e.ObjectRef.Name)
			}
		}
	}
	return out
}

// syncBuffer is a bytes.Buffer that a logger and a test may share.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// do asks the API for an action as an operator.
func (w *world) do(action string, a client.Action) {
	w.t.Helper()
	if _, err := w.API().Do(w.t.Context(), w.app, action, a); err != nil {
		w.t.Fatal(err)
	}
}

// reload puts new applications in force.
func (w *world) reload(apps ...daemontest.App) {
	w.t.Helper()
	if err := w.Configure(apps...); err != nil {
		w.t.Fatal(err)
	}
	if err := w.Daemon().Reload(context.WithoutCancel(w.t.Context())); err != nil {
		w.t.Fatal(err)
	}
}
