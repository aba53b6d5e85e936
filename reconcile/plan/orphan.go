package plan

import (
	"time"

	"rondo.dev/rondo/render"
)

// OrphanGrace is how long the pods of orphaned data go on (spec 3.7).
const OrphanGrace = 7 * 24 * time.Hour

// Stoppable reports whether an orphan of this kind has pods to be stopped.
func Stoppable(id render.ID) bool {
	switch id.Group + "/" + id.Kind {
	case "apps/StatefulSet", "apps/Deployment", "batch/CronJob", "postgresql.cnpg.io/Cluster":
		return true
	}
	return false
}

// orphan plans what becomes of an object of a data group that left the bundle:
// it is labelled and kept, and its pods are stopped after a grace. It is never
// deleted; where the whole application goes, its pods are stopped at once.
func (c *computation) orphan(out Change, e Entry) Change {
	out.Action, out.Group, out.Since = Orphan, e.Group, e.Orphaned
	first := e.Orphaned == 0
	if first {
		out.Since = max(1, c.Now.Unix()) // never 0, which says that it is in use
	}
	since := time.Unix(out.Since, 0).UTC()
	stops := since.Add(OrphanGrace)
	due := Stoppable(e.ID) && !e.Stopped && (c.Removal || !c.Now.IsZero() && !c.Now.Before(stops))
	out.Stop, out.Forget = due, c.Removal
	data := "data of " + e.Group
	switch {
	case c.Removal:
		out.Reason = "kept: " + data + "; delete it by hand when it may go"
		if !first && !due {
			out.Action = Skip
		}
	case due:
		out.Reason = data + ", stopped 7 days after it left git; kept"
	case first && Stoppable(e.ID):
		out.Reason = data + ", kept; stops on " + stops.Format(time.DateOnly) + " unless it is declared again"
	case first:
		out.Reason = data + ", kept until it is declared again"
	default:
		out.Action = Skip
		out.Reason = "kept: " + data + ", orphaned since " + since.Format(time.DateOnly)
	}
	return out
}
