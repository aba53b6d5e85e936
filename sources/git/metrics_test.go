package git_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/git"
	"rondo.dev/rondo/sources/gittest"
)

// gathered are all series with their values; of a histogram, the number of its observations.
func gathered(t *testing.T, r prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += fmt.Sprintf("{%s=%s}", l.GetName(), l.GetValue())
			}
			all[name] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func TestWhatIsCounted(t *testing.T) {
	srv := gittest.New(t)
	repo := srv.Repo("r")
	hash := repo.Commit(map[string]string{"f": "1"})
	registry := prometheus.NewRegistry()
	s := newStore(t, func(o *git.Options) { o.Registerer = registry })
	for _, ref := range []string{"main", "main", "missing"} {
		_, _ = s.Resolve(t.Context(), repoOf(t, repo), ref)
	}
	open(t, s, repo, "main", hash)
	open(t, s, repo, "main", hash) // there already
	repo.Remove()
	_, _ = s.Open(t.Context(), repoOf(t, repo), sources.Revision{Ref: "main", Hash: hash[1:] + "0"})
	got := gathered(t, registry)
	for name, want := range map[string]float64{
		"rondo_git_resolves_total{result=ok}":       2,
		"rondo_git_resolves_total{result=no_ref}":   1,
		"rondo_git_fetches_total{result=ok}":        1,
		"rondo_git_fetches_total{result=not_found}": 1,
		"rondo_git_fetch_seconds":                   2,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if b := got["rondo_git_fetched_bytes_total"]; b < 100 || b > 1000 {
		t.Errorf("fetched bytes: %v", b)
	}
	if _, err := git.New(git.Options{Dir: t.TempDir(), Registerer: registry}); err == nil {
		t.Error("two Stores share one registry without an error")
	}
}

func TestAHundredMirrorsCostLittleMemory(t *testing.T) {
	srv := gittest.New(t)
	template := srv.Repo("r0")
	files := map[string]string{}
	for i := range 300 {
		files[fmt.Sprintf("d%d/f%d", i%10, i)] = string(noise(500, uint32(i)))
	}
	hash := template.Commit(files)
	srv.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		r.URL.Path = r.URL.Path[strings.Index(r.URL.Path, "/r0"):]
		return false
	})
	s := newStore(t)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var before int64
	const n = 100
	for i := range n + 5 {
		if i == 5 { // buffers that are kept in any case
			before = heap()
		}
		// Every name leads to the same repository; to the Store they are different ones.
		at := sources.Repo{URL: fmt.Sprintf("%s/%d/r0", srv.URL(), i)}
		snap, err := s.Open(t.Context(), at, sources.Revision{Ref: "main", Hash: hash})
		if err != nil {
			t.Fatal(err)
		}
		wantFile(t, snap, "d1/f1", files["d1/f1"])
		snap.Close()
	}
	if grown := heap() - before; grown > n*20<<10 {
		t.Errorf("%d mirrors at rest take %d KiB", n, grown>>10)
	}
}
