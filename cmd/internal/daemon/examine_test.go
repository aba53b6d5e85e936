package daemon_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/ledger"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// judge checks what each commit was told.
func (w *apart) judge(order []string, pushed map[string]kind) {
	w.t.Helper()
	told := map[string][]string{} // per commit and context, in order
	for _, s := range w.GitHub.Statuses() {
		key := s.Commit + " " + s.Context[strings.LastIndex(s.Context, "/")+1:]
		text := s.State + ": " + s.Description
		if before := told[key]; len(before) > 0 {
			switch newest := before[len(before)-1]; {
			case newest == text:
				w.t.Errorf("%s was told twice: %s", key, text)
			case !strings.HasPrefix(newest, "pending"):
				w.t.Errorf("%s was told %q after its end %q", key, text, newest)
			}
		}
		told[key] = append(told[key], text)
	}
	for i, commit := range order {
		deploy := told[commit+" deploy"]
		if len(deploy) == 0 {
			if i == len(order)-1 {
				w.t.Errorf("the last commit was told nothing")
			}
			continue
		}
		end := deploy[len(deploy)-1]
		superseded := strings.HasPrefix(end, "success: superseded by ")
		if superseded {
			by := strings.TrimPrefix(end, "success: superseded by main@sha1:")
			by, _, _ = strings.Cut(strings.TrimPrefix(by, "success: superseded by "), ",")
			if !slices.ContainsFunc(order[i+1:], func(later string) bool { return strings.HasPrefix(later, by) }) {
				w.t.Errorf("commit %d: superseded by an older one: %s", i, end)
			}
		}
		want := map[kind]string{good: "success: live", unready: "success: superseded by ", invalid: "failure: not deployed: "}[pushed[commit]]
		if !superseded && !strings.HasPrefix(end, want) || superseded && i == len(order)-1 {
			w.t.Errorf("commit %d of %d, of kind %d, ended with %q", i, len(order), pushed[commit], deploy)
		}
		if manifest := told[commit+" manifest"]; len(manifest) != 1 ||
			!strings.HasPrefix(manifest[0], "success: not read: superseded by ") && strings.HasPrefix(manifest[0], "failure") != (pushed[commit] == invalid) {
			w.t.Errorf("commit %d, of kind %d: manifest was told %q", i, pushed[commit], manifest)
		}
	}
}

// examine checks the ledger that a stopped daemon left.
func (w *apart) examine(order []string, acknowledged int) {
	w.t.Helper()
	path := filepath.Join(filepath.Dir(w.Config), "rondo.db")
	l, err := ledger.Open(w.t.Context(), ledger.Options{URL: "sqlite://" + path, Key: w.key("ledger")})
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	open, err := l.OpenPasses(w.t.Context())
	if err != nil || len(open) > 0 {
		w.t.Errorf("open passes: %v, %v", open, err)
	}
	waiting, err := l.Unhandled(w.t.Context())
	if err != nil || len(waiting) > 0 {
		w.t.Errorf("unhandled deliveries: %v, %v", waiting, err)
	}
	if n, err := l.OutboxDepth(w.t.Context()); err != nil || n > 0 {
		w.t.Errorf("%d messages in the outbox, %v", n, err)
	}
	passes, err := l.Passes(w.t.Context(), w.app, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range passes {
		if _, ok := w.StatusOf(p.Revision.Hash, "deploy"); !ok && !p.Revision.IsZero() {
			w.t.Errorf("pass %d of commit %d is not told", p.Pass, slices.Index(order, p.Revision.Hash))
		}
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		w.t.Errorf("integrity: %s, %v", verdict, err)
	}
	if handled, waiting := w.deliveries(); handled < acknowledged || waiting > 0 {
		w.t.Errorf("%d deliveries handled of %d acknowledged, %d waiting", handled, acknowledged, waiting)
	}
}

// deliveries counts them in the ledger.
func (w *apart) deliveries() (handled, waiting int) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(filepath.Dir(w.Config), "rondo.db")+"?_pragma=query_only(1)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(`SELECT COUNT(*) FILTER (WHERE status = 'handled'), COUNT(*) FILTER (WHERE status = 'pending') FROM deliveries`).
		Scan(&handled, &waiting); err != nil {
		w.t.Fatal(err)
	}
	return handled, waiting
}

// collections are where an application's objects are.
var collections = []string{configMaps, secrets, services, deployments, ingresses, "/apis/policy/v1/namespaces/%s/poddisruptionbudgets"}

// list gives everything that bears the application's label.
func (w *apart) list(see func(collection string, o unstructured.Unstructured)) {
	w.t.Helper()
	for _, collection := range collections {
		raw, err := w.kube.Discovery().RESTClient().Get().AbsPath(fmt.Sprintf(collection, w.ns)).
			Param("labelSelector", render.LabelApp+"="+w.app).DoRaw(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		var list struct{ Items []map[string]any }
		if err := json.Unmarshal(raw, &list); err != nil {
			w.t.Fatal(err)
		}
		for _, item := range list.Items {
			see(collection, unstructured.Unstructured{Object: item})
		}
	}
}

// snapshot is what the application's objects say, without what differs from
// one run to the next, and which of their fields rondo holds.
func (w *apart) snapshot() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	inventories := 0
	w.list(func(collection string, o unstructured.Unstructured) {
		if strings.HasPrefix(o.GetName(), "rondo-inventory") {
			inventories++
			return
		}
		id := fmt.Sprintf(collection, w.ns) + "/" + o.GetName()
		var held []string
		for _, m := range o.GetManagedFields() {
			// Without rondo-seed: a crash between an object's creation and its
			// count leaves the API server's default, which nobody holds.
			if m.Manager == plan.Manager {
				held = append(held, fmt.Sprintf("%s %s %s", m.Manager, m.Operation, m.FieldsV1.GetRawString()))
			}
		}
		slices.Sort(held)
		annotations := o.GetAnnotations()
		delete(annotations, "deployment.kubernetes.io/revision")
		kept := map[string]any{"labels": o.GetLabels(), "annotations": annotations, "managed": held}
		for key, value := range o.Object {
			if key != "metadata" && key != "status" {
				kept[key] = value
			}
		}
		if spec, ok := kept["spec"].(map[string]any); ok {
			delete(spec, "clusterIP")
			delete(spec, "clusterIPs")
		}
		text, err := json.MarshalIndent(kept, "", "  ")
		if err != nil {
			w.t.Fatal(err)
		}
		all[id] = string(text)
	})
	if inventories != 1 {
		w.t.Errorf("%d inventories", inventories)
	}
	return all
}

// forget removes the application from the cluster and all that daemons knew.
func (w *apart) forget() {
	w.t.Helper()
	w.list(func(collection string, o unstructured.Unstructured) { w.delete(collection, o.GetName()) })
	kubetest.Eventually(w.t, func() (err error) {
		w.list(func(_ string, o unstructured.Unstructured) { err = fmt.Errorf("%s is still there", o.GetName()) })
		return err
	})
	dir := filepath.Dir(w.Config)
	old, err := filepath.Glob(filepath.Join(dir, "rondo.db*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, path := range append(old, filepath.Join(dir, "mirrors")) {
		if err := os.RemoveAll(path); err != nil {
			w.t.Fatal(err)
		}
	}
}

// holds waits until the cluster is as a daemon without a history makes it.
func (w *apart) holds(want map[string]string) {
	w.t.Helper()
	kubetest.Eventually(w.t, func() error {
		now := w.snapshot()
		for _, id := range slices.Sorted(maps.Keys(now)) {
			if now[id] != want[id] {
				return fmt.Errorf("%s is\n%s\nwant\n%s", id, now[id], want[id])
			}
		}
		if len(now) != len(want) {
			return fmt.Errorf("%d objects, want %d", len(now), len(want))
		}
		return nil
	})
}

// everythingHandled waits until the daemon, which runs, has dealt with every
// delivery: one can come while the pass that a restart began is bringing its
// commit live already.
func (w *apart) everythingHandled() {
	w.t.Helper()
	path := filepath.Join(filepath.Dir(w.Config), "rondo.db")
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	kubetest.Eventually(w.t, func() error {
		var n int
		if err := db.QueryRowContext(w.t.Context(), "SELECT count(*) FROM deliveries WHERE status = 'pending'").Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%d deliveries wait", n)
		}
		return nil
	})
}
