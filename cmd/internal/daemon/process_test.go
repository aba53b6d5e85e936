package daemon_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
)

// built is rondo, compiled once for all tests of this process.
var built struct {
	sync.Mutex
	binary string
}

// binary is where it is: in a folder that goes with the control plane.
func (w *apart) binary() string {
	w.t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.binary == "" {
		var err error
		if built.binary, err = daemontest.Build(w.t.Context(), w.cp.Dir); err != nil {
			w.t.Fatal(err)
		}
	}
	return built.binary
}

// apart is a world whose daemons run in processes of their own.
type apart struct {
	*world
	api *proxy // between the daemons and the API server
}

func newApart(t *testing.T, s settings) *apart {
	t.Helper()
	cp := kubetest.Shared(t)
	api := newProxy(t, cp.ConfigFor("rondo"))
	path, err := daemontest.Kubeconfig(t.TempDir(), api.config())
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{
		"log_level": "debug",
		"cluster":   map[string]any{"kubeconfig": path, "lease_name": "lease-" + strings.ToLower(rand.Text()[:8])},
	}
	maps.Copy(values, s.values)
	s.idle, s.values = true, values
	return &apart{world: newWorld(t, s), api: api}
}

// served is a daemon in a process of its own.
type served struct {
	*daemontest.Process
	t       *testing.T
	app     string
	diary   *diary
	started time.Time
}

// second writes a configuration like the first, whose daemon reaches the API
// server by a proxy of its own.
func (w *apart) second() (path string, api *proxy) {
	w.t.Helper()
	api = newProxy(w.t, w.cp.ConfigFor("rondo"))
	dir := w.t.TempDir()
	kubeconfig, err := daemontest.Kubeconfig(dir, api.config())
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err := os.ReadFile(w.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(raw, &file); err != nil {
		w.t.Fatal(err)
	}
	file["cluster"].(map[string]any)["kubeconfig"] = kubeconfig
	if raw, err = yaml.Marshal(file); err != nil {
		w.t.Fatal(err)
	}
	path = filepath.Join(dir, "rondo.yaml")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path, api
}

// serve starts a daemon with the configuration at path.
func (w *apart) serve(path string) *served {
	w.t.Helper()
	binary := w.binary()
	s := &served{t: w.t, app: w.app, diary: &diary{changed: make(chan struct{})}, started: time.Now()}
	var err error
	if s.Process, err = daemontest.Serve(binary, path, io.MultiWriter(s.diary, w.log)); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			w.t.Error(err)
		}
	})
	return s
}

// leads waits until the daemon is active and tells how long that took.
func (s *served) leads() time.Duration {
	s.t.Helper()
	return s.diary.wait(s.t, "is active", func(e event) bool { return e.Msg == "active" }).Time.Sub(s.started)
}

// reaches waits until the daemon begins a stage after the first n events.
func (s *served) reaches(n int, stage string) bool {
	_, ok := s.diary.after(s.t.Context(), n, kubetest.Patience, func(e event) bool { return e.Msg == "stage begins" && e.Stage == stage })
	return ok
}

func (s *served) api() *client.Client {
	return &client.Client{Server: s.URL, Token: daemontest.OperatorToken}
}

// goesLive waits until the daemon says that commit is live.
func (s *served) goesLive(commit string) client.Detail {
	s.t.Helper()
	var detail client.Detail
	kubetest.Eventually(s.t, func() (err error) {
		if detail, err = s.api().App(s.t.Context(), s.app); err != nil {
			return err
		}
		if detail.Condition != reconcile.Live || !strings.HasSuffix(detail.Live, commit) {
			return fmt.Errorf("%s is %s: %s; live is %s, want %s", s.app, detail.Condition, detail.Sentence, detail.Live, commit)
		}
		return nil
	})
	return detail
}

// pushTo commits and delivers the webhook to one daemon. Without an error the
// delivery was acknowledged.
func (w *apart) pushTo(s *served, files map[string]string) (commit string, err error) {
	before := w.repo.Ref("refs/heads/main")
	commit = w.commit(files)
	_, err = w.Hook(w.t.Context(), s.URL, w.repo, "main", before, commit)
	return commit, err
}

// event is one line of a daemon's log.
type event struct {
	Time                      time.Time
	Msg, App, Stage, Revision string
}

// diary keeps a daemon's log.
type diary struct {
	mu      sync.Mutex
	partial []byte
	events  []event
	changed chan struct{} // closed and replaced at each event
}

func (d *diary) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.partial = append(d.partial, p...)
	for {
		line, rest, ok := bytes.Cut(d.partial, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			e = event{Msg: string(line)} // of a panic, most likely
		}
		d.partial, d.events = rest, append(d.events, e)
		close(d.changed)
		d.changed = make(chan struct{})
	}
}

// all are the events so far.
func (d *diary) all() []event {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.events)
}

// after finds the first event from the n-th on that fits.
func (d *diary) after(ctx context.Context, n int, within time.Duration, fits func(event) bool) (event, bool) {
	late := time.NewTimer(within)
	defer late.Stop()
	for {
		d.mu.Lock()
		events, changed := d.events[n:], d.changed
		d.mu.Unlock()
		if i := slices.IndexFunc(events, fits); i >= 0 {
			return events[i], true
		}
		n += len(events)
		select {
		case <-changed:
		case <-late.C:
			return event{}, false
		case <-ctx.Done():
			return event{}, false
		}
	}
}

func (d *diary) wait(t *testing.T, what string, fits func(event) bool) event {
	t.Helper()
	e, ok := d.after(t.Context(), 0, kubetest.Patience, fits)
	if !ok {
		t.Fatalf("not within %s: the daemon %s", kubetest.Patience, what)
	}
	return e
}

// stage is what the daemon's newest pass was at; "rest" between passes.
func (d *diary) stage() string {
	stage := "start"
	for _, e := range d.all() {
		switch e.Msg {
		case "active", "pass ended", "pass failed", "pass will be retried", "pass stays open":
			stage = "rest"
		case "stage begins":
			stage = e.Stage
		}
	}
	return stage
}

// proxy stands between daemons and the API server.
type proxy struct {
	server *httptest.Server
	target *rest.Config
	// hold, when set, is called before a request is passed on, and gives what
	// to call before its answer is. A context that ends drops the request.
	hold atomic.Pointer[func(r *http.Request) (answer func(context.Context))]
}

func newProxy(t *testing.T, target *rest.Config) *proxy {
	t.Helper()
	address, err := url.Parse(target.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(target))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: target}
	type key struct{}
	pass := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(address) },
		Transport:     transport,
		FlushInterval: -1,
		ModifyResponse: func(r *http.Response) error {
			if answer, ok := r.Request.Context().Value(key{}).(func(context.Context)); ok {
				answer(r.Request.Context())
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hold := p.hold.Load(); hold != nil {
			// Until the body is read, the server does not see that a client went away.
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			answer := (*hold)(r)
			if r.Context().Err() != nil {
				return
			}
			if answer != nil {
				// What was sent before a crash arrives.
				r = r.WithContext(context.WithValue(context.WithoutCancel(r.Context()), key{}, answer))
			}
		}
		pass.ServeHTTP(w, r)
	}))
	p.server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that were killed
	p.server.StartTLS()
	t.Cleanup(func() {
		p.server.CloseClientConnections() // watches
		p.server.Close()
	})
	return p
}

// config is the API server behind the proxy, for the same user.
func (p *proxy) config() *rest.Config {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	return &rest.Config{Host: p.server.URL, BearerToken: p.target.BearerToken, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
}

// pause returns after d, or when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// changes reports whether r writes something other than a Lease.
func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/leases")
}

// writesInventory reports whether r is about the application's inventory.
func (w *apart) writesInventory(r *http.Request) bool {
	return changes(r) && (strings.HasSuffix(r.URL.Path, "/rondo-inventory-"+w.app) || r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/configmaps"))
}

// blocks holds every request that fits, from the n-th on, until release. It
// closes the channel when the first is there.
func (p *proxy) blocks(n int, fits func(*http.Request) bool) (reached <-chan struct{}, release func()) {
	there, free := make(chan struct{}), make(chan struct{})
	var seen atomic.Int64
	var once sync.Once
	hold := func(r *http.Request) func(context.Context) {
		if fits(r) && seen.Add(1) >= int64(n) {
			once.Do(func() { close(there) })
			select {
			case <-free:
			case <-r.Context().Done():
			}
		}
		return nil
	}
	p.hold.Store(&hold)
	return there, sync.OnceFunc(func() { p.hold.Store(nil); close(free) })
}

// await fails the test when c is not closed within kubetest.Patience.
func (w *apart) await(c <-chan struct{}, what string) {
	w.t.Helper()
	select {
	case <-c:
	case <-time.After(kubetest.Patience):
		w.t.Fatalf("not within %s: %s", kubetest.Patience, what)
	}
}
