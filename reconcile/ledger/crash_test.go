package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"rondo.dev/rondo/reconcile"
)

// writeUntilKilled is the child of the test below: it writes from several
// goroutines and prints what was acknowledged, one line each.
func writeUntilKilled(url string) error {
	l, err := Open(context.Background(), Options{URL: url, Key: testKey})
	if err != nil {
		return err
	}
	run := os.Getpid() // so that ids differ between children
	g, ctx := errgroup.WithContext(context.Background())
	for w := range 4 {
		g.Go(func() error {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", run, w, i)
				if fresh, err := l.Deliver(ctx, Delivery{ID: id, Forge: "github", Event: "push", Repo: shop}); err != nil || !fresh {
					return fmt.Errorf("delivery %s: fresh %t, %w", id, fresh, err)
				}
				fmt.Println("delivery", id)
				r := result("app-"+id, main1)
				if r.Pass, err = l.Begin(ctx, r); err != nil {
					return err
				}
				fmt.Println("pass", r.Pass)
				if err := l.Artifact(ctx, r.App.Name, artifact(secret(id)), false); err != nil {
					return err
				}
				fmt.Println("artifact", r.App.Name)
				m := status("success", "live")
				m.Context = id
				if err := l.Record(ctx, r, reconcile.State{App: r.App.Name}, []reconcile.Message{m}); err != nil {
					return err
				}
				fmt.Println("message", id)
			}
		})
	}
	return g.Wait()
}

func TestKillingTheProcessLosesNothingAcknowledged(t *testing.T) {
	o, _ := options(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	var acknowledged []string
	for range 10 {
		before := len(acknowledged)
		exe, err := os.Executable()
		must(t, err)
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), envCrash+"="+o.URL)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for left := 1 + random.IntN(300); lines.Scan(); left-- {
			acknowledged = append(acknowledged, lines.Text())
			if left == 0 {
				must(t, cmd.Process.Kill()) // what is still in the pipe was acknowledged as well
			}
		}
		if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("the child ended by itself: %v", err)
		}

		l, err := Open(t.Context(), o)
		must(t, err)
		var check string
		must(t, l.writer.QueryRow(`PRAGMA integrity_check`).Scan(&check))
		if check != "ok" {
			t.Fatalf("integrity_check says %s", check)
		}
		search(t, l, acknowledged[before:])
		must(t, l.Close())
	}
	search(t, open(t, o), acknowledged) // the later kills did no harm either
	t.Logf("%d acknowledged writes are all there", len(acknowledged))
}

// search looks for what the lines of the children acknowledged.
func search(t *testing.T, l *Ledger, lines []string) {
	t.Helper()
	queries := map[string]string{
		"delivery": `SELECT COUNT(*) FROM deliveries WHERE status = 'pending' AND id = $1`,
		"pass":     `SELECT COUNT(*) FROM passes WHERE pass = $1`,
		"artifact": `SELECT COUNT(*) FROM artifacts WHERE app = $1`,
		"message":  `SELECT COUNT(*) FROM outbox WHERE context = $1`,
	}
	for _, line := range lines {
		what, id, _ := strings.Cut(line, " ")
		if queries[what] == "" {
			t.Fatalf("a child printed %q", line)
		}
		var n int
		must(t, l.reader.QueryRow(queries[what], id).Scan(&n))
		if n != 1 {
			t.Errorf("acknowledged and lost: %s", line)
		}
	}
}
