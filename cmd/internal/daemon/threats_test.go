package daemon_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/sources/gittest"
)

// everythingSaid is all that leaves the daemon about the application: statuses,
// the API, the log and the metrics.
func (w *world) everythingSaid() string {
	w.t.Helper()
	var all strings.Builder
	for _, s := range w.GitHub.Statuses() {
		fmt.Fprintf(&all, "%+v\n", s)
	}
	for _, path := range []string{w.URL() + "/api/v1/apps", w.URL() + "/api/v1/apps/" + w.app, w.InternalURL() + "/metrics"} {
		req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, path, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+daemontest.OperatorToken)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			w.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			w.t.Fatalf("%s: %s %v", path, res.Status, err)
		}
		all.Write(text)
	}
	all.WriteString(w.log.String())
	return all.String()
}

// TestT04_WhatFilesHoldIsNotRepeated pushes files that are wrong around a text,
// and looks for the text in all that rondo says.
func TestT04_WhatFilesHoldIsNotRepeated(t *testing.T) {
	w := newWorld(t, settings{})
	const canary = "c4nary-of-a-file-77ad"
	for name, files := range map[string]map[string]string{
		"no YAML":         manifest("services:\n\t" + canary + "\n"),
		"another shape":   manifest("services: " + canary + "\n"),
		"a wrong image":   manifest("services: {web: {image: \"" + canary + " x\"}}\n"),
		"a wrong port":    manifest("services: {web: {image: a, ports: [\"" + canary + "\"]}}\n"),
		"a wrong number":  manifest("services: {web: {image: a, stop_grace: " + canary + "}}\n"),
		"a wrong host":    manifest("services: {web: {image: a, ports: [\"80:80\"], traffic_matches: [\"" + canary + "/x\"]}}\n"),
		"a variable":      manifest("environment_variables: {A: [" + canary + "]}\nservices: {web: {image: a}}\n"),
		"a pointer":       manifest("version https://git-lfs.github.com/spec/v1\noid " + canary + "\nsize 1\n"),
		"a link":          nil, // to a file with it, beside
		"a service's tag": manifest("services: {web: {image: a, tags: {k: \"" + canary + " !\"}}}\n"),
	} {
		var commit string
		if files != nil {
			commit = w.push(files, gittest.Orphan())
		} else {
			before := w.repo.Ref("refs/heads/main")
			commit = w.repo.CommitTree([]gittest.Entry{
				{Mode: gittest.Symlink, Name: "manifest.yml", Content: "secret"}, {Mode: gittest.File, Name: "secret", Content: canary},
			})
			if _, err := w.Hook(t.Context(), w.URL(), w.repo, "main", before, commit); err != nil {
				t.Fatal(err)
			}
		}
		w.settles(commit, reconcile.Invalid)
		w.status(commit, "deploy", "failure")
		for line := range strings.Lines(w.everythingSaid()) {
			if strings.Contains(line, canary) {
				t.Fatalf("%s: %s", name, line)
			}
		}
	}
}

func TestT12_AReplayedDeliveryChangesNothing(t *testing.T) {
	w := newWorld(t, settings{})
	deliver := func(id string, body []byte) {
		t.Helper()
		if code, err := daemontest.Deliver(t.Context(), w.URL(), "push", id, body, daemontest.WebhookSecret); err != nil || code != http.StatusAccepted {
			t.Fatalf("%d %v", code, err)
		}
	}
	first := w.commit(manifest(ten))
	captured := w.body("", first, nil)
	deliver("the-first", captured)
	one := w.settles(first, reconcile.Live)
	second := w.push(manifest(strings.Replace(ten, "hello", "hi", 1)))
	two := w.settles(second, reconcile.Live)
	w.status(second, "deploy", "success")
	said := len(w.GitHub.Statuses())

	deliver("the-first", captured)
	for range 5 {
		deliver(rand.Text(), captured) // with ids of their own, the signature is still good
	}
	third := w.push(manifest(strings.Replace(ten, "hello", "good evening", 1)))
	three := w.settles(third, reconcile.Live)
	w.status(third, "deploy", "success")
	if two.Newest.Pass != one.Newest.Pass+1 || three.Newest.Pass != two.Newest.Pass+1 {
		t.Errorf("passes %d, %d and %d: a replay ran one", one.Newest.Pass, two.Newest.Pass, three.Newest.Pass)
	}
	for _, s := range w.GitHub.Statuses()[said:] {
		if s.Commit != third {
			t.Errorf("a replay was told on %s: %+v", s.Commit[:7], s)
		}
	}
}

func TestT14_NothingThatAStrangerWroteIsFetched(t *testing.T) {
	var hits atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer trap.Close()
	address := strings.TrimPrefix(trap.URL, "http://")
	w := newWorld(t, settings{})

	// A body whose every address leads elsewhere, of a known and of a strange repository.
	commit := w.commit(manifest(ten))
	elsewhere := map[string]any{}
	for _, key := range []string{"url", "html_url", "git_url", "ssh_url", "svn_url", "statuses_url", "archive_url", "hooks_url", "contents_url", "commits_url", "mirror_url"} {
		elsewhere[key] = trap.URL + "/" + key
	}
	for _, body := range [][]byte{
		w.body("", commit, map[string]any{"repository": elsewhere, "compare": trap.URL, "head_commit": map[string]any{"url": trap.URL}}),
		w.body("", commit, map[string]any{"repository": map[string]any{"clone_url": trap.URL + "/acme/" + w.app}}),
		w.body("", commit, map[string]any{"repository": map[string]any{"clone_url": trap.URL + "/a/b", "full_name": "a/b"}}),
	} {
		if _, err := daemontest.Deliver(t.Context(), w.URL(), "push", rand.Text(), body, daemontest.WebhookSecret); err != nil {
			t.Fatal(err)
		}
	}
	w.settles(commit, reconcile.Live)

	// A repository whose every address leads there too. What is fetched by the
	// nodes, an image for example, is not rondo's doing.
	link := w.push(map[string]string{
		"manifest.yml": strings.Replace(ten, "health: default", "annotations: { link: \""+trap.URL+"\" }\n    env_vars: { A: \""+trap.URL+"\" }", 1) +
			"  worker:\n    image: " + address + "/worker:1\n",
		".gitmodules":        "[submodule \"x\"]\n\tpath = x\n\turl = " + trap.URL + "/x\n",
		".lfsconfig":         "[lfs]\n\turl = " + trap.URL + "\n",
		"kustomization.yaml": "resources: [" + trap.URL + "/base]\nopenapi: {path: " + trap.URL + "}\n",
	})
	w.settles(link, reconcile.Live)
	for _, bad := range []string{
		strings.Replace(ten, "image: registry.example.org/shop/web:1.0.0", "git_url: "+trap.URL+"/x", 1),
		strings.Replace(ten, "health: default", "health: {ready: {endpoint: \""+trap.URL+"\"}}", 1),
	} {
		w.settles(w.push(manifest(bad)), reconcile.Invalid)
	}
	if n := hits.Load(); n > 0 {
		t.Errorf("the trap was asked %d times", n)
	}
}

// TestT18_ServersThatHangStopNobodyElse: more applications than passes may run
// at the same time are on a server that takes connections and says nothing.
func TestT18_ServersThatHangStopNobodyElse(t *testing.T) {
	w := newWorld(t, settings{})
	hostile := gittest.New(t)
	hostile.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.Contains(r.URL.Path, "/silent-"):
			<-r.Context().Done()
			return true
		case strings.Contains(r.URL.Path, "/endless-") && r.Method == http.MethodPost:
			body, _ := io.ReadAll(r.Body)
			if !bytes.Contains(body, []byte("command=fetch")) {
				r.Body = io.NopCloser(bytes.NewReader(body))
				return false
			}
			rw.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			if f, ok := rw.(http.Flusher); ok {
				f.Flush()
			}
			<-r.Context().Done()
			return true
		}
		return false
	})
	apps := []daemontest.App{w.entry(nil)}
	for i := range 20 {
		kind := "silent"
		if i < 10 {
			kind = "endless" // answers what its refs are, then never ends a fetch
		}
		name := fmt.Sprintf("%s-%d", kind, i)
		repo := hostile.Repo("acme/" + name)
		if kind == "endless" {
			repo.Commit(manifest(ten))
		}
		apps = append(apps, daemontest.App{"name": name, "repository": repo.URL(), "namespace": w.ns, "service_account": "deployer"})
	}
	w.settles(w.push(manifest(ten)), reconcile.Live)
	w.reload(apps...)
	kubetest.Eventually(t, func() error {
		metrics := w.metrics()
		if !strings.Contains(metrics, "rondo_queue_running_applications 20\n") {
			return fmt.Errorf("not all passes hang")
		}
		return nil
	})

	// A push to another server goes live, and drift is put back.
	w.settles(w.push(manifest(strings.Replace(ten, "hello", "hi", 1))), reconcile.Live)
	start := time.Now()
	patch := []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"by-hand"}]}}}}`)
	if _, err := w.kube.AppsV1().Deployments(w.ns).Patch(t.Context(), "web", types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	kubetest.Eventually(t, func() error {
		if w.deployment("web").Spec.Template.Spec.Containers[0].Image == "by-hand" {
			return fmt.Errorf("the drift stays")
		}
		return nil
	})
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the drift was put back after %s", took)
	}
}

// metrics are those of the internal listener.
func (w *world) metrics() string {
	w.t.Helper()
	res, err := http.Get(w.InternalURL() + "/metrics")
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// TestT20_NoKubeconfigOfATenantIsRead: the operator's own kubeconfig may run
// programs; no file of a repository, and no entry of an application, is one.
func TestT20_NoKubeconfigOfATenantIsRead(t *testing.T) {
	w := newWorld(t, settings{})
	ran := filepath.Join(t.TempDir(), "ran")
	kubeconfig := "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n" +
		"clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1', insecure-skip-tls-verify: true}}]\n" +
		"users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: touch, args: ['" + ran + "'], interactiveMode: Never}}}]\n"
	commit := w.push(map[string]string{"manifest.yml": ten, "kubeconfig": kubeconfig, ".kube/config": kubeconfig, "kubeconfig.yaml": kubeconfig})
	w.settles(commit, reconcile.Live)
	bad := w.push(manifest(ten + "    kubeconfig: .kube/config\n"))
	w.settles(bad, reconcile.Invalid)
	if s := w.status(bad, "deploy", "failure"); !strings.Contains(s.Description, "unknown key kubeconfig") {
		t.Errorf("the status says %q", s.Description)
	}
	w.reload(w.entry(map[string]any{"kubeconfig": ".kube/config"}))
	if state := w.state(); !strings.Contains(state.Invalid, "kubeconfig") {
		t.Errorf("rondo.yaml with a kubeconfig for an application: %+v", state.App)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program named by a kubeconfig was run")
	}
}
