package plan

import (
	"fmt"
	"math/rand"
	"reflect"
	"testing"

	"rondo.dev/rondo/render"
)

// world is a random cluster beside a random bundle.
type world struct {
	bundle  render.Bundle
	live    Live
	options Options
	foreign map[render.ID]bool // never applied by us
}

func random(t *testing.T, r *rand.Rand) world {
	w := world{foreign: map[render.ID]bool{}, live: Live{Objects: map[render.ID]LiveObject{}, Drifts: map[render.ID]Drift{}}}
	w.options = options()
	w.options.AllowPrune, w.options.Removal, w.options.Deployment = r.Intn(2) == 0, r.Intn(8) == 0, r.Intn(2) == 0
	kinds := []string{"ConfigMap", "Secret", "Deployment", "StatefulSet", "Job", "Service", "PersistentVolumeClaim"}
	for i := range r.Intn(14) {
		kind := kinds[r.Intn(len(kinds))]
		o := small(t, kind, fmt.Sprintf("%c%d", 'a'+i, i), fmt.Sprint(r.Intn(2)))
		before := small(t, kind, o.ID.Name, fmt.Sprint(r.Intn(2)))
		if r.Intn(3) > 0 {
			w.bundle.Objects = append(w.bundle.Objects, o)
		}
		if r.Intn(3) > 0 {
			e := applied(before).Entries[0]
			e.NoPrune = r.Intn(5) == 0
			if r.Intn(6) == 0 {
				e.Digest = ""
			}
			w.live.Inventory.Entries = append(w.live.Inventory.Entries, e)
		} else {
			w.foreign[o.ID] = true
		}
		switch r.Intn(5) {
		case 0: // not read
		case 1:
			w.live.Objects[o.ID] = LiveObject{}
		case 2:
			found := alive(t, before)
			found.Body["metadata"].(map[string]any)["labels"] = map[string]any{render.LabelApp: "other"}
			w.live.Objects[o.ID] = found
		default:
			w.live.Objects[o.ID] = alive(t, before)
		}
		if r.Intn(6) == 0 {
			w.live.Drifts[o.ID] = Drift{ID: o.ID, Missing: !w.live.Objects[o.ID].Exists && r.Intn(2) == 0}
		}
	}
	if r.Intn(10) == 0 {
		w.live.Inventory.Broken = "its HMAC does not fit"
	}
	return w
}

func TestPropertiesOfPlans(t *testing.T) {
	r := rand.New(rand.NewSource(20261122))
	for i := range 1500 {
		w := random(t, r)
		p := Compute(w.bundle, w.live, w.options)
		if again := Compute(w.bundle, w.live, w.options); !reflect.DeepEqual(p, again) {
			t.Fatalf("world %d: two plans of one input differ\n%s\n%s", i, lines(p), lines(again))
		}
		if msg := broken(w, p); msg != "" {
			t.Fatalf("world %d: %s\n%s", i, msg, lines(p))
		}
	}
}

// broken names the first promise that p breaks.
func broken(w world, p Plan) string {
	wanted := map[render.ID]bool{}
	if !w.options.Removal {
		for _, o := range w.bundle.Objects {
			wanted[o.ID] = true
		}
	}
	pruning := false
	var before Change
	for _, c := range p.Changes {
		owner := label(w.live.Objects[c.ID].Body, render.LabelApp)
		entry, known := w.live.Inventory.Find(c.ID)
		ending := c.Action == Prune || c.Action == Skip || c.Action == Orphan
		switch {
		case c.Action == Prune && (!known || w.foreign[c.ID]):
			return fmt.Sprintf("prunes %s, which is not in the inventory", c.ID)
		case c.Action == Prune && wanted[c.ID]:
			return fmt.Sprintf("prunes %s, which is wanted", c.ID)
		case c.Action == Prune && owner == "other":
			return fmt.Sprintf("prunes %s, which is another application's", c.ID)
		case c.Action == Prune && entry.NoPrune:
			return fmt.Sprintf("prunes %s, which is kept", c.ID)
		case c.Action == Prune && w.live.Inventory.Broken != "":
			return fmt.Sprintf("prunes %s by a broken inventory", c.ID)
		case !ending && owner == "other" && c.Action != Unchanged:
			return fmt.Sprintf("writes %s, which is another application's", c.ID)
		case !ending && c.Object == nil:
			return fmt.Sprintf("%s of %s without its object", c.Action, c.ID)
		case pruning && !ending:
			return fmt.Sprintf("%s of %s after a prune", c.Action, c.ID)
		case pruning && render.StageOf(before.ID.Group, before.ID.Kind) < render.StageOf(c.ID.Group, c.ID.Kind):
			return fmt.Sprintf("prunes %s after %s", c.ID, before.ID)
		}
		pruning, before = ending, c
	}
	for _, e := range w.live.Inventory.Entries {
		if n := count(p, e.ID); n > 1 {
			return fmt.Sprintf("%s has %d changes", e.ID, n)
		}
	}
	deletes := p.Counts()[Prune]
	total := len(w.live.Inventory.Entries)
	if !w.options.AllowPrune && !w.options.Removal && deletes > 3 && 5*deletes > total && p.Held == "" {
		return fmt.Sprintf("deletes %d of %d and is not held", deletes, total)
	}
	return ""
}

func count(p Plan, id render.ID) (n int) {
	for _, c := range p.Changes {
		if c.ID == id {
			n++
		}
	}
	return n
}

// After a plan was carried out, the next one has nothing to do.
func TestAPlanThatWasCarriedOutIsTheLast(t *testing.T) {
	r := rand.New(rand.NewSource(7))
	for i := range 300 {
		w := random(t, r)
		w.options.AllowPrune, w.live.Inventory.Broken = true, ""
		p := Compute(w.bundle, w.live, w.options)
		if p.Held != "" || len(p.Refused) > 0 {
			continue
		}
		next := Live{Objects: map[render.ID]LiveObject{}}
		for _, c := range p.Changes {
			switch {
			case c.Object != nil && c.Digest != "":
				next.Inventory.Entries = append(next.Inventory.Entries, Entry{ID: c.ID, Version: c.Object.Version, Digest: c.Digest})
				next.Objects[c.ID] = alive(t, *c.Object)
			case c.Action == Skip && !c.Forget:
				e, _ := w.live.Inventory.Find(c.ID)
				next.Inventory.Entries = append(next.Inventory.Entries, e)
				next.Objects[c.ID] = w.live.Objects[c.ID]
			}
		}
		if again := Compute(w.bundle, next, w.options); again.Writes() {
			t.Fatalf("world %d:\n%s\nthen\n%s", i, lines(p), lines(again))
		}
	}
}
