package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rondo.dev/rondo/notify"
	channel "rondo.dev/rondo/notify/github"
	"rondo.dev/rondo/notify/githubtest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/ledger"
	"rondo.dev/rondo/sources"
	credentials "rondo.dev/rondo/sources/github"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "ghp_canaryCanaryCanaryCanary"

// world is a ledger, a sender and a GitHub to send to.
type world struct {
	t         *testing.T
	github    *githubtest.Server
	channel   *channel.Channel
	tokenFile string
	url       string
	ledger    *ledger.Ledger
	logs      *logs
	stop      func()
}

var _ notify.Outbox = (*ledger.Ledger)(nil)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, tokenFile: filepath.Join(t.TempDir(), "token"), logs: &logs{}, stop: func() {}}
	w.setToken(canary)
	w.url = "sqlite://" + filepath.Join(t.TempDir(), "rondo.db")
	w.github = githubtest.New(t, githubtest.Options{Token: canary})
	c, err := credentials.New(credentials.Options{
		TokenFile: w.tokenFile, BaseURL: w.github.URL(), Transport: w.github.Client().Transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.channel = channel.New(c, nil)
	w.open()
	t.Cleanup(w.close)
	return w
}

func (w *world) setToken(token string) {
	w.t.Helper()
	if err := os.WriteFile(w.tokenFile, []byte(token), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open() {
	w.t.Helper()
	l, err := ledger.Open(context.Background(), ledger.Options{
		URL: w.url, Key: bytes.Repeat([]byte{7}, 32), Logger: slog.New(slog.NewTextHandler(w.logs, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger = l
}

func (w *world) close() {
	w.stop()
	w.stop = func() {}
	if w.ledger != nil {
		if err := w.ledger.Close(); err != nil {
			w.t.Error(err)
		}
		w.ledger = nil
	}
}

// run starts a sender that is stopped with the world.
func (w *world) run(changes ...func(*notify.SenderOptions)) {
	w.t.Helper()
	o := notify.SenderOptions{
		Outbox: w.ledger, Channels: map[string]notify.Channel{"status": w.channel},
		FirstDelay: 20 * time.Millisecond, MaxDelay: 200 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, change := range changes {
		change(&o)
	}
	s, err := notify.NewSender(o)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

// status is a message about commit n of a repository.
func status(repo string, n int, what, state, description string) reconcile.Message {
	return reconcile.Message{
		Kind: "status", Repo: sources.Repo{URL: "http://127.0.0.1/" + repo}, Commit: fmt.Sprintf("%040x", n),
		Context: "rondo/shop/production/" + what, State: state, Description: description, App: "shop", Pass: 1,
	}
}

func (w *world) tell(messages ...reconcile.Message) {
	w.t.Helper()
	r := result(reconcile.Running)
	if err := w.ledger.Record(w.t.Context(), r, reconcile.State{App: "shop"}, messages); err != nil {
		w.t.Fatal(err)
	}
}

// arrived are the statuses that GitHub has, as "repo what state".
func (w *world) arrived() []string {
	var all []string
	for _, s := range w.github.Statuses() {
		all = append(all, strings.Join([]string{s.Repo, filepath.Base(s.Context), s.State}, " "))
	}
	return all
}

func (w *world) wait(what string, holds func() bool) {
	w.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("after 10 s not %s; arrived: %q; log:\n%s", what, w.arrived(), w.logs)
		}
	}
}

func (w *world) waitEmpty() {
	w.t.Helper()
	w.wait("an empty outbox", func() bool {
		n, err := w.ledger.OutboxDepth(w.t.Context())
		return err == nil && n == 0
	})
}

type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestStatusesArriveInOrderAndOnce(t *testing.T) {
	w := newWorld(t)
	w.run()
	w.tell(status("acme/shop", 1, "deploy", "pending", "deploying"))
	w.waitEmpty()
	w.tell(status("acme/shop", 1, "manifest", "success", "fine"), status("acme/shop", 1, "deploy", "success", "live"))
	w.waitEmpty()
	w.tell(status("acme/shop", 1, "deploy", "success", "live"))
	w.waitEmpty()
	want := []string{"acme/shop deploy pending", "acme/shop manifest success", "acme/shop deploy success"}
	if got := w.arrived(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestManyCommitsAreToldAtTheSameTime(t *testing.T) {
	w := newWorld(t)
	w.github.Inject(githubtest.Fault{Hang: true}) // one call that never ends holds nobody else up
	w.run(func(o *notify.SenderOptions) { o.Grace = 10 * time.Millisecond })
	w.tell(status("acme/shop", 0, "deploy", "success", "hangs"))
	w.wait("hanging", func() bool { return len(w.github.Calls()) == 1 })
	for commit := 1; commit <= 20; commit++ {
		for _, what := range []string{"manifest", "score", "deploy"} {
			w.tell(status("acme/shop", commit, what, "success", "fine"))
		}
	}
	w.wait("60 statuses", func() bool { return len(w.github.Statuses()) == 60 })
}

func TestAStatusOutlivesWhatGitHubSuffers(t *testing.T) {
	for name, fault := range map[string]githubtest.Fault{
		"server error":         {Status: 502, Times: 3, Body: "<html>Bad Gateway</html>"},
		"maintenance":          {Status: 503, Times: 2, Body: `{"message":"down"}`},
		"too many requests":    {Status: 429, Header: map[string][]string{"Retry-After": {"0"}}, Body: `{"message":"slow down"}`},
		"rate limit":           githubtest.RateLimit(time.Now().Add(time.Second)),
		"secondary rate limit": githubtest.SecondaryLimit(time.Second),
		"lost receipt":         {Drop: true},
		"commit not known yet": {Status: 422, Times: 1, Body: `{"message":"No commit found for SHA: 1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.github.Inject(fault)
			w.tell(status("acme/shop", 1, "deploy", "success", "live"))
			w.run()
			w.waitEmpty()
			if got := w.arrived(); !slices.Equal(got, []string{"acme/shop deploy success"}) {
				t.Errorf("got %q, want one status", got)
			}
		})
	}
}

func TestARateLimitPausesAllOfItsOwner(t *testing.T) {
	w := newWorld(t)
	w.github.Inject(githubtest.SecondaryLimit(time.Second))
	w.tell(status("acme/shop", 1, "deploy", "success", "live"))
	begun := time.Now()
	w.run()
	w.wait("limited", func() bool { return strings.Contains(w.logs.String(), "messages wait for the receiver's limit") })
	w.tell(status("acme/other", 2, "deploy", "success", "live"))
	w.waitEmpty()
	if took := time.Since(begun); took < time.Second {
		t.Errorf("the owner waited %s of the second that GitHub asked for", took)
	}
	if n := len(w.github.Calls()); n > 4 { // refused, read again, and two that succeed
		t.Errorf("%d calls, want at most 4: %q", n, w.github.Calls())
	}
}

func TestNoLimitSilencesAnOwnerForYears(t *testing.T) {
	w := newWorld(t)
	w.github.Inject(githubtest.RateLimit(time.Now().AddDate(70, 0, 0)))
	w.tell(status("acme/shop", 1, "deploy", "success", "live"))
	w.run()
	next := time.Now()
	w.wait("put off", func() bool {
		due, waiting, err := w.ledger.NextDue(w.t.Context())
		next = due
		return err == nil && waiting && time.Until(due) > time.Hour
	})
	if wait := time.Until(next); wait > 7*time.Hour {
		t.Errorf("the message waits for %s", wait)
	}
}

func TestWhatGitHubNeverTakesIsDroppedWithTheReason(t *testing.T) {
	for name, fault := range map[string]githubtest.Fault{
		"repository gone": {Status: 404, Body: `{"message":"Not Found"}`},
		"no such commit":  {Status: 422, Body: `{"message":"No commit found for SHA: 1"}`},
		"1000 statuses":   {Status: 422, Body: `{"message":"This SHA and context has reached the maximum number of statuses."}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			fault.Times = 3
			w.github.Inject(fault)
			w.tell(status("acme/shop", 1, "deploy", "success", "live"))
			w.run()
			w.waitEmpty()
			w.tell(status("acme/shop", 2, "deploy", "success", "live"))
			w.waitEmpty()
			if got := w.arrived(); len(got) != 1 {
				t.Errorf("got %q, want the second only", got)
			}
			if log := w.logs.String(); !strings.Contains(log, "message dropped") || !strings.Contains(log, fmt.Sprint(fault.Status)) {
				t.Errorf("no reason in the log:\n%s", log)
			}
		})
	}
}

func TestAMessageThatNobodyCarriesIsDropped(t *testing.T) {
	w := newWorld(t)
	elsewhere := status("acme/shop", 1, "deploy", "success", "live")
	elsewhere.Repo.URL = "https://gitea.example.org/acme/shop"
	letter := status("acme/shop", 2, "deploy", "success", "live")
	letter.Kind = "letter"
	w.tell(elsewhere, letter)
	w.run()
	w.waitEmpty()
	for _, want := range []string{"no access to GitHub at gitea.example.org", `messages of the kind \"letter\"`} {
		if !strings.Contains(w.logs.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, w.logs)
		}
	}
}

func TestRefusedCredentialsWaitForTheOperator(t *testing.T) {
	w := newWorld(t)
	w.setToken("wrong")
	w.tell(status("acme/shop", 1, "deploy", "success", "live"), status("acme/shop", 2, "deploy", "success", "live"))
	w.run()
	w.wait("an error in the log", func() bool { return strings.Contains(w.logs.String(), "level=ERROR") })
	w.setToken(canary)
	w.waitEmpty()
	if got := w.arrived(); len(got) != 2 {
		t.Errorf("got %q, want two", got)
	}
	if log := w.logs.String(); !strings.Contains(log, "401") || !strings.Contains(log, "credentials for messages are refused") {
		t.Errorf("the log does not tell the operator:\n%s", log)
	}
}

// crash takes a message, does what happened before the crash, and reopens the ledger.
func (w *world) crash(before func(reconcile.Message)) {
	w.t.Helper()
	m := status("acme/shop", 1, "deploy", "success", "live")
	w.tell(m)
	due, err := w.ledger.NextMessages(w.t.Context(), time.Now(), 1)
	if err != nil || len(due) != 1 {
		w.t.Fatalf("%d messages due, error %v", len(due), err)
	}
	if err := w.ledger.Attempt(w.t.Context(), due[0].ID); err != nil {
		w.t.Fatal(err)
	}
	before(m)
	w.close()
	w.open()
}

func TestACrashNeitherLosesNorRepeatsAStatus(t *testing.T) {
	for name, before := range map[string]func(*testing.T, *world, reconcile.Message){
		"before it was sent": func(*testing.T, *world, reconcile.Message) {},
		"before its receipt was stored": func(t *testing.T, w *world, m reconcile.Message) {
			if _, err := w.channel.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		},
		"after others had been told of the same commit": func(t *testing.T, w *world, m reconcile.Message) {
			other := m
			other.Context = "rondo/shop/production/score"
			for _, m := range []reconcile.Message{m, other} {
				if _, err := w.channel.Send(t.Context(), m); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.crash(func(m reconcile.Message) { before(t, w, m) })
			w.run()
			w.waitEmpty()
			n := 0
			for _, s := range w.arrived() {
				if s == "acme/shop deploy success" {
					n++
				}
			}
			if n != 1 {
				t.Errorf("the status arrived %d times: %q", n, w.arrived())
			}
		})
	}
}

func TestANewerStatusAfterACrashIsSentWhateverTheOlderOneDid(t *testing.T) {
	w := newWorld(t)
	w.crash(func(m reconcile.Message) {
		if _, err := w.channel.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	})
	w.tell(status("acme/shop", 1, "deploy", "failure", "taken by kubectl"))
	w.run()
	w.waitEmpty()
	if got, want := w.arrived(), []string{"acme/shop deploy success", "acme/shop deploy failure"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShutdownIsBoundedAndKeepsWhatWasNotSent(t *testing.T) {
	w := newWorld(t)
	w.github.Inject(githubtest.Fault{Hang: true, Times: 2})
	w.tell(status("acme/shop", 1, "deploy", "success", "live"))
	w.run(func(o *notify.SenderOptions) { o.Grace = 20 * time.Millisecond })
	w.wait("hanging", func() bool { return len(w.github.Calls()) == 1 })
	begun := time.Now()
	w.stop()
	w.stop = func() {}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("shutdown took %s", took)
	}
	if n, err := w.ledger.OutboxDepth(t.Context()); n != 1 || err != nil {
		t.Errorf("%d messages in the outbox, error %v; want 1", n, err)
	}
	if !strings.Contains(w.logs.String(), "object=rondo/shop/production/deploy") {
		t.Errorf("the log does not name what was given up:\n%s", w.logs)
	}
}

func TestT25_TheTokenIsNowhereButInTheHeader(t *testing.T) {
	w := newWorld(t)
	for _, fault := range []githubtest.Fault{
		{Status: 401, Body: `{"message":"Bad credentials"}`},
		{Status: 500, Body: `{"message":"oops"}`},
		{Drop: true},
		{Status: 302, Header: map[string][]string{"Location": {"https://evil.example.org/"}}},
	} {
		w.github.Inject(fault)
	}
	w.tell(status("acme/shop", 1, "deploy", "success", "live"))
	w.run()
	w.waitEmpty()
	w.close()
	texts := map[string]string{"log": w.logs.String(), "statuses": fmt.Sprint(w.github.Statuses())}
	files, err := filepath.Glob(strings.TrimPrefix(w.url, "sqlite://") + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no ledger files: %v", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(content)
	}
	for where, text := range texts {
		if strings.Contains(text, canary) {
			t.Errorf("the token is in %s", where)
		}
	}
}

// sickOutbox fails as a ledger on a full disk does.
type sickOutbox struct {
	*ledger.Ledger
	mu    sync.Mutex
	reads int
}

func (s *sickOutbox) NextMessages(context.Context, time.Time, int) ([]reconcile.Pending, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	return nil, errors.New("the disk is full")
}

func TestASickLedgerIsNotAskedInAHotLoop(t *testing.T) {
	w := newWorld(t)
	sick := &sickOutbox{Ledger: w.ledger}
	w.run(func(o *notify.SenderOptions) { o.Outbox = sick })
	w.wait("logged", func() bool { return strings.Count(w.logs.String(), "outbox cannot be read") > 5 })
	begun := time.Now()
	reads := func() int { sick.mu.Lock(); defer sick.mu.Unlock(); return sick.reads }
	before := reads()
	w.wait("five more reads", func() bool { return reads() >= before+5 })
	if took := time.Since(begun); took < 60*time.Millisecond {
		t.Errorf("five reads in %s, want one each 20 ms", took)
	}
}
