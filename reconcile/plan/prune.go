package plan

import (
	"fmt"
	"sort"
	"strings"

	"rondo.dev/rondo/render"
)

// prunes plans the end of what the inventory has and the bundle lacks: last
// stage first, and inside a stage in reverse.
func (c *computation) prunes(b render.Bundle) []Change {
	if c.inventory.Broken != "" {
		return []Change{{
			Action: Skip, ID: render.ID{Kind: "Inventory", Namespace: c.Target.Namespace, Name: c.Target.App},
			Reason: "nothing is pruned: " + c.inventory.Broken,
		}}
	}
	wanted := make(map[render.ID]bool, len(b.Objects))
	for _, o := range b.Objects {
		wanted[o.ID] = true
	}
	var gone []Entry
	for _, e := range c.inventory.Entries {
		if !wanted[e.ID] {
			gone = append(gone, e)
		}
	}
	sort.SliceStable(gone, func(i, j int) bool {
		a, b := gone[i].ID, gone[j].ID
		if s, t := render.StageOf(a.Group, a.Kind), render.StageOf(b.Group, b.Kind); s != t {
			return s > t
		}
		return b.Less(a)
	})
	changes := make([]Change, 0, len(gone))
	for _, e := range gone {
		changes = append(changes, c.prune(e))
	}
	return changes
}

// prune plans the end of one entry.
func (c *computation) prune(e Entry) Change {
	out := Change{Action: Prune, ID: e.ID, Version: e.Version, UID: e.Mark.UID, Reason: "gone from git"}
	if c.Removal {
		out.Reason = "application removed"
	}
	found, read := c.live.Objects[e.ID]
	keep := func(reason string, forget bool) Change {
		out.Action, out.Reason, out.Forget = Skip, reason, forget
		return out
	}
	held := e.Group != "" || e.Keep
	read = read && !found.Unseen
	switch owner := label(found.Body, render.LabelApp); {
	case !read && e.Digest == "" && e.Orphaned == 0 && len(e.Keys) == 0:
		return keep("announced but never applied, and not read now", false)
	case !read && e.NoPrune:
		return keep("kept: annotated "+render.AnnotationPrune+": disabled", c.Removal)
	case !read && e.Command:
		return keep("kept: it may still run, and was not read", false)
	case !read && !held:
		return out
	case read && !found.Exists:
		return keep("already gone", true)
	case read && owner == "":
		return keep("taken over: it bears no label "+render.LabelApp+" any more", true)
	case read && owner != c.Target.App:
		return keep("taken over by "+owner, true)
	case e.NoPrune, render.Object{Body: found.Body}.Annotations()[render.AnnotationPrune] == "disabled":
		return keep("kept: annotated "+render.AnnotationPrune+": disabled", c.Removal)
	}
	if read {
		out.UID = uid(found.Body)
	}
	switch {
	case e.Group != "":
		return c.orphan(out, e)
	case e.Keep:
		return keep("kept: it holds data", c.Removal)
	case e.Command:
		return c.spent(out, found)
	}
	return out
}

// workload reports whether an object runs pods.
func workload(id render.ID) bool {
	switch id.Group + "/" + id.Kind {
	case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet",
		"batch/Job", "batch/CronJob", "/Pod", "/ReplicationController":
		return true
	}
	return false
}

// precious reports whether an object's end takes data or other objects with it.
func precious(id render.ID) bool {
	switch id.Group + "/" + id.Kind {
	case "/Namespace", "apiextensions.k8s.io/CustomResourceDefinition", "/PersistentVolumeClaim", "apps/StatefulSet", "postgresql.cnpg.io/Cluster":
		return true
	}
	return false
}

// plural is the word for n things.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// list names the first few identities.
func list(ids []render.ID, limit int) string {
	var names []string
	for i, id := range ids {
		if i == limit {
			names = append(names, fmt.Sprintf("and %d more", len(ids)-limit))
			break
		}
		names = append(names, id.String())
	}
	return strings.Join(names, ", ")
}
