package daemon_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
)

// Every beginning of a rondo.yaml is one that a full disk or a careless editor
// may leave. Each is refused, or orphans; none deletes.
func TestATruncatedConfigurationDeletesNothing(t *testing.T) {
	w := newWorld(t, settings{})
	other := w.beside()
	whole, err := os.ReadFile(w.Config)
	if err != nil {
		t.Fatal(err)
	}
	// The applications are sorted to the front; at the end they are the first to be lost.
	start := bytes.Index(whole, []byte("applications:"))
	end := start + bytes.Index(whole[start:], []byte("\ndata:")) + 1
	file := slices.Concat(whole[:start], whole[end:], whole[start:end])
	before, from := append(w.objects(), other.objects()...), time.Now()
	refused, orphaned := 0, 0
	for n := range len(file) {
		if n%23 != 0 && (n < len(file)-500 || n%3 != 0) {
			continue // the end is where it matters
		}
		if err := os.WriteFile(w.Config, file[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if w.Daemon().Reload(context.WithoutCancel(t.Context())) != nil {
			refused++
		} else if other.state().Orphaned {
			orphaned++
		}
	}
	if refused == 0 || orphaned == 0 {
		t.Errorf("%d beginnings were refused, %d orphaned; the test shows nothing", refused, orphaned)
	}
	if err := os.WriteFile(w.Config, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := w.Daemon().Reload(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	w.settlesLater(w.push(plainly("web", "again")), reconcile.Live)
	other.settlesLater(other.push(plainly("api", "again")), reconcile.Live)
	if other.state().Orphaned {
		t.Error("it is still orphaned")
	}
	if after := append(w.objects(), other.objects()...); !slices.Equal(after, before) {
		t.Errorf("the objects went from\n%v to\n%v", before, after)
	}
	for _, write := range w.writes(from) {
		if strings.HasPrefix(write, "delete") {
			t.Errorf("the API server saw %s", write)
		}
	}
}

func TestABadConfigurationLeavesTheOldOneInForce(t *testing.T) {
	w := newWorld(t, settings{})
	w.settles(w.push(plainly("web", "hello")), reconcile.Live)
	good, err := os.ReadFile(w.Config)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"an unknown key":    string(good) + "aplications: []\n",
		"no YAML":           string(good) + "}\n",
		"an empty file":     "",
		"a missing secret":  strings.Replace(string(good), "webhook_secret_file", "#", 1),
		"a token that went": strings.Replace(string(good), "/operator", "/nobody", 1),
	} {
		if err := os.WriteFile(w.Config, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		err := w.Daemon().Reload(t.Context())
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
		t.Logf("%s: %v", name, err)
	}
	w.overtakes("hello")
	w.settles(w.push(plainly("web", "hi")), reconcile.Live)
}

func TestOneInvalidApplicationDoesNotStopTheOthers(t *testing.T) {
	w := newWorld(t, settings{})
	other := w.beside()
	invalid := other.entry(map[string]any{"ref": "no..ref"})
	before := other.objects()
	w.reload(w.entry(nil), invalid)
	got := other.state()
	if got.Orphaned || !strings.Contains(got.Invalid, "no..ref") || !strings.Contains(got.Invalid, "rondo.yaml:") {
		t.Errorf("the API shows orphaned %t, invalid %q", got.Orphaned, got.Invalid)
	}
	if _, err := w.API().Do(t.Context(), other.app, "remove", client.Action{Confirm: other.app}); err == nil {
		t.Error("an invalid application may be removed")
	}
	w.settles(w.push(plainly("web", "hi")), reconcile.Live)
	if after := other.objects(); !slices.Equal(after, before) {
		t.Errorf("the objects of the invalid one went from\n%v to\n%v", before, after)
	}
	missed := other.commit(plainly("api", "hi"))
	w.reload(w.entry(nil), other.entry(nil))
	other.settlesLater(missed, reconcile.Live)
}
