package plan

import (
	"fmt"
	"strings"

	"rondo.dev/rondo/render"
)

// Compute plans what brings the cluster from live to b. It always gives a
// whole Plan; one with Held or Refused set must not be carried out.
//
// An object that was not read ([Live]) is unchanged when its digest is that of
// the inventory. One that was neither read nor ever applied is a fault of the
// caller and holds the plan: an answer that is missing is not the answer that
// nothing is there (threats T30).
func Compute(b render.Bundle, live Live, o Options) Plan {
	c := &computation{Options: o, live: live, inventory: live.Inventory}
	if c.inventory.Broken != "" {
		c.inventory.Entries = nil // not to be believed
	}
	p := Plan{
		Target: o.Target, Inventory: live.Inventory,
		Revision: o.Revision, Pass: o.Pass, Deployment: o.Deployment, WaveDeadline: o.WaveDeadline,
	}
	if o.Removal {
		b = render.Bundle{}
	}
	for _, object := range b.Objects {
		if change, ok := c.change(object); ok {
			change.Fresh = c.fresh(change)
			p.Changes = append(p.Changes, change)
		}
	}
	if o.Deployment {
		c.suspend(p.Changes)
	}
	prunes := c.prunes(b)
	p.Changes = append(p.Changes, prunes...)
	p.Refused = c.refused
	render.SortProblems(p.Refused)
	switch {
	case len(c.unread) > 0:
		p.Held = fmt.Sprintf("%s was not read from the cluster, so nothing can be said about it", c.unread[0])
	case o.Removal && c.inventory.Broken != "":
		p.Held = fmt.Sprintf("nothing can be removed: %s; delete what bears the label %s=%s by hand",
			c.inventory.Broken, render.LabelApp, o.Target.App)
	case !o.AllowPrune && !o.Removal:
		p.Held = guard(b, prunes, len(c.inventory.Entries), o.Target.App)
	}
	return p
}

// computation is the work sheet of one Compute.
type computation struct {
	Options
	live      Live
	inventory Inventory
	entries   map[render.ID]Entry
	refused   []render.Problem
	unread    []render.ID
}

func (c *computation) entry(id render.ID) (Entry, bool) {
	if c.entries == nil {
		c.entries = make(map[render.ID]Entry, len(c.inventory.Entries))
		for _, e := range c.inventory.Entries {
			c.entries[e.ID] = e
		}
	}
	e, ok := c.entries[id]
	return e, ok
}

func (c *computation) refuse(o render.Object, code, what, fix string) {
	c.refused = append(c.refused, render.Problem{Pos: o.Origin, Code: code, What: what, Fix: fix})
}

// change plans one object of the bundle; not ok when it is refused.
func (c *computation) change(object render.Object) (Change, bool) {
	object = Applied(object, c.Target.Ignore)
	entry, known := c.entry(object.ID)
	out := Change{
		Action: Unchanged, ID: object.ID, Origin: object.Origin, Object: &object,
		Digest: object.Digest(c.Key),
	}
	sameDigest := known && entry.Digest == out.Digest
	drift, drifted := c.live.Drifts[object.ID]
	found, read := c.live.Objects[object.ID]
	if owner := label(found.Body, render.LabelApp); found.Exists && owner != "" && owner != c.Target.App {
		c.refuse(object, "E-OBJECT-OWNED", fmt.Sprintf("%s belongs to application %s", object.ID, owner),
			"rename it here, or remove it from "+owner)
		return out, false
	}
	if account := object.Account(); c.live.NoAccounts[account] {
		c.refuse(object, "E-SA-MISSING", fmt.Sprintf("%s runs as the ServiceAccount %s, which namespace %s does not have", object.ID, account, c.Target.Namespace),
			"create it there, or change service_account_name")
		return out, false
	}
	switch {
	case object.Generate != nil:
		return c.generated(out, entry, known)
	case object.Copy != nil:
		return c.copied(out, entry, known)
	case object.Command && (found.Refused == "" || found.Exists && immutable(found.Refused)):
		return c.command(out, found, read, entry, known)
	case !read && drifted && drift.Missing:
		found = LiveObject{}
	case !read && sameDigest && !drifted:
		out.Remember = remembers(object, entry)
		return out, true
	case !read && (!known || entry.Digest == "" || releases(object, entry) && !sameDigest):
		c.unread = append(c.unread, object.ID)
		return out, true
	case !read:
		// Ours for certain, but nothing is known of its fields: apply it.
		out.Action = Configure
		if sameDigest {
			out.Action, out.Reason = Heal, "changed"
		}
		return out, true
	}
	if found.Refused != "" && !(isJob(object.ID) && found.Exists && immutable(found.Refused)) {
		c.refuseAnswer(object, found)
		return out, false
	}
	if !found.Exists {
		c.create(&out, sameDigest)
		return out, true
	}
	c.byHand(&object, &found)
	c.configure(&out, found, known, sameDigest)
	switch {
	case entry.Orphaned != 0:
		out.Return, out.Reason = true, "taken back"
	case out.Action == Unchanged:
		out.Remember = remembers(object, entry)
	}
	return out, true
}

// fresh reports whether a change is about data that a deployment has still to
// see ready.
func (c *computation) fresh(change Change) bool {
	if o := change.Object; o.Group == "" || o.Stage != render.StageData || !Stoppable(o.ID) {
		return false
	}
	entry, _ := c.entry(change.ID)
	return change.Action == Create || entry.Fresh
}

// releases reports whether applying o lets go of spec.replicas, which needs the
// live value first.
func releases(o render.Object, applied Entry) bool { return o.Replicas != nil && !applied.Seeded }

// create plans an object that does not exist.
func (c *computation) create(out *Change, sameDigest bool) {
	out.Action = Create
	if sameDigest {
		if finished(out.Object) {
			out.Action, out.Reason = Unchanged, "finished and cleaned up"
			return
		}
		out.Action, out.Reason = Heal, "deleted"
	}
	if r := out.Object.Replicas; r != nil {
		least := r.Min
		out.Replicas = &least
	}
}

// configure plans an object that exists.
func (c *computation) configure(out *Change, found LiveObject, known, sameDigest bool) {
	object := out.Object
	w := comparison{
		want: object.Body, live: found.Body, dryRun: found.DryRun,
		owners: owners(found.Body), secret: object.ID.Group == "" && object.ID.Kind == "Secret",
		seeded: object.Replicas != nil, patterns: c.takeOver(), ownership: sameDigest,
	}
	out.Fields = w.fields()
	out.TakeOver = len(foreign(found.Body, c.takeOver(), w.seeded)) > 0
	c.seed(out, &w)
	switch {
	case sameDigest && len(out.Fields) == 0:
		out.Action, out.TakeOver, out.Replicas, out.Release = Unchanged, false, nil, false
	case isJob(object.ID) && (touches(out.Fields, "/spec/template") || found.Refused != ""):
		out.Action, out.UID = Recreate, uid(found.Body)
	case sameDigest:
		out.Action, out.Reason = Heal, healReason(out.Fields)
	default:
		out.Action = Configure
		if label(found.Body, render.LabelApp) == "" && !known {
			out.Reason = "adopted"
		} else if !known {
			out.Reason = "not in the inventory"
		}
	}
}

// seed decides what rondo-seed does about spec.replicas of an existing object.
func (c *computation) seed(out *Change, w *comparison) {
	r := out.Object.Replicas
	if r == nil {
		return
	}
	spec, _ := w.live["spec"].(map[string]any)
	n, ok := number(spec["replicas"])
	if !ok {
		least := r.Min
		out.Replicas = &least
		return
	}
	count, target := int64(n), r.Clamp(int64(n))
	if out.Release = w.has([]string{"spec", "replicas"}); out.Release || target != count {
		out.Replicas = &target
	}
	if target != count {
		out.Fields = append(out.Fields, FieldChange{
			Path: "/spec/replicas", Field: "spec.replicas", Live: show(count), Want: show(target),
			Manager: managersOf(w.owners, w.live, []string{"spec", "replicas"}),
		})
	}
}

// finished reports whether a Job asks to be deleted once it has ended.
func finished(o *render.Object) bool {
	spec, _ := o.Body["spec"].(map[string]any)
	_, ok := spec["ttlSecondsAfterFinished"]
	return ok && isJob(o.ID)
}

func isJob(id render.ID) bool { return id.Group == "batch" && id.Kind == "Job" }

// touches reports whether a value at prefix or below it differs.
func touches(fields []FieldChange, prefix string) bool {
	for _, f := range fields {
		if f.Live != f.Want && (f.Path == prefix || strings.HasPrefix(f.Path, prefix+"/")) {
			return true
		}
	}
	return false
}

// healReason says in one clause what was taken and by whom.
func healReason(fields []FieldChange) string {
	var more string
	if n := len(fields) - 1; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	f := fields[0]
	switch {
	case f.Want == "":
		return fmt.Sprintf("%s added by %s%s", f.Field, or(f.Manager, "unknown writer"), more)
	case f.Live == "":
		return fmt.Sprintf("%s removed, writer unknown%s", f.Field, more)
	case f.Manager == "":
		return fmt.Sprintf("%s changed, writer unknown%s", f.Field, more)
	default:
		return fmt.Sprintf("%s taken by %s%s", f.Field, f.Manager, more)
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func label(body map[string]any, key string) string {
	return render.Object{Body: body}.Labels()[key]
}

func uid(body map[string]any) string {
	meta, _ := body["metadata"].(map[string]any)
	s, _ := meta["uid"].(string)
	return s
}
