package kustomize

import (
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"
)

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// used is the processor time of this process and of its ended children.
func used(t testing.TB) time.Duration {
	t.Helper()
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return sum
}

// BenchmarkOverlays renders 1,000 applications of 5 objects with an overlay each,
// from cold: the processor time of workers and their starts is in cpu-s, which
// must stay below 10.
func BenchmarkOverlays(b *testing.B) {
	for b.Loop() {
		before := used(b)
		builder := Builder{Inner: shop(), Workers: NewWorkers()}
		for i := range 1000 {
			_, problems := rendered(b, builder, input(repo(map[string]string{
				"manifest.yml":         "services: {}",
				overlay + root:         fmt.Sprintf("resources: [rondo-base, extra.yaml]\nlabels: [{pairs: {number: n%d}}]\npatches: [{path: patch.yaml}]\n", i),
				overlay + "extra.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\ndata: {a: b}\n",
				overlay + "patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, workingDir: /srv}]}}}\n",
			})))
			if problems != "" {
				b.Fatal(problems)
			}
		}
		if err := builder.Workers.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((used(b) - before).Seconds(), "cpu-s")
	}
}

// BenchmarkFirst is a build with a worker that has to be started, as rondo lint
// has it.
func BenchmarkFirst(b *testing.B) {
	for b.Loop() {
		w := NewWorkers()
		if _, err := w.build(b.Context(), small()); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
