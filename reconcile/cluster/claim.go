package cluster

import (
	"context"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// claim writes the inventory ahead of the objects: what it had, and what the
// plan is about to create. It fails when anybody wrote it after p was computed.
func (c *Cluster) claim(ctx context.Context, api client, p plan.Plan) (stored, error) {
	ahead := stored{Inventory: p.Inventory}
	c.mu.Lock()
	ahead.parts = c.app(p.Target).parts
	c.mu.Unlock()
	ahead.Entries = union(p)
	ahead.Holder, ahead.Pass, ahead.Broken = c.o.Holder, p.Pass, ""
	for range 3 {
		written, err := c.writeInventory(ctx, api, p.Target, ahead)
		if err == nil {
			c.keepParts(p.Target, written)
			return written, nil
		}
		if ahead.Version == "" && apierrors.IsNotFound(err) {
			c.unready(p.Target) // the namespace is gone
		}
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return ahead, fmt.Errorf("claim the inventory of %s: %w", p.Target.App, err)
		}
		// An annotation moves the version as well; the content tells.
		now, err := c.readInventory(ctx, api, p.Target)
		switch {
		case err != nil:
			return ahead, err
		case now.Paused && !p.Inventory.Paused:
			return ahead, fmt.Errorf("claim the inventory of %s: %w", p.Target.App, ErrPaused)
		case !sameContent(now.Inventory, p.Inventory):
			return ahead, fmt.Errorf("claim the inventory of %s: %w: %s, pass %d", p.Target.App, ErrClaimed, now.Holder, now.Pass)
		}
		ahead.Version, ahead.parts = now.Version, now.parts
	}
	return ahead, fmt.Errorf("claim the inventory of %s: %w again and again", p.Target.App, ErrClaimed)
}

// finish writes the inventory after the objects. It was claimed, so a conflict
// can only come from an annotation, or from a daemon that leads now.
func (c *Cluster) finish(ctx context.Context, api client, t plan.Target, claimed, after stored) (stored, error) {
	after.Version, after.parts = claimed.Version, claimed.parts
	for range 3 {
		written, err := c.writeInventory(ctx, api, t, after)
		if err == nil {
			c.keepParts(t, written)
			return written, nil
		}
		if !apierrors.IsConflict(err) {
			return claimed, fmt.Errorf("write the inventory of %s: %w", t.App, err)
		}
		now, err := c.readInventory(ctx, api, t)
		if err != nil {
			return claimed, err
		}
		if !sameContent(now.Inventory, claimed.Inventory) {
			return claimed, fmt.Errorf("write the inventory of %s: %w: %s, pass %d", t.App, ErrClaimed, now.Holder, now.Pass)
		}
		after.Version, after.parts = now.Version, now.parts
	}
	return claimed, fmt.Errorf("write the inventory of %s: %w again and again", t.App, ErrClaimed)
}

func (c *Cluster) keepParts(t plan.Target, s stored) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.app(t).parts = s.parts
}

func sameContent(a, b plan.Inventory) bool {
	a.Version, b.Version, a.Paused, b.Paused = "", "", false, false
	if len(a.Entries) == 0 && len(b.Entries) == 0 {
		a.Entries, b.Entries = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// union is every entry of the inventory, and one for each object that is about
// to be written for the first time. What is about to be written has no digest:
// after a crash nobody knows whether it was. What is put back keeps its own: it
// says what is wanted before and after, and the mark shows what is still missing.
func union(p plan.Plan) []plan.Entry {
	written := make(map[render.ID]plan.Change, len(p.Changes))
	for _, change := range p.Changes {
		if writes(change) && change.Object != nil {
			written[change.ID] = change
		}
	}
	entries := make([]plan.Entry, 0, len(p.Inventory.Entries)+len(p.Changes))
	if p.Inventory.Broken == "" {
		entries = append(entries, p.Inventory.Entries...)
	}
	for i, e := range entries {
		if change, ok := written[e.ID]; ok {
			if change.Action != plan.Heal {
				entries[i].Digest = ""
			}
			entries[i].Suspended = e.Suspended || change.Suspend
			delete(written, e.ID)
		}
	}
	for _, change := range p.Changes {
		if _, ok := written[change.ID]; ok {
			o := change.Object
			entries = append(entries, plan.Entry{ID: o.ID, Version: o.Version, Group: o.Group, Keep: o.Keep, Command: o.Command, Fresh: change.Fresh, Suspended: change.Suspend})
		}
	}
	return entries
}

// writes reports whether a change is one.
func writes(change plan.Change) bool {
	return change.Action != plan.Unchanged && change.Action != plan.Skip
}

// inventory is what the inventory says after the writing.
func (w *writing) inventory(claimed stored, failed error) stored {
	w.Cluster.mu.Lock()
	defer w.Cluster.mu.Unlock()
	a := w.app(w.p.Target)
	ok := map[render.ID]bool{}
	for _, d := range w.done {
		ok[d.ID] = d.Error == ""
	}
	changes := make(map[render.ID]plan.Change, len(w.p.Changes))
	for _, change := range w.p.Changes {
		changes[change.ID] = change
	}
	after := claimed
	after.Entries = make([]plan.Entry, 0, len(claimed.Entries))
	for _, e := range claimed.Entries {
		change, planned := changes[e.ID]
		switch {
		case planned && change.Forget && change.Action == plan.Skip, planned && endsEntry(change) && ok[e.ID]:
			w.forget(a, e.ID)
			continue
		case planned && change.Action == plan.Orphan && ok[e.ID]:
			e.Digest, e.Orphaned, e.Stopped = "", change.Since, e.Stopped || change.Stop
			w.orphaned(a, e.ID)
		case planned && change.Object != nil && (ok[e.ID] || change.Remember):
			e = w.entry(change, e)
		}
		if o := w.owned(a, e.ID); o != nil && o.recorded.Version != "" {
			e.Mark = o.recorded
		}
		e.Fresh = (e.Fresh || change.Fresh) && !w.ready[e.ID]
		after.Entries = append(after.Entries, e)
	}
	if failed == nil && w.p.Revision != "" {
		after.Revision = w.p.Revision
	}
	return after
}

// endsEntry reports whether an object leaves the inventory with this change.
func endsEntry(change plan.Change) bool {
	return change.Action == plan.Prune || change.Action == plan.Orphan && change.Forget
}

// entry is what the inventory says of an object that was written, or that is
// remembered without a write.
func (w *writing) entry(change plan.Change, before plan.Entry) plan.Entry {
	o := change.Object
	e := plan.Entry{ID: o.ID, Version: o.Version, Digest: change.Digest, Seeded: o.Replicas != nil, Mark: before.Mark,
		NoPrune: o.Annotations()[render.AnnotationPrune] == "disabled", Origin: change.Origin.String(),
		Group: o.Group, Keep: o.Keep, Command: o.Command, Keys: change.Keys, Copy: o.Copy}
	if o.Command && !change.Remember {
		// Until it was seen to succeed nobody may believe that it ran.
		succeeded, ended := w.ends[o.ID]
		if e.Failed = ended && !succeeded && !o.Tolerate; e.Failed || !ended {
			e.Digest = ""
		}
	}
	return e
}
