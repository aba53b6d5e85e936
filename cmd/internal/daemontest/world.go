// Package daemontest puts a whole rondo together for tests, benchmarks and the
// demo: a real API server, a git server, a stand-in for GitHub, and the daemon,
// in this process or in one of its own.
//
// Only the forge's side of GitHub is played; every byte between the daemon and
// git, the API server and the ledger is real. A push goes to the git server,
// and the webhook is signed and delivered the way GitHub does it.
package daemontest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/cmd/internal/daemon"
	"rondo.dev/rondo/notify/githubtest"
	"rondo.dev/rondo/sources/gittest"
)

// Secrets of a World; constant, so that a test can search for them.
const (
	WebhookSecret = "webhook-canary-5e1f0c4b7a"
	OperatorToken = "operator-canary-9d3c2b1a0f"
	GitHubToken   = "github-canary-7b6a5c4d3e"
)

// Options of [Start].
type Options struct {
	REST       *rest.Config // rondo's own identity; its rights are the caller's to give
	Kubeconfig string       // the same as a file, for a daemon in a process of its own; may be empty
	Dir        string       // holds everything; the caller removes it
	Validate   bool         // check every call to GitHub against its API description
	Single     bool         // single_tenant
	Log        *slog.Logger
	Out        io.Writer // told what is fetched for validation
	// Settings are merged into rondo.yaml.
	Settings map[string]any
	// GitHubStatus is called for each status that arrives.
	GitHubStatus func(githubtest.Status)
}

// App is one application of the World's rondo.yaml.
type App map[string]any

// World is everything around one or more daemons.
type World struct {
	o      Options
	Git    *gittest.Server
	GitHub *githubtest.Server
	Config string // path of rondo.yaml

	mu     sync.Mutex
	apps   []App
	daemon *daemon.Daemon
	stop   func() error
}

// Start starts the git server and the stand-in for GitHub and writes the
// secrets. No daemon runs yet.
func Start(ctx context.Context, o Options) (w *World, err error) {
	w = &World{o: o, Config: filepath.Join(o.Dir, "rondo.yaml")}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	for name, secret := range map[string]string{"webhook": WebhookSecret, "operator": OperatorToken, "github": GitHubToken} {
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte(secret+"\n"), 0o600); err != nil {
			return w, err
		}
	}
	repos := filepath.Join(o.Dir, "repositories")
	if err := os.MkdirAll(repos, 0o700); err != nil {
		return w, err
	}
	if w.Git, err = gittest.Start(repos); err != nil {
		return w, err
	}
	w.GitHub, err = githubtest.Start(ctx, githubtest.Options{
		Validate: o.Validate, Token: GitHubToken, OnStatus: o.GitHubStatus, Out: o.Out,
	})
	return w, err
}

// Close stops the daemon of this process and the servers.
func (w *World) Close() error {
	err := w.Stop()
	if w.GitHub != nil {
		w.GitHub.Close()
	}
	if w.Git != nil {
		err = errors.Join(err, w.Git.Close())
	}
	return err
}

// Configure writes rondo.yaml with these applications.
func (w *World) Configure(apps ...App) error {
	w.mu.Lock()
	w.apps = apps
	w.mu.Unlock()
	file := map[string]any{
		"listen": "127.0.0.1:0", "internal_listen": "127.0.0.1:0",
		"store": "sqlite://" + filepath.Join(w.o.Dir, "rondo.db"),
		"data":  w.o.Dir, "key_file": filepath.Join(w.o.Dir, "key"),
		"single_tenant": w.o.Single,
		"github": map[string]any{
			"token_file": filepath.Join(w.o.Dir, "github"), "webhook_secret_file": filepath.Join(w.o.Dir, "webhook"),
			"api_url": w.GitHub.URL(),
		},
		"access":       []any{map[string]any{"name": "anna", "role": "operate", "token_file": filepath.Join(w.o.Dir, "operator")}},
		"applications": apps,
	}
	if w.o.Kubeconfig != "" {
		file["cluster"] = map[string]any{"kubeconfig": w.o.Kubeconfig}
	}
	merge(file, w.o.Settings)
	raw, err := yaml.Marshal(file)
	if err != nil {
		return err
	}
	return os.WriteFile(w.Config, raw, 0o600)
}

func merge(into, from map[string]any) {
	for key, value := range from {
		inner, ok := value.(map[string]any)
		old, both := into[key].(map[string]any)
		if ok && both {
			merge(old, inner)
			continue
		}
		into[key] = value
	}
}

// Run starts a daemon in this process with the rondo.yaml that was written.
func (w *World) Run(ctx context.Context) error {
	c, err := config.Load(w.Config)
	if err != nil {
		return err
	}
	d, err := daemon.New(ctx, daemon.Options{Config: c, Version: "test", REST: w.o.REST, Log: w.o.Log})
	if err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.daemon = d
	w.stop = func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(time.Minute):
			return errors.New("the daemon did not stop within a minute")
		}
	}
	return nil
}

// Stop ends the daemon of this process, if one runs.
func (w *World) Stop() error {
	w.mu.Lock()
	stop := w.stop
	w.stop, w.daemon = nil, nil
	w.mu.Unlock()
	if stop == nil {
		return nil
	}
	return stop()
}

// Daemon is the one of this process; nil when none runs.
func (w *World) Daemon() *daemon.Daemon {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.daemon
}

// URL is the public address of the daemon of this process.
func (w *World) URL() string { return "http://" + w.Daemon().Addr().String() }

// InternalURL is where its metrics are.
func (w *World) InternalURL() string { return "http://" + w.Daemon().InternalAddr().String() }

// API speaks to the daemon of this process as an operator.
func (w *World) API() *client.Client {
	return &client.Client{Server: w.URL(), Token: OperatorToken}
}

// Hook delivers a push of ref to the daemon at url as GitHub would: signed, with
// a delivery id of its own. It returns the status code of the answer.
func (w *World) Hook(ctx context.Context, url string, repo *gittest.Repo, branch, before, after string) (int, error) {
	body, err := json.Marshal(map[string]any{
		"ref": "refs/heads/" + branch, "before": before, "after": after,
		"repository": map[string]any{
			"id": 1, "name": filepath.Base(repo.Name()), "full_name": strings.TrimSuffix(repo.Name(), ".git"),
			"clone_url": repo.URL(), "html_url": strings.TrimSuffix(repo.URL(), ".git"),
		},
		"sender": map[string]any{"login": "anna"},
	})
	if err != nil {
		return 0, err
	}
	return Deliver(ctx, url, "push", rand.Text(), body, WebhookSecret)
}

// Sign is the header X-Hub-Signature-256 of a body.
func Sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// Deliver posts one signed delivery.
func Deliver(ctx context.Context, url, event, id string, body []byte, secret string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/hooks/github", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", event)
	req.Header.Set("X-GitHub-Delivery", id)
	req.Header.Set("X-Hub-Signature-256", Sign(body, secret))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("webhook answered %s: %s", res.Status, text)
	}
	return res.StatusCode, err
}

// StatusOf is the newest status of a commit whose context ends in "/"+what, as
// branch protection sees it.
func (w *World) StatusOf(commit, what string) (githubtest.Status, bool) {
	all := w.GitHub.Statuses()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Commit == commit && strings.HasSuffix(all[i].Context, "/"+what) {
			return all[i], true
		}
	}
	return githubtest.Status{}, false
}
