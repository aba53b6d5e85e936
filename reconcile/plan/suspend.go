package plan

import (
	"slices"

	"rondo.dev/rondo/render"
)

// Resume plans what puts the CronJobs back that a deployment has suspended: each
// is applied as b has it.
func Resume(b render.Bundle, live Live, o Options) Plan {
	b.Objects = slices.DeleteFunc(slices.Clone(b.Objects), func(object render.Object) bool {
		entry, _ := live.Inventory.Find(object.ID)
		return !entry.Suspended
	})
	entries := live.Inventory.Entries
	live.Inventory.Entries = slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool {
		_, wanted := b.Find(e.ID)
		return !wanted
	})
	p := Compute(b, live, o)
	p.Inventory.Entries = entries
	return p
}

// suspend marks the CronJobs that a deployment suspends until its end (spec
// 2.17): those that ask for it and are there, when anything else is written or a
// deployment that was cut short has suspended them already.
func (c *computation) suspend(changes []Change) {
	var jobs []int
	others := false
	for i, change := range changes {
		if c.suspendable(change) {
			jobs = append(jobs, i)
		} else {
			others = others || change.Action != Unchanged && change.Action != Skip
		}
	}
	for _, i := range jobs {
		change := &changes[i]
		if entry, _ := c.entry(change.ID); others || entry.Suspended {
			change.Action, change.Reason, change.Suspend, change.Remember = Configure, "suspended until the deployment has ended", true, false
		}
	}
}

func (c *computation) suspendable(change Change) bool {
	o := change.Object
	if o.ID.Group != "batch" || o.ID.Kind != "CronJob" || o.Annotations()[render.AnnotationPauseDuringDeploy] != "true" {
		return false
	}
	spec, _ := o.Body["spec"].(map[string]any)
	found, read := c.live.Objects[change.ID]
	return spec["suspend"] != true && !c.live.Drifts[change.ID].Missing && (!read || found.Exists)
}
