package plan

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rondo.dev/rondo/render"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// fight carries out what of p is not stopped, as a pass does.
func fight(f *Fights, app string, p *Plan, now time.Time) string {
	text := f.Stop(app, p)
	f.Note(app, p, now)
	return text
}

// heals is a plan that puts these fields of one object back; none: the object.
func heals(fields ...string) *Plan {
	c := Change{Action: Heal, ID: render.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}}
	for _, f := range fields {
		c.Fields = append(c.Fields, FieldChange{Field: f, Manager: "kubectl (scale)"})
	}
	return &Plan{Changes: []Change{c, {Action: Unchanged}}}
}

func TestFights(t *testing.T) {
	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	type heal struct {
		at    int // minutes
		field string
		stop  bool
	}
	for name, tc := range map[string][]heal{
		"three heals in ten minutes stop the fourth": {{0, "a", false}, {1, "a", false}, {2, "a", false}, {3, "a", true}},
		"slower heals go on":                         {{0, "a", false}, {5, "a", false}, {10, "a", false}, {15, "a", false}, {20, "a", false}},
		"each field has a fight of its own":          {{0, "a", false}, {1, "b", false}, {2, "a", false}, {3, "b", false}, {4, "c", false}},
		"what was stopped stays so":                  {{0, "a", false}, {1, "a", false}, {2, "a", false}, {60, "a", true}, {600, "a", true}},
		"another field is still put back":            {{0, "a", false}, {1, "a", false}, {2, "a", false}, {3, "b", false}, {4, "a", true}},
		"a deleted object is a fight as well":        {{0, "", false}, {1, "", false}, {2, "", false}, {3, "", true}},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewFights()
			for _, h := range tc {
				p := heals()
				if h.field != "" {
					p = heals(h.field)
				}
				text := fight(f, "shop", p, minute(h.at))
				if stopped := text != ""; stopped != h.stop || p.Writes() == h.stop {
					t.Errorf("minute %d, field %q: %q, plan %s", h.at, h.field, text, p.Changes[0].Action)
				}
			}
		})
	}
}

func TestFightsSaysWhoAndWhat(t *testing.T) {
	for _, tc := range []struct {
		plan func() *Plan
		want string
	}{
		{func() *Plan { return heals("spec.replicas") },
			"Deployment/shop/web: spec.replicas was put back 3 times in 10 min and is taken again by kubectl (scale); resolve it, then run rondo sync shop"},
		{func() *Plan { return heals() },
			"Deployment/shop/web: the object was put back 3 times in 10 min and is deleted again; resolve it, then run rondo sync shop"},
	} {
		f := NewFights()
		var p *Plan
		var got string
		for range 4 {
			p = tc.plan()
			got = fight(f, "shop", p, noon)
		}
		if got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
		if c := p.Changes[0]; c.Action != Skip || !strings.HasSuffix(tc.want, c.Reason) {
			t.Errorf("got %s, %s", c.Action, c.Reason)
		}
	}
}

func TestFightsForgets(t *testing.T) {
	f := NewFights()
	for range 3 {
		fight(f, "shop", heals("a"), noon)
		fight(f, "other", heals("a"), noon)
	}
	f.Forget("shop")
	if got := fight(f, "shop", heals("a"), noon); got != "" {
		t.Errorf("still fights: %s", got)
	}
	if got := fight(f, "other", heals("a"), noon); got == "" {
		t.Error("another application was forgotten as well")
	}
}

func TestFightsThatAreOverTakeNoMemory(t *testing.T) {
	f := NewFights()
	for i := range 1000 { // a writer that adds a label of another name each minute
		fight(f, "shop", heals(fmt.Sprintf("metadata.labels.l%d", i)), noon.Add(time.Duration(i)*time.Minute))
	}
	if n := len(f.heals["shop"]); n > 10 {
		t.Errorf("%d fields are remembered, want those of ten minutes", n)
	}
}

func TestFightsOfManyApplicationsAtOnce(t *testing.T) {
	f := NewFights()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				fight(f, "shop", heals("a"), noon)
				f.Forget("shop")
			}
		})
	}
	wg.Wait()
}

func TestAHealThatFailedIsNobodysFight(t *testing.T) {
	f := NewFights()
	for range 10 {
		if text := f.Stop("shop", heals("a")); text != "" {
			t.Fatal(text)
		}
	}
}
