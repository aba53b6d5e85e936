package daemon_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/ledger"
)

func TestAPauseStopsHealingAndDeploymentUntilResumed(t *testing.T) {
	t.Parallel()
	inventory := func(w *world) string { return "rondo-inventory-" + w.app }
	for name, tc := range map[string]struct {
		pause, resume func(w *world)
		by            string
	}{
		"by the API": {
			func(w *world) { w.do("pause", client.Action{}) },
			func(w *world) { w.do("resume", client.Action{}) },
			"paused by anna",
		},
		"by annotation": {
			func(w *world) {
				w.edit(configMaps, inventory(w), "kubectl-annotate", types.MergePatchType, `{"metadata":{"annotations":{"rondo.dev/reconcile":"paused"}}}`)
			},
			func(w *world) {
				w.edit(configMaps, inventory(w), "kubectl-annotate", types.MergePatchType, `{"metadata":{"annotations":{"rondo.dev/reconcile":null}}}`)
			},
			"paused by annotation rondo.dev/reconcile",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.settles(w.push(counted("min_count: 2, max_count: 2", "1.0.0")), reconcile.Live)
			tc.pause(w)
			paused := time.Now()
			w.scale(3)

			// A new service, so that there is something which cannot become healthy.
			more := counted("min_count: 2, max_count: 2", "1.0.1")
			more["manifest.yml"] += "  worker:\n    image: registry.example.org/shop/worker:1.0.0\n"
			held := w.push(more)
			w.settles(held, reconcile.Paused)
			w.status(held, "manifest", "success")
			w.told(held, "deploy", "pending", tc.by+"; deploys on resume")
			broken := w.push(manifest("services: ["))
			w.settles(broken, reconcile.Invalid)
			w.status(broken, "manifest", "failure")
			newest := w.push(more)
			w.settles(newest, reconcile.Paused)

			if writes := w.writes(paused); len(writes) > 0 {
				t.Errorf("paused, but the API server saw %v", writes)
			}
			if n := w.replicas(); n != 3 {
				t.Errorf("paused, but web was scaled to %d", n)
			}
			if got := w.state(); got.Paused == nil || !strings.Contains("paused by "+got.Paused.By, tc.by) ||
				!slices.Equal(got.Drifted, []string{"Deployment/" + w.ns + "/web"}) {
				t.Errorf("the API shows paused %+v, drifted %v", got.Paused, got.Drifted)
			}
			tc.resume(w)
			w.settlesLater(newest, reconcile.Live)
			if n := w.replicas(); n != 2 || !strings.HasSuffix(w.image(), "web:1.0.1") {
				t.Errorf("resumed, web runs %s %d times", w.image(), n)
			}
			w.status(newest, "deploy", "success")
		})
	}
}

// told waits until the newest status of a commit and context is this one.
func (w *world) told(commit, what, state, text string) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		if s, _ := w.StatusOf(commit, what); s.State != state || s.Description != text {
			return fmt.Errorf("status %s of %s is %s %q, want %s %q", what, commit[:7], s.State, s.Description, state, text)
		}
		return nil
	})
}

// settlesLater waits until the newest pass of commit has this condition,
// whatever the passes before it had.
func (w *world) settlesLater(commit string, want reconcile.Condition) client.Detail {
	w.t.Helper()
	var detail client.Detail
	kubetest.Eventually(w.t, func() error {
		detail = w.state()
		if r := detail.Newest; r.Revision.Hash != commit || r.Condition != want {
			return fmt.Errorf("pass %d of %s is %q: %s", r.Pass, r.Revision, r.Condition, detail.Sentence)
		}
		return nil
	})
	return detail
}

func TestAResumeOfWhatIsOnlyDriftedPutsItBack(t *testing.T) {
	w := newWorld(t, settings{})
	commit := w.push(counted("min_count: 2, max_count: 2", "1.0.0"))
	w.settles(commit, reconcile.Live)
	w.do("pause", client.Action{})
	w.scale(3)
	if got := w.state(); got.Paused == nil || got.Paused.By != "anna" {
		t.Errorf("the API says of the pause %+v", got.Paused)
	}
	if _, err := w.API().Do(t.Context(), w.app, "sync", client.Action{}); err == nil || !strings.Contains(err.Error(), "is paused by anna; resume it first") {
		t.Errorf("a sync of a paused application: %v", err)
	}
	w.do("resume", client.Action{})
	kubetest.Eventually(t, func() error {
		if n := w.replicas(); n != 2 {
			return fmt.Errorf("resumed, it has %d", n)
		}
		return nil
	})
}

func TestAPauseBeforeTheFirstDeploymentHoldsItAndLeavesNoTrace(t *testing.T) {
	w := newWorld(t, settings{})
	w.do("pause", client.Action{})
	w.settles(w.push(manifest(ten)), reconcile.Paused)
	if left := w.objects(); len(left) > 0 {
		t.Errorf("paused, but there are %v", left)
	}
	other := *w
	other.app, other.repo = "o"+w.app, w.Git.Repo("acme/never")
	w.reload(w.entry(nil), other.entry(map[string]any{"ref": "never"}))
	other.do("pause", client.Action{})
	w.reload(w.entry(nil))
	if got := other.state(); !got.Orphaned {
		t.Errorf("the API shows orphaned %t", got.Orphaned)
	}
	other.do("remove", client.Action{Confirm: other.app})
	kubetest.Eventually(t, func() error {
		if _, err := w.API().App(t.Context(), other.app); err == nil {
			return fmt.Errorf("%s is still shown", other.app)
		}
		return nil
	})
}

// tokens gives settings with an operator, anna, and a reader, bob.
func tokens(t *testing.T) (values []any, reader string) {
	reader = "reader-canary-0a1b2c3d4e"
	dir := t.TempDir()
	for name, secret := range map[string]string{"anna": daemontest.OperatorToken, "bob": reader} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []any{
		map[string]any{"name": "anna", "role": "operate", "token_file": filepath.Join(dir, "anna")},
		map[string]any{"name": "bob", "role": "read", "token_file": filepath.Join(dir, "bob")},
	}, reader
}

// ask makes one request and returns status, header and body of the answer.
func ask(t *testing.T, method, url, token string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

func TestRolesAreKeptAndOperatorsAudited(t *testing.T) {
	access, reader := tokens(t)
	w := newWorld(t, settings{values: map[string]any{"access": access}})
	commit := w.push(manifest(ten))
	w.settles(commit, reconcile.Live)
	app := w.URL() + "/api/v1/apps/" + w.app
	for _, action := range []string{"sync", "pause", "resume", "remove"} {
		for name, tc := range map[string]struct {
			token string
			code  int
			text  string
		}{
			"a reader":     {reader, http.StatusForbidden, "the token of bob may read only"},
			"a stranger":   {"", http.StatusUnauthorized, "a token is needed"},
			"a guess":      {"operator-canary", http.StatusUnauthorized, "the token is not known here"},
			"a longer one": {daemontest.OperatorToken + "0", http.StatusUnauthorized, "the token is not known here"},
		} {
			code, header, body := ask(t, http.MethodPost, app+"/"+action, tc.token)
			if code != tc.code || !strings.Contains(body, tc.text) {
				t.Errorf("%s by %s: %d %s", action, name, code, body)
			}
			if code == http.StatusUnauthorized && header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s by %s: no WWW-Authenticate", action, name)
			}
		}
	}
	if code, _, body := ask(t, http.MethodGet, app, reader); code != http.StatusOK || !strings.Contains(body, commit) {
		t.Errorf("a reader reads: %d %s", code, body)
	}
	if got := w.state(); got.Paused != nil {
		t.Error("somebody without the right paused it")
	}

	w.do("pause", client.Action{})
	w.do("resume", client.Action{})
	w.do("sync", client.Action{AllowPrune: true})
	var audit []string
	for _, e := range w.audited() {
		audit = append(audit, e.Who+" "+e.What+" "+e.App+" "+e.Detail)
	}
	want := []string{"anna sync " + w.app + " allow_prune=true refresh=false", "anna resume " + w.app + " ", "anna pause " + w.app + " "}
	if !slices.Equal(audit, want) {
		t.Errorf("audited %q, want %q", audit, want)
	}
}

// audited reads the audit beside the running daemon, newest first.
func (w *world) audited() []ledger.Entry {
	w.t.Helper()
	c, err := config.Load(w.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := ledger.Open(w.t.Context(), ledger.Options{URL: c.Store, Key: w.key("ledger")})
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	entries, err := l.Audited(w.t.Context(), w.app, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}
