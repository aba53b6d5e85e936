package plan

import (
	"fmt"
	"sort"

	"rondo.dev/rondo/render"
)

// guard says why a plan must be held for what it deletes, and how to release
// it; empty when it may go on (design 7). applied is the size of the inventory.
func guard(b render.Bundle, prunes []Change, applied int, app string) string {
	var gone []render.ID
	lost, workloads := 0, 0
	for _, c := range prunes {
		if c.Action != Prune || c.Spent {
			continue
		}
		gone = append(gone, c.ID)
		if precious(c.ID) {
			lost++
		}
		if workload(c.ID) {
			workloads++
		}
	}
	lastWorkload := workloads > 0
	for _, o := range b.Objects {
		lastWorkload = lastWorkload && !workload(o.ID)
	}
	var why string
	switch {
	case lost > 0:
		why = " and what is in them"
	case lastWorkload:
		why = ", the last workload among them"
	case len(gone) > 3 && 5*len(gone) > applied:
	default:
		return ""
	}
	// What hurts most is named first.
	sort.SliceStable(gone, func(i, j int) bool { return rank(gone[i]) > rank(gone[j]) })
	// A commit status holds 140 characters: how to release comes before the names.
	return fmt.Sprintf("would delete %d of %d %s%s; allow by trailer %q or rondo sync --allow-prune %s; it concerns %s",
		len(gone), applied, plural(applied, "object", "objects"), why, pruneTrailer+": allow", app, list(gone, 3))
}

func rank(id render.ID) int {
	switch {
	case precious(id):
		return 2
	case workload(id):
		return 1
	}
	return 0
}
