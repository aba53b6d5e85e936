package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/sources/gittest"
)

// world is a daemon in this process with one application, shop.
type world struct {
	*daemontest.World
	t    *testing.T
	cp   *kubetest.ControlPlane
	ns   string
	dir  string
	repo *gittest.Repo
	app  daemontest.App
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cp := kubetest.Shared(t)
	w := &world{t: t, cp: cp, ns: kubetest.Namespace(t, cp), dir: t.TempDir()}
	if err := daemontest.Grant(t.Context(), cp.Config(), "rondo"); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := daemontest.Kubeconfig(w.dir, cp.ConfigFor("rondo"))
	if err != nil {
		t.Fatal(err)
	}
	w.World, err = daemontest.Start(t.Context(), daemontest.Options{
		REST: cp.ConfigFor("rondo"), Kubeconfig: kubeconfig, Dir: w.dir,
		Settings: map[string]any{"cluster": map[string]any{"lease_name": w.ns}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	w.repo = w.Git.Repo("acme/shop")
	w.app = daemontest.App{"name": "shop", "repository": w.repo.URL(), "namespace": w.ns, "service_account": "deployer"}
	if err := w.Configure(w.app); err != nil {
		t.Fatal(err)
	}
	return w
}

// rondo runs a command that asks the daemon.
func (w *world) rondo(args ...string) answer {
	w.t.Helper()
	return run{args: args, env: []string{"RONDO_SERVER=" + w.URL(), "RONDO_TOKEN_FILE=" + filepath.Join(w.dir, "operator")}}.do(w.t)
}

// becomes waits until the application is in a condition at a commit; empty: any.
func (w *world) becomes(want reconcile.Condition, commit string) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		state, err := w.API().App(w.t.Context(), "shop")
		if err == nil && (state.Condition != want || !strings.HasSuffix(state.Seen, commit)) {
			err = fmt.Errorf("shop is %s at %s: %s", state.Condition, state.Seen, state.Sentence)
		}
		return err
	})
}

func (w *world) push(text string) string {
	w.t.Helper()
	before := w.repo.Ref("refs/heads/main")
	commit := w.repo.Commit(map[string]string{"manifest.yml": text})
	if _, err := w.Hook(w.t.Context(), w.URL(), w.repo, "main", before, commit); err != nil {
		w.t.Fatal(err)
	}
	return commit
}

// wants fails unless the command ended so and printed all of these.
func (a answer) wants(t *testing.T, code int, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.out+a.err, text) {
			t.Errorf("%q is missing", text)
		}
	}
	if a.code != code {
		t.Errorf("exit %d, want %d", a.code, code)
	}
	if t.Failed() {
		t.Fatalf("stdout:\n%s\nstderr:\n%s", a.out, a.err)
	}
}

func TestTheDaemonIsAskedAndTold(t *testing.T) {
	w := newWorld(t)
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, func() error {
		state, err := w.API().App(t.Context(), "shop")
		if err == nil && state.Sentence == "" {
			err = fmt.Errorf("not looked at yet")
		}
		return err
	})
	w.rondo("status").wants(t, 1, "APPLICATION  CONDITION", "shop         invalid", "repository is empty; push a first commit")

	commit := w.push(good)
	w.becomes(reconcile.Live, commit)
	w.rondo("status").wants(t, 0, "shop         live       main@sha1:"+commit[:7]+"  C")
	detail := w.rondo("status", "shop")
	detail.wants(t, 0, "application  shop", "live         main@sha1:"+commit, "newest pass", "create", "health", "Deployment/"+w.ns+"/web", "StackScore C")
	for line := range strings.Lines(detail.out) {
		if strings.TrimRight(line, "\n") != strings.TrimRight(line, " \n") {
			t.Errorf("a line ends in spaces: %q", line)
		}
	}
	var app client.Detail
	if err := json.Unmarshal([]byte(w.rondo("status", "shop", "-o", "json").out), &app); err != nil || app.Name != "shop" || app.Condition != reconcile.Live {
		t.Errorf("status -o json: %v %+v", err, app.App)
	}
	w.rondo("status", "nope").wants(t, 2, `there is no application "nope"; rondo status lists them`)
	w.rondo("__complete", "pause", "").wants(t, 0, "shop\n")

	w.rondo("pause", "shop").wants(t, 0, "shop is paused")
	w.rondo("status").wants(t, 0, "paused by anna")
	w.rondo("sync", "shop").wants(t, 2, "shop is paused by anna; resume it first")
	w.rondo("resume", "shop").wants(t, 0, "shop is resumed")
	w.rondo("sync", "shop").wants(t, 0, "a pass of shop is on its way")
	w.becomes(reconcile.Live, commit)

	w.rondo("sync").wants(t, 2, "which application?")
	w.rondo("remove", "shop", "--confirm", "shop").wants(t, 2, "still in rondo.yaml; take it out first")
	if err := w.Configure(); err != nil {
		t.Fatal(err)
	}
	if err := w.Daemon().Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.rondo("status").wants(t, 1, "orphaned", "rondo remove shop --confirm shop")
	w.rondo("remove", "shop").wants(t, 2, "confirm it with --confirm shop")
	w.rondo("remove", "shop", "--confirm", "shop").wants(t, 0, "being removed")
	kubetest.Eventually(t, func() error {
		if got := w.rondo("status"); !strings.Contains(got.out, "no applications yet") {
			return fmt.Errorf("%s%s", got.out, got.err)
		}
		return nil
	})

	// Without a token, with a wrong one, and where nobody answers.
	run{args: []string{"status", "--server", w.URL()}}.do(t).wants(t, 2, "a token is needed; name its file with --token-file or RONDO_TOKEN_FILE")
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("a-token-of-somebody-else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run{args: []string{"status", "--server", w.URL(), "--token-file", wrong}}.do(t).wants(t, 2, "the token is not known here")
	run{args: []string{"status", "--server", "http://anna:hunter2@127.0.0.1:1"}}.do(t).wants(t, 2, "no daemon answers at http://127.0.0.1:1: ", "set its address with --server or RONDO_SERVER")
	run{args: []string{"status", "--server", "localhost"}}.do(t).wants(t, 2, "no http or https address")
}

// TestPlanTellsWhatADeploymentWouldDo against a live application, as a user who
// does not have the daemon's key, and writes nothing.
func TestPlanTellsWhatADeploymentWouldDo(t *testing.T) {
	w := newWorld(t)
	plan := func(text string) answer {
		t.Helper()
		return run{
			dir: folder(t, "shop", map[string]string{"manifest.yml": text}), env: []string{"KUBECONFIG=" + w.cp.Kubeconfig()},
			args: []string{"plan", "--app", "shop", "-n", w.ns},
		}.do(t)
	}
	plan(good).wants(t, 0, "create    Deployment/"+w.ns+"/web", "manifest.yml:4", "application shop in namespace "+w.ns+": 7 to create, 0 unchanged")

	worker := good + "  worker:\n    image: registry.example.org/shop/worker:1.0.0\n"
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.becomes(reconcile.Live, w.push(worker))
	plan(worker).wants(t, 0, "nothing to change in namespace "+w.ns+": 8 unchanged")
	changed := strings.Replace(strings.Replace(good, "web:1.0.0", "web:1.0.1", 1), "hello", "hi", 1)
	got := plan(changed)
	got.wants(t, 0, "configure ConfigMap/"+w.ns+"/shop-environment", `"hello" → "hi"`, "configure Deployment/"+w.ns+"/web",
		`1.0.0" → "registry.example.org/shop/web:1.0.1"`, "prune     Deployment/"+w.ns+"/worker", "2 to configure, 1 to prune, 5 unchanged")
	if strings.Contains(got.out, "config-hash") {
		t.Errorf("the plan shows what it cannot know:\n%s", got.out)
	}
	plan(strings.Replace(good, "  web:", "  site:", 1)).wants(t, 1, "held", "Rondo-Prune: allow")
	plan(strings.Replace(good, "image:", "imgae:", 1)).wants(t, 1, "unknown key imgae")

	kube, err := kubernetes.NewForConfig(w.cp.Config())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kube.AppsV1().Deployments(w.ns).Get(t.Context(), "worker", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	for _, e := range kubetest.Audit(t, w.cp) {
		if e.ObjectRef.Namespace == w.ns && e.User.Username == "admin" && strings.HasPrefix(e.UserAgent, "rondo/") &&
			!slices.Contains([]string{"get", "list"}, e.Verb) && !strings.Contains(e.RequestURI, "dryRun=All") {
			t.Errorf("the plan wrote: %s", e)
		}
	}
}

// TestT08_TwoGigabytesThroughTheDaemon: a daemon in a process of its own, so
// that its memory is its own too.
func TestT08_TwoGigabytesThroughTheDaemon(t *testing.T) {
	w := newWorld(t)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p, err := daemontest.Serve(path, w.Config, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}()
	commit := w.repo.Commit(map[string]string{"manifest.yml": good})
	if _, err := w.Hook(t.Context(), p.URL, w.repo, "main", "", commit); err != nil {
		t.Fatal(err)
	}
	if err := w.Quiet(t.Context(), p.URL, map[string]string{"shop": commit}); err != nil {
		t.Fatal(err)
	}
	before := memory(t, p.Pid(), "VmRSS")
	for _, signature := range []string{"", "sha256=" + strings.Repeat("ab", 32)} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/hooks/github", &zeros{left: 2 << 30})
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = -1 // chunked
		req.Header.Set("X-GitHub-Event", "push")
		req.Header.Set("X-GitHub-Delivery", "two-gigabytes")
		if signature != "" {
			req.Header.Set("X-Hub-Signature-256", signature)
		}
		// The answer comes before the body has gone, so that a client may see a reset instead.
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("signature %q: %s", signature, res.Status)
			}
		}
	}
	if grown := memory(t, p.Pid(), "VmHWM") - before; grown > 32<<10 {
		t.Errorf("memory grew by %d KiB", grown)
	}
	if _, err := w.Hook(t.Context(), p.URL, w.repo, "main", "", commit); err != nil {
		t.Errorf("the next delivery: %v", err)
	}
}

// memory reads a field of /proc/<pid>/status, in KiB.
func memory(t *testing.T, pid int, field string) (kib int) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("memory of a process is read on Linux only")
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				t.Fatal(err)
			}
		}
	}
	return kib
}

// zeros is a long body that takes no memory.
type zeros struct{ left int }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, fmt.Errorf("the server took all of it")
	}
	n := min(len(p), z.left)
	clear(p[:n])
	z.left -= n
	return n, nil
}
