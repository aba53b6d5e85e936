package daemon_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/notify/githubtest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/sources/gittest"
)

// nowhere fails when one of texts, plain or encoded, is in anything that the
// daemon wrote: log, statuses, API, metrics, ledger.
func (w *world) nowhere(texts ...string) {
	w.t.Helper()
	c, err := config.Load(w.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	sinks := map[string]string{"the log": w.log.String()}
	for _, s := range w.GitHub.Statuses() {
		sinks["the statuses"] += fmt.Sprintf("%+v\n", s)
	}
	for _, path := range []string{"/api/v1/apps", "/api/v1/apps/" + w.app} {
		_, _, body := ask(w.t, http.MethodGet, w.URL()+path, daemontest.OperatorToken)
		sinks[path] = body
	}
	code, _, metrics := ask(w.t, http.MethodGet, w.InternalURL()+"/metrics", "")
	if code != http.StatusOK {
		w.t.Errorf("/metrics is answered %d", code)
	}
	sinks["/metrics"] = metrics
	path, _ := strings.CutPrefix(c.Store, "sqlite://")
	files, err := filepath.Glob(path + "*")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		sinks[filepath.Base(file)] = string(raw)
	}
	if len(sinks["rondo.db"])+len(sinks["rondo.db-wal"]) < 4096 || !strings.Contains(sinks["the log"], w.app) {
		w.t.Errorf("the ledger %v or the log is not where it is looked for", files)
	}
	for sink, content := range sinks {
		for _, text := range texts {
			for form, hidden := range map[string]string{
				"plain": text, "base64": base64.StdEncoding.EncodeToString([]byte(text)), "escaped": url.QueryEscape(text),
			} {
				if i := strings.Index(content, hidden); i >= 0 {
					w.t.Errorf("%s holds %s (%s): …%s…", sink, text, form, content[max(0, i-120):min(len(content), i+len(hidden)+40)])
				}
			}
		}
	}
}

func TestT25_NoSecretIsToldAnywhere(t *testing.T) {
	const first, second, third = "hunter2/first+canary", "hunter2/second+canary", "hunter2/third+canary"
	w := newWorld(t, soon)
	with := func(secret string) map[string]string { return manifest(strings.Replace(every, "swordfish", secret, 1)) }
	w.settles(w.push(with(first)), reconcile.Live)
	w.settles(w.push(with(second)), reconcile.Live)
	for range 3 { // drift of the Secret, until it is a fight
		before := w.state().Newest.Pass
		w.edit(secrets, "web-env", "kubectl-edit", types.MergePatchType, fmt.Sprintf(`{"stringData":{"PASSWORD":%q}}`, third))
		w.heal(before, "data.PASSWORD")
	}
	before := w.state().Newest.Pass
	w.edit(secrets, "web-env", "kubectl-edit", types.MergePatchType, fmt.Sprintf(`{"stringData":{"PASSWORD":%q}}`, third))
	w.ends(before, reconcile.Fought)

	// Faults of the manifest beside and inside the secret.
	for name, text := range map[string]string{
		"a list instead of a text":   strings.Replace(every, "PASSWORD: swordfish", "PASSWORD: ["+first+"]", 1),
		"a mapping instead":          strings.Replace(every, "PASSWORD: swordfish", "PASSWORD: {"+first+": "+second+"}", 1),
		"a name that cannot be one":  strings.Replace(every, "PASSWORD: swordfish", "'1 PASSWORD': "+first, 1),
		"the syntax is broken there": strings.Replace(every, "PASSWORD: swordfish", "PASSWORD: \""+first, 1),
	} {
		commit := w.push(manifest(text))
		detail := w.settles(commit, reconcile.Invalid)
		t.Logf("%s: %s", name, detail.Sentence)
	}
	// A Secret that the API server refuses.
	if _, err := w.kube.CoreV1().Secrets(w.ns).Patch(t.Context(), "web-env", types.MergePatchType, []byte(`{"immutable":true}`),
		metav1.PatchOptions{FieldManager: "robot"}); err != nil {
		t.Fatal(err)
	}
	detail := w.settles(w.push(with(first+"2")), reconcile.Invalid)
	t.Logf("an immutable Secret: %s", detail.Sentence)

	// Deliveries with a wrong signature, and a GitHub that fails.
	if code, err := daemontest.Deliver(t.Context(), w.URL(), "push", "wrong", []byte(`{}`), daemontest.WebhookSecret+"x"); code != http.StatusUnauthorized {
		t.Errorf("a wrong signature is answered %d %v", code, err)
	}
	w.GitHub.Inject(githubtest.Fault{Status: http.StatusBadGateway, Body: `{"message":"Server Error"}`})
	w.delete(secrets, "web-env")
	good := w.push(with(second))
	w.settles(good, reconcile.Live)
	w.nothingPending()
	w.nowhere(first, second, third, "swordfish", daemontest.WebhookSecret, daemontest.OperatorToken, daemontest.GitHubToken)
}

func TestT26_TextOfARepositoryIsHarmlessInStatuses(t *testing.T) {
	const branch = `x"><script>alert(1)</script>(javascript`
	w := newWorld(t, settings{
		values: map[string]any{"public_url": "https://rondo.example.org/"},
		app:    map[string]any{"ref": branch},
	})
	push := func(text, message string) string {
		hash := w.repo.Commit(manifest(text), gittest.On(branch), gittest.Message(message))
		if _, err := w.Hook(t.Context(), w.URL(), w.repo, branch, "", hash); err != nil {
			t.Fatal(err)
		}
		return hash
	}
	const evil = `<img src=x onerror=alert(1)> [x](javascript:alert(1)) ![y](https://evil.example.org/p.png)`
	for _, name := range []string{evil, "\u202egnp.exe", "a\\nb\\u001b[31m", "<!--"} {
		commit := push(fmt.Sprintf("services:\n  %q:\n    image: registry.example.org/shop/web:1.0.0\n", name), evil+"\n\n"+evil)
		w.settles(commit, reconcile.Invalid)
		w.status(commit, "deploy", "failure")
	}
	commit := push(strings.Replace(ten, "web:1.0.0", `web:<script>alert(1)</script>`, 1), evil)
	w.settles(commit, reconcile.Invalid)
	commit = push(ten, evil)
	w.settles(commit, reconcile.Live)
	w.status(commit, "deploy", "success")
	linked := 0
	for _, s := range w.GitHub.Statuses() {
		for _, text := range []string{s.Description, s.Context} {
			if strings.ContainsAny(text, "<>\n\r\t\x1b") || strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.C, r) }) {
				t.Errorf("%q can be read as markup or steers the reader's terminal", text)
			}
			if utf8.RuneCountInString(s.Description) > 140 {
				t.Errorf("%q is longer than 140 characters", s.Description)
			}
		}
		if s.TargetURL != "" {
			linked++
			if u, err := url.Parse(s.TargetURL); err != nil || u.Scheme != "https" || u.Host != "rondo.example.org" || !strings.HasPrefix(u.Path, "/deployments/") {
				t.Errorf("the status links to %q", s.TargetURL)
			}
		}
	}
	if linked == 0 {
		t.Error("no status links to its deployment")
	}
}

func TestT27_ThePublicListenerAnswersNothingWithoutAToken(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(manifest(ten)), reconcile.Live)
	type request struct{ method, path string }
	var all []request
	for _, r := range w.Daemon().PublicRoutes() {
		path := strings.ReplaceAll(r.Path, ":app", w.app)
		if path == "/hooks/github" {
			continue
		}
		all = append(all, request{r.Method, path})
	}
	if len(all) < 6 {
		t.Errorf("the route table has only %v", all)
	}
	routes := len(all)
	for _, path := range []string{
		"/", "/metrics", "/healthz", "/readyz", "/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/version",
		"/api", "/api/v1", "/api/v1/", "/api/v1/apps/", "/api/v1/apps/nobody", "/api/v1//apps", "/api/v1/apps/../apps", "/apps/" + w.app,
		"/deployments/1", "/badge/" + w.app + ".svg", "/hooks", "/hooks/", "/.git/config", "/rondo.yaml",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
			all = append(all, request{method, path})
		}
	}
	for i, r := range all {
		code, header, body := ask(t, r.method, w.URL()+r.path, "")
		switch {
		case code == http.StatusUnauthorized, i >= routes && (code == http.StatusNotFound || code == http.StatusMethodNotAllowed):
		case code == http.StatusNoContent && r.method == "OPTIONS" && body == "":
		default:
			t.Errorf("%s %s is answered %d %s", r.method, r.path, code, body)
		}
		for _, name := range []string{"Server", "X-Powered-By", "Via", "X-Rondo-Version"} {
			if header.Get(name) != "" {
				t.Errorf("%s %s tells %s: %s", r.method, r.path, name, header.Get(name))
			}
		}
		if strings.Contains(body, w.app) || strings.Contains(body, w.ns) {
			t.Errorf("%s %s tells a stranger %s", r.method, r.path, body)
		}
	}
	// The internal one has what is for the cluster, and no profiler.
	for path, want := range map[string]int{"/metrics": 200, "/healthz": 200, "/readyz": 200, "/debug/pprof/": 404, "/api/v1/apps": 404, "/hooks/github": 404} {
		if code, _, body := ask(t, http.MethodGet, w.InternalURL()+path, daemontest.OperatorToken); code != want {
			t.Errorf("the internal listener answers %s with %d %s", path, code, body)
		}
	}
}
