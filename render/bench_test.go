package render_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/workload"
)

// twelve is a manifest of twelve services with everything that services may have.
func twelve() string {
	var b strings.Builder
	b.WriteString("environment_variables:\n  DOMAIN: shop.example.org\n")
	for i := range 40 {
		fmt.Fprintf(&b, "  SETTING_%d: value of setting %d\n", i, i)
	}
	b.WriteString("services:\n")
	for i := range 12 {
		fmt.Fprintf(&b, `  service-%d:
    image: registry.example.org/shop/service-%d:1.2.%d
    command: bin/serve --port 8000
    ports: [{ container: 8000, http: 80 }, 9102]
    traffic_matches: ["s%d._env(DOMAIN)"]
    tags: ["team=web"]
    annotations: { example.org/owner: web }
    stop_grace: 40s
    env_vars:
      OWN: "%d"
      URL: "https://_env(DOMAIN)/"
      NODE: "$(SERVER_NAME)"
    health:
      ready: { endpoint: /up }
      alive: { type: tcp, failure_threshold: 3 }
    constraints:
      resources: { requests: { cpu: 100m, memory: 128M }, limits: { memory: 256M } }
      min_count: 2
      max_count: 4
`, i, i, i, i, i)
	}
	return b.String()
}

// The bar: 5 ms and 3 MiB. Go collects garbage when the heap has doubled: in a
// program that does nothing else, as in alone, that is at every rendering, and
// the larger part of its time. A daemon of 100 applications has some 20 MB of
// its own, as the bundles that are held here.
func BenchmarkRender(b *testing.B) {
	in := shop
	in.Snapshot = commitOf(map[string]string{"manifest.yml": twelve()})
	rendered := func(b *testing.B) render.Bundle {
		bundle, err := render.Render(b.Context(), in, workload.Builder{})
		if err != nil {
			b.Fatal(err)
		}
		if len(bundle.Objects) != 12*6+2 {
			b.Fatalf("%d objects", len(bundle.Objects))
		}
		return bundle
	}
	b.Run("daemon", func(b *testing.B) {
		var held []render.Bundle
		for memory := new(runtime.MemStats); memory.HeapAlloc < 20<<20; runtime.ReadMemStats(memory) {
			held = append(held, rendered(b))
			runtime.GC()
		}
		b.ReportAllocs()
		for b.Loop() {
			rendered(b)
		}
		runtime.KeepAlive(held)
	})
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			rendered(b)
		}
	})
}
