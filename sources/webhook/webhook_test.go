package webhook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"rondo.dev/rondo/notify/githubtest"
	"rondo.dev/rondo/reconcile/ledger"
	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "It's a Secret to Everybody"

// receiver is the real handler behind a real server, with a real ledger.
type receiver struct {
	t      *testing.T
	url    string
	addr   string
	ledger *ledger.Ledger

	mu      sync.Mutex
	signals []sources.Signal
	fail    error // of Deliver
}

func start(t *testing.T, changes ...func(*webhook.Options)) *receiver {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{
		URL: "sqlite://" + filepath.Join(t.TempDir(), "rondo.db"), Key: bytes.Repeat([]byte{7}, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, ledger: l}
	o := webhook.Options{
		Secret: []byte(secret),
		Deliver: func(ctx context.Context, d webhook.Delivery) (bool, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.fail != nil {
				return false, r.fail
			}
			return l.Deliver(ctx, ledger.Delivery(d))
		},
		Known: func(repo sources.Repo) (sources.Repo, bool) {
			return repo, !strings.Contains(repo.URL, "stranger")
		},
		Emit: func(_ context.Context, s sources.Signal) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.signals = append(r.signals, s)
		},
	}
	for _, change := range changes {
		change(&o)
	}
	h, err := webhook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	h.Register(e)
	s := httptest.NewUnstartedServer(e)
	s.Config.ReadHeaderTimeout = time.Second
	s.Start()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		s.Close()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	r.url, r.addr = s.URL+webhook.Path, s.Listener.Addr().String()
	return r
}

func (r *receiver) emitted() []sources.Signal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.signals)
}

func (r *receiver) stored() []ledger.Delivery {
	r.t.Helper()
	all, err := r.ledger.Unhandled(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

func sign(body []byte) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write(body)
	return "sha256=" + hex.EncodeToString(h.Sum(nil))
}

// deliver posts a signed body and gives the answer, "202 accepted: …".
func (r *receiver) deliver(event, id string, body []byte, changes ...func(*http.Request)) string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", event)
	req.Header.Set("X-GitHub-Delivery", id)
	req.Header.Set("X-Hub-Signature-256", sign(body))
	for _, change := range changes {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSuffix(string(text), "\n"))
}

func push(fullName, ref string) []byte {
	return []byte(fmt.Sprintf(`{"ref":%q,"after":"6113728f27ae82c7b1a177c8d03f9e96e0adf246","repository":{"full_name":%q,"clone_url":%q}}`,
		ref, fullName, "https://github.com/"+fullName+".git"))
}

func TestRecordedDeliveriesBecomeSignals(t *testing.T) {
	r := start(t)
	answers := make(map[string]int)
	for i, d := range githubtest.Deliveries(t, "ping", "push", "pull_request", "merge_group") {
		answers[d.Event+": "+r.deliver(d.Event, fmt.Sprintf("recorded-%d", i), d.Body)]++
	}
	hello := "https://github.com/Codertocat/Hello-World"
	want := map[string]int{
		"ping: 200 pong": 4,
		"push: 202 accepted: will look at tags/simple-tag of " + hello: 5, // one created, four deleted
		"push: 202 accepted: will look at master of " + hello:          2,
	}
	for answer := range answers { // GitHub recorded many repositories and actions
		if strings.HasPrefix(answer, "pull_request: 202 accepted: will look at pull/") ||
			answer == "pull_request: 202 ignored: this action moves nothing" ||
			strings.HasPrefix(answer, "merge_group: 202 accepted: will look at gh-readonly-queue/main/pr-") {
			delete(answers, answer)
		}
	}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	stored, emitted := r.stored(), r.emitted()
	if len(stored) != len(emitted) || len(stored) < 20 {
		t.Fatalf("%d deliveries stored, %d signals emitted", len(stored), len(emitted))
	}
	var events []string
	for i, d := range stored {
		if d.Signal() != emitted[i] && !slices.Contains(emitted, d.Signal()) {
			t.Errorf("%+v was stored but not emitted", d)
		}
		if !slices.Contains(events, d.Event) {
			events = append(events, d.Event)
		}
	}
	slices.Sort(events)
	if want := []string{"merge_group", "pull_request", "push"}; !slices.Equal(events, want) {
		t.Errorf("events %v, want %v", events, want)
	}
}

func TestAllOtherRecordedEventsAreAcceptedAndIgnored(t *testing.T) {
	r := start(t)
	n := 0
	for i, d := range githubtest.Deliveries(t) {
		switch d.Event {
		case "ping", "push", "pull_request", "merge_group":
			continue
		}
		n++
		if got := r.deliver(d.Event, fmt.Sprintf("other-%d", i), d.Body); got != "202 ignored: rondo does not need this event" {
			t.Errorf("%s: %s", d.Event, got)
		}
	}
	if n < 100 || len(r.stored()) > 0 || len(r.emitted()) > 0 {
		t.Errorf("%d events left %d rows and %d signals", n, len(r.stored()), len(r.emitted()))
	}
}

func TestAnswersSayWhy(t *testing.T) {
	form := func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	main := push("acme/shop", "refs/heads/main")
	for name, tc := range map[string]struct {
		event  string
		body   []byte
		change func(*http.Request)
		want   string
	}{
		"a push":                  {"push", main, nil, "202 accepted: will look at main of https://github.com/acme/shop"},
		"a form":                  {"push", []byte(url.Values{"payload": {string(main)}}.Encode()), form, "202 accepted: will look at main of https://github.com/acme/shop"},
		"a form without payload":  {"push", []byte("x=1"), form, "400 the form does not have one field payload"},
		"a form with two":         {"push", []byte("payload=1&payload=2"), form, "400 the form does not have one field payload"},
		"a branch with a slash":   {"push", push("acme/shop", "refs/heads/feature/x"), nil, "202 accepted: will look at feature/x of https://github.com/acme/shop"},
		"nobody's repository":     {"push", push("stranger/shop", "refs/heads/main"), nil, "202 ignored: no application follows https://github.com/stranger/shop"},
		"a ping of nobody's":      {"ping", push("stranger/shop", ""), nil, "200 pong; but no application follows https://github.com/stranger/shop"},
		"an odd ref":              {"push", push("acme/shop", "refs/heads/a..b"), nil, "400 the push event has a ref that git would refuse"},
		"no JSON":                 {"push", []byte("{"), nil, "400 the push event is not a JSON object"},
		"null":                    {"push", []byte("null"), nil, "400 the push event is null"},
		"a wrong type":            {"push", []byte(`{"ref":[]}`), nil, "400 the push event has the wrong type at ref"},
		"no repository":           {"push", []byte(`{"ref":"refs/heads/main"}`), nil, "400 the push event has no repository"},
		"names that disagree":     {"push", bytes.Replace(main, []byte(`"acme/shop"`), []byte(`"evil/shop"`), 1), nil, "400 the push event has a repository.full_name that is not that of its clone_url"},
		"another content type":    {"push", main, header("Content-Type", "text/plain"), "400 the content type is neither application/json nor application/x-www-form-urlencoded"},
		"no content type":         {"push", main, header("Content-Type", ""), "400 the header Content-Type is missing or malformed"},
		"no delivery id":          {"push", main, header("X-GitHub-Delivery", ""), "400 the header X-GitHub-Delivery is missing or malformed"},
		"a delivery id with text": {"push", main, header("X-GitHub-Delivery", "<script>"), "400 the header X-GitHub-Delivery is missing or malformed"},
		"no event":                {"", main, nil, "202 ignored: rondo does not need this event"},
		"no signature":            {"push", main, header("X-Hub-Signature-256", ""), "401 the header X-Hub-Signature-256 is malformed"},
		"a wrong signature":       {"push", main, header("X-Hub-Signature-256", sign([]byte("x"))), "401 the signature does not match; is the secret the same on both sides?"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t)
			change := tc.change
			if change == nil {
				change = func(*http.Request) {}
			}
			if got := r.deliver(tc.event, "id-1", tc.body, change); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheSignalNamesTheRepositoryAsConfigured(t *testing.T) {
	configured := sources.Repo{URL: "https://github.com/Acme/Shop"}
	r := start(t, func(o *webhook.Options) {
		o.Known = func(repo sources.Repo) (sources.Repo, bool) {
			return configured, strings.EqualFold(repo.URL, configured.URL)
		}
	})
	r.deliver("push", "id-1", push("acme/shop", "refs/heads/main"))
	want := []sources.Signal{{Repo: configured, Ref: "main", Delivery: "id-1"}}
	if got := r.emitted(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestADeliveryThatIsNotStoredIsAskedForAgain(t *testing.T) {
	r := start(t)
	r.fail = errors.New("the disk is full")
	if got := r.deliver("push", "id-1", push("acme/shop", "refs/heads/main")); got != "503 not stored; deliver it again" {
		t.Errorf("got %q", got)
	}
	if len(r.emitted()) != 0 {
		t.Errorf("a signal was emitted for a delivery that is not stored")
	}
	r.mu.Lock()
	r.fail = nil
	r.mu.Unlock()
	if got := r.deliver("push", "id-1", push("acme/shop", "refs/heads/main")); !strings.HasPrefix(got, "202 accepted") {
		t.Errorf("the second try: %q", got)
	}
}

func TestT12_ADeliveryRunsOnce(t *testing.T) {
	r := start(t)
	body := push("acme/shop", "refs/heads/main")
	first, second := r.deliver("push", "id-1", body), r.deliver("push", "id-1", body)
	if !strings.HasPrefix(first, "202 accepted") || !strings.HasPrefix(second, "202 duplicate") || len(r.emitted()) != 1 {
		t.Errorf("answers %q and %q, %d signals", first, second, len(r.emitted()))
	}
	if err := r.ledger.Failed(t.Context(), "id-1"); err != nil {
		t.Fatal(err)
	}
	if third := r.deliver("push", "id-1", body); !strings.HasPrefix(third, "202 accepted") || len(r.emitted()) != 2 {
		t.Errorf("after a failed look: %q, %d signals", third, len(r.emitted()))
	}
}

func TestT12_AnOldBodyIsOnlyAHint(t *testing.T) {
	r := start(t)
	body := push("acme/shop", "refs/heads/main")
	r.deliver("push", "id-1", body)
	r.deliver("push", "id-2", body)
	for _, s := range r.emitted() {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "6113728f") {
			t.Errorf("the signal %s carries the commit of the body", text)
		}
	}
}

func TestT13_NamesAreComparedNeverCompiled(t *testing.T) {
	known := sources.Repo{URL: "https://github.com/acme/shop"}
	r := start(t, func(o *webhook.Options) {
		o.Known = func(repo sources.Repo) (sources.Repo, bool) { return known, repo == known }
	})
	for _, name := range []string{".*", "acme/.*", "acme/sho.", "(a+)+$", "acme/shop|x", strings.Repeat("a", 64<<10), "acme/" + strings.Repeat("(a+)+", 100)} {
		begun := time.Now()
		if got := r.deliver("push", "id-1", push(name, "refs/heads/main")); !strings.HasPrefix(got, "400") && !strings.HasPrefix(got, "202 ignored") {
			t.Errorf("%.40q: %s", name, got)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%.40q took %s", name, took)
		}
	}
	if len(r.emitted()) != 0 {
		t.Errorf("signals %v", r.emitted())
	}
}

func TestT14_NothingInABodyIsFetched(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hits := make(chan net.Conn, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			hits <- conn
		}
	}()
	trap := "http://" + listener.Addr().String() + "/acme/shop"
	r := start(t)
	for i, event := range []string{"push", "pull_request", "merge_group", "ping"} {
		body := fmt.Sprintf(`{"ref":"refs/heads/main","number":1,"action":"opened","compare":%[1]q,"pull_request":{"url":%[1]q,"statuses_url":%[1]q},
			"merge_group":{"head_ref":"refs/heads/q"},"hook":{"config":{"url":%[1]q}},
			"repository":{"full_name":"acme/shop","clone_url":%[2]q,"html_url":%[1]q,"statuses_url":%[1]q,"git_url":%[1]q,"url":%[1]q}}`, trap, trap+".git")
		if got := r.deliver(event, fmt.Sprint("id-", i), []byte(body)); !strings.HasPrefix(got, "20") {
			t.Errorf("%s: %s", event, got)
		}
	}
	listener.Close()
	<-done
	if len(hits) > 0 {
		t.Errorf("%d connections to the address in the body", len(hits))
	}
}

func TestASecretIsRequired(t *testing.T) {
	for _, secret := range []string{"", " \n"} {
		_, err := webhook.New(webhook.Options{Secret: []byte(secret)})
		if err == nil || !strings.Contains(err.Error(), "secret is empty") {
			t.Errorf("secret %q: %v", secret, err)
		}
	}
}

func TestTheAnswerFollowsTheCommitAtOnce(t *testing.T) {
	var mu sync.Mutex
	var committed time.Time
	r := start(t, func(o *webhook.Options) {
		deliver := o.Deliver
		o.Deliver = func(ctx context.Context, d webhook.Delivery) (bool, error) {
			fresh, err := deliver(ctx, d)
			mu.Lock()
			defer mu.Unlock()
			committed = time.Now()
			return fresh, err
		}
	})
	var took []time.Duration
	for i := range 50 {
		r.deliver("push", fmt.Sprint("id-", i), push("acme/shop", "refs/heads/main"))
		mu.Lock()
		took = append(took, time.Since(committed))
		mu.Unlock()
	}
	slices.Sort(took)
	if median := took[len(took)/2]; median > time.Second {
		t.Errorf("the answer came %s after the commit (median of 50)", median)
	}
}
