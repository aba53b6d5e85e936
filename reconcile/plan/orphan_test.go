package plan

import (
	"testing"
	"time"

	"rondo.dev/rondo/render"
)

var orphanedOn = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)

// grouped is an object that holds or serves the data of postgresql.default.
func grouped(t testing.TB, kind, name string) render.Object {
	o := small(t, kind, name, "1")
	o.Group = "postgresql.default"
	return o
}

// remembered is the inventory after these objects were applied, Group and Keep included.
func remembered(objects ...render.Object) Inventory {
	inv := applied(objects...)
	for i, o := range objects {
		inv.Entries[i].Group, inv.Entries[i].Keep, inv.Entries[i].Command = o.Group, o.Keep, o.Command
	}
	return inv
}

func TestDataThatLeavesGitIsOrphaned(t *testing.T) {
	web, db, pass := small(t, "Deployment", "web", "1"), grouped(t, "StatefulSet", "db"), grouped(t, "Secret", "db")
	claim := small(t, "PersistentVolumeClaim", "files", "1")
	claim.Keep = true
	orphans := remembered(web, db, pass)
	for i := range orphans.Entries[1:] {
		e := &orphans.Entries[i+1]
		e.Orphaned, e.Digest = orphanedOn.Unix(), ""
	}
	stopped := remembered(web, db)
	stopped.Entries[1].Orphaned, stopped.Entries[1].Digest, stopped.Entries[1].Stopped = orphanedOn.Unix(), "", true

	for name, tc := range map[string]struct {
		objects   []render.Object
		inventory Inventory
		found     map[render.ID]LiveObject
		after     time.Duration // since orphanedOn
		removal   bool
		want      string
	}{
		"it is labelled and kept, and its pods get a date": {
			objects: []render.Object{web}, inventory: remembered(web, db, pass), want: `
			orphan StatefulSet/shop/db inventory data of postgresql.default, kept; stops on 2026-12-04 unless it is declared again
			orphan Secret/shop/db inventory data of postgresql.default, kept until it is declared again
			1 unchanged`},
		"within a week nothing more happens": {
			objects: []render.Object{web}, inventory: orphans, after: 7*24*time.Hour - time.Second, want: `
			skip StatefulSet/shop/db inventory kept: data of postgresql.default, orphaned since 2026-11-27
			skip Secret/shop/db inventory kept: data of postgresql.default, orphaned since 2026-11-27
			1 unchanged`},
		"after a week its pods stop": {
			objects: []render.Object{web}, inventory: orphans, after: 7 * 24 * time.Hour, want: `
			orphan StatefulSet/shop/db inventory data of postgresql.default, stopped 7 days after it left git; kept
			skip Secret/shop/db inventory kept: data of postgresql.default, orphaned since 2026-11-27
			1 unchanged`},
		"stopped once, it is left": {
			objects: []render.Object{web}, inventory: stopped, after: 90 * 24 * time.Hour, want: `
			skip StatefulSet/shop/db inventory kept: data of postgresql.default, orphaned since 2026-11-27
			1 unchanged`},
		"deleted by hand, it is forgotten": {
			objects: []render.Object{web}, inventory: stopped, found: map[render.ID]LiveObject{db.ID: {}}, want: `
			skip StatefulSet/shop/db inventory already gone
			1 unchanged`},
		"declared again, it is taken back": {
			objects: []render.Object{web, db}, inventory: stopped, found: map[render.ID]LiveObject{db.ID: alive(t, db)}, want: `
			configure StatefulSet/shop/db manifest.yml:7 taken back
			1 unchanged`},
		"a claim that is kept is just left": {
			objects: []render.Object{web}, inventory: remembered(web, claim), want: `
			skip PersistentVolumeClaim/shop/files inventory kept: it holds data
			1 unchanged`},
		"removing the application deletes no data": {
			inventory: remembered(web, db, claim), removal: true, want: `
			prune Deployment/shop/web inventory application removed
			orphan StatefulSet/shop/db inventory kept: data of postgresql.default; delete it by hand when it may go
			skip PersistentVolumeClaim/shop/files inventory kept: it holds data`},
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			o.Now, o.Removal = orphanedOn.Add(tc.after), tc.removal
			p := Compute(bundle(tc.objects...), live(tc.inventory, tc.found), o)
			check(t, lines(p), tc.want)
			if p.Held != "" {
				t.Errorf("held although no data goes: %s", p.Held)
			}
			for _, c := range p.Changes {
				stops := c.ID == db.ID && (tc.removal || tc.after >= OrphanGrace && !tc.inventory.Entries[1].Stopped)
				if c.Stop != stops {
					t.Errorf("%s: Stop is %v", c.ID, c.Stop)
				}
				if c.Action == Orphan && c.Since != orphanedOn.Unix() {
					t.Errorf("%s: orphaned since %d, want %d", c.ID, c.Since, orphanedOn.Unix())
				}
				if tc.removal && c.ID != web.ID && !c.Forget {
					t.Errorf("%s stays in the inventory of an application that is gone", c.ID)
				}
			}
		})
	}
}

func TestAGroupThatIsNewToTheInventoryIsRememberedWithoutAWrite(t *testing.T) {
	db := grouped(t, "StatefulSet", "db")
	p := Compute(bundle(db), live(applied(db), nil), options())
	if p.Writes() || !p.Changes[0].Remember {
		t.Errorf("got %+v", p.Changes[0])
	}
	if p = Compute(bundle(db), live(remembered(db), nil), options()); p.Changes[0].Remember {
		t.Error("remembered again and again")
	}
}
