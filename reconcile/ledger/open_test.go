package ledger

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"rondo.dev/rondo/reconcile"
)

func contains(err error, want string) bool { return err != nil && strings.Contains(err.Error(), want) }

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.db")
	must(t, os.WriteFile(junk, []byte(strings.Repeat("no database at all ", 100)), 0o600))
	for name, tc := range map[string]struct{ url, want string }{
		"PostgreSQL comes later":       {"postgres://rondo:canary@db/rondo", "PostgreSQL comes later; use store: sqlite:///"},
		"also by its other name":       {"postgresql://rondo:canary@db/rondo", "PostgreSQL comes later"},
		"an unknown kind":              {"mysql://rondo:canary@db/rondo", "not a sqlite URL"},
		"no URL":                       {"", "not a sqlite URL"},
		"memory":                       {"sqlite://:memory:", "would forget acknowledged deliveries"},
		"a relative path":              {"sqlite://rondo.db", "absolute path"},
		"a folder":                     {"sqlite:///var/lib/rondo/", "absolute path of a file"},
		"options":                      {"sqlite:///var/lib/rondo.db?mode=memory", "no options"},
		"a folder that does not exist": {"sqlite://" + dir + "/missing/rondo.db", "folder " + dir + "/missing does not exist"},
		"a file that is no ledger":     {"sqlite://" + junk, "damaged or no ledger"},
		"a folder in place of a file":  {"sqlite://" + dir, "cannot be opened"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Open(t.Context(), Options{URL: tc.url, Key: testKey})
			if err == nil {
				t.Fatal("opened", l.Close())
			}
			if !contains(err, tc.want) || contains(err, "canary") {
				t.Errorf("got %q, want %q in it and no password", err, tc.want)
			}
		})
	}
}

func TestOddPathsAreTakenAsTheyAre(t *testing.T) {
	o, _ := options(t)
	path := filepath.Join(t.TempDir(), "a b%20c&d=é.db")
	o.URL = "sqlite://" + path
	open(t, o)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestAReadOnlyPlaceIsTold(t *testing.T) {
	root := os.Getuid() == 0
	dir, err := os.MkdirTemp("", "ledger")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	exe, err := os.Executable()
	must(t, err)
	if root { // whom modes do not bind: another user tries, with a copy it can reach
		copied := filepath.Join(dir, "test")
		from, err := os.Open(exe)
		must(t, err)
		defer func() { _ = from.Close() }()
		to, err := os.OpenFile(copied, os.O_CREATE|os.O_WRONLY, 0o755)
		must(t, err)
		_, err = io.Copy(to, from)
		must(t, err)
		must(t, to.Close())
		exe = copied
	}
	there := filepath.Join(dir, "there.db")
	l, err := Open(t.Context(), Options{URL: "sqlite://" + there, Key: testKey})
	must(t, err)
	must(t, l.Close())
	must(t, os.Chmod(there, 0o444))
	must(t, os.Chmod(dir, 0o555))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	for name, tc := range map[string]struct{ path, want string }{
		"an existing file": {there, "read-only; make both writable"},
		"a new file":       {filepath.Join(dir, "new.db"), "permission denied"},
	} {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), envReadOnly+"="+tc.path)
		if root {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), tc.want) || !strings.Contains(string(out), tc.path) {
			t.Errorf("%s: %v, got %q, want %q and the path in it", name, err, out, tc.want)
		}
	}
}

func TestTwoProcessesMayOpenANewLedgerAtOnce(t *testing.T) {
	o, c := options(t)
	var g errgroup.Group
	for _, id := range []string{"one", "two", "three"} {
		g.Go(func() error {
			l, err := Open(t.Context(), o)
			if err != nil {
				return err
			}
			if _, err := l.Deliver(t.Context(), push(id, c.now())); err != nil {
				return err
			}
			return l.Close()
		})
	}
	must(t, g.Wait())
	all, err := open(t, o).Unhandled(t.Context())
	must(t, err)
	if len(all) != 3 {
		t.Errorf("%d of 3 deliveries are there", len(all))
	}
}

func TestALedgerOfANewerRondoIsRefused(t *testing.T) {
	o, _ := options(t)
	l, err := Open(t.Context(), o)
	must(t, err)
	must(t, l.exec(t.Context(), "test", `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, TRUE)`))
	must(t, l.Close())
	if _, err := Open(t.Context(), o); !contains(err, "schema 99 is of a newer rondo") {
		t.Errorf("got %v", err)
	}
}

func TestAcknowledgedMeansOnDisk(t *testing.T) {
	l, _ := fresh(t)
	must(t, l.Ping(t.Context()))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000"} {
		var got string
		must(t, l.writer.QueryRow("PRAGMA "+pragma).Scan(&got))
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
	if _, err := l.reader.Exec(`DELETE FROM meta`); err == nil {
		t.Error("a reading connection can write")
	}
}

func TestMetricsTellTimeErrorsAndDepth(t *testing.T) {
	o, _ := options(t)
	reg := prometheus.NewPedanticRegistry()
	o.Registerer = reg
	l, err := Open(t.Context(), o)
	must(t, err)
	second := o
	second.URL += "2"
	if _, err := Open(t.Context(), second); !contains(err, "register metrics") {
		t.Errorf("a second ledger on one registry: %v", err)
	}
	r := begin(t, l, result("shop", main1))
	must(t, l.Record(t.Context(), r, reconcile.State{App: "shop"}, []reconcile.Message{status("pending", "applying")}))
	must(t, l.exec(t.Context(), "test", `DELETE FROM counters`))
	if _, err := l.Begin(t.Context(), r); err == nil {
		t.Error("a pass began without a number")
	}
	families, err := reg.Gather()
	must(t, err)
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			switch name := f.GetName(); name {
			case "rondo_ledger_outbox_messages":
				got[name] = m.Gauge.GetValue()
			case "rondo_ledger_errors_total":
				got[name+" "+m.Label[0].GetValue()] = m.Counter.GetValue()
			default:
				got[name+" "+m.Label[0].GetValue()] = float64(m.Histogram.GetSampleCount())
			}
		}
	}
	delete(got, "rondo_ledger_seconds outbox_depth") // counted by the scrape itself
	want := map[string]float64{
		"rondo_ledger_outbox_messages": 1, "rondo_ledger_errors_total begin": 1,
		"rondo_ledger_seconds begin": 2, "rondo_ledger_seconds record": 1, "rondo_ledger_seconds test": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	must(t, l.Close())
	if err := l.Ping(t.Context()); err == nil {
		t.Error("a closed ledger answers")
	}
	if left, err := reg.Gather(); err != nil || len(left) != 0 {
		t.Errorf("%d metrics are left after Close, %v", len(left), err)
	}
}
