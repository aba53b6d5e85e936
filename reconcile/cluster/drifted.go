package cluster

import (
	"sort"

	"rondo.dev/rondo/render"
)

// Drifted lists the objects of an application that are known not to be as they
// were applied: for a moment before they are put back, and as long as healing
// is paused or given up. Paused says that its inventory is annotated so.
func (c *Cluster) Drifted(name string) (ids []render.ID, paused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.apps[name]
	if a == nil {
		return nil, false
	}
	for _, o := range a.objects {
		if o.drift != nil && o.judge() != fine {
			ids = append(ids, o.id)
		}
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i].Less(ids[j]) })
	return ids, a.paused
}
