package cluster

import (
	"fmt"
	"runtime"
	"testing"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// TestMemoryOfOneObjectIsWellUnderAKiB fills the maps as watches and inventories
// do: with strings of their own for every object.
func TestMemoryOfOneObjectIsWellUnderAKiB(t *testing.T) {
	const apps, each = 2000, 5
	c := &Cluster{o: Options{}, apps: map[string]*app{}, objects: map[render.ID]*object{}, watchers: map[watchKey]*watcher{}}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range apps {
		target := plan.Target{App: fmt.Sprintf("app-%d", i), Namespace: fmt.Sprintf("app-%d-production", i), ServiceAccount: "deployer"}
		for j := range each {
			id := render.ID{Group: "apps", Kind: "Deployment", Namespace: fmt.Sprintf("app-%d-production", i), Name: fmt.Sprintf("web-%d", j)}
			mark := func() plan.Mark {
				return plan.Mark{UID: fmt.Sprintf("%032d-%04d", i, j), Fields: fmt.Sprintf("%024d", i), Generation: 1,
					Version: fmt.Sprint(1000000 + i*each + j), Values: fmt.Sprintf("%016d", i)}
			}
			c.mu.Lock()
			a := c.app(target)
			c.record(a, id, fmt.Sprintf("v%d", 1), mark())
			seen := mark()
			seen.Values = ""
			c.see(id, sight{mark: seen, app: a.target.App, replicas: 2, status: "Current", message: "2 of 2 pods available"})
			c.mu.Unlock()
		}
	}
	per := (heap() - before) / (apps * each)
	t.Logf("%d bytes per object", per)
	if per > 800 {
		t.Errorf("%d bytes per object", per)
	}
	runtime.KeepAlive(c)
}
