package ledger

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/sources"
)

// The test binary runs itself again where a test needs a process to kill, or
// one without root's rights.
const (
	envCrash    = "RONDO_TEST_LEDGER_CRASH"
	envReadOnly = "RONDO_TEST_LEDGER_READONLY"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(envCrash) != "":
		if err := writeUntilKilled(os.Getenv(envCrash)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	case os.Getenv(envReadOnly) != "":
		_, err := Open(context.Background(), Options{URL: "sqlite://" + os.Getenv(envReadOnly), Key: testKey})
		fmt.Println(err)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var (
	testKey = []byte("0123456789abcdef0123456789abcdef")
	shop    = sources.Repo{URL: "https://github.com/acme/shop"}
	main1   = sources.Revision{Ref: "main", Hash: "1111111111111111111111111111111111111111"}
	main2   = sources.Revision{Ref: "main", Hash: "2222222222222222222222222222222222222222"}
)

// clock is a time that only the test moves.
type clock struct{ micros atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.micros.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.micros.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

func options(t testing.TB) (Options, *clock) {
	t.Helper()
	c := newClock()
	return Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "rondo.db"), Key: testKey, Now: c.now}, c
}

func open(t testing.TB, o Options) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func fresh(t testing.TB) (*Ledger, *clock) {
	t.Helper()
	o, c := options(t)
	return open(t, o), c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func result(app string, rev sources.Revision) reconcile.Result {
	return reconcile.Result{
		App:      reconcile.Application{Name: app, Repo: shop, Ref: "main", Environment: "production"},
		Trigger:  reconcile.TriggerPush,
		Revision: rev,
		Started:  time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
	}
}

func begin(t testing.TB, l *Ledger, r reconcile.Result) reconcile.Result {
	t.Helper()
	pass, err := l.Begin(t.Context(), r)
	must(t, err)
	r.Pass = pass
	return r
}

func status(state, description string) reconcile.Message {
	return reconcile.Message{Kind: "status", Repo: shop, Commit: main1.Hash, Context: "rondo/shop/production/deploy",
		State: state, Description: description, App: "shop", Pass: 1}
}
