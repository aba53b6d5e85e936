package plan

import (
	"slices"
	"testing"

	"rondo.dev/rondo/render"
)

// credentials is a Secret whose values are made in the cluster.
func credentials(t testing.TB, lasting bool, keys ...render.GeneratedKey) render.Object {
	o := object(read(t, "{apiVersion: v1, kind: Secret, metadata: {name: db, namespace: shop, labels: {rondo.dev/app: shop}}}"))
	o.Generate = &render.Generate{Keys: keys, Lasting: lasting}
	return o
}

func TestGeneratedSecrets(t *testing.T) {
	password, url := render.GeneratedKey{Name: "password", Length: 24}, render.GeneratedKey{Name: "url", Text: "pg://u:$(password)@db"}
	salt := render.GeneratedKey{Name: "salt", Length: 8, Hex: true}
	one := credentials(t, false, password)
	lasting := credentials(t, true, password)
	made := func(o render.Object) Inventory {
		inv := applied(o)
		inv.Entries[0].Keys = keyNames(o)
		return inv
	}
	announced := applied(one)
	announced.Entries[0].Digest = ""
	orphaned := made(one)
	orphaned.Entries[0].Orphaned, orphaned.Entries[0].Digest = 1, ""
	longer := one
	longer.Generate = &render.Generate{Keys: []render.GeneratedKey{{Name: "password", Length: 40}}}

	for name, tc := range map[string]struct {
		object    render.Object
		inventory Inventory
		found     LiveObject
		unread    bool
		drift     *Drift
		want      string
		missing   []string
	}{
		"a new one is created with all its keys": {object: credentials(t, true, password, url), want: "create Secret/shop/db manifest.yml:7", missing: []string{"password", "url"}},
		"one that was made is left alone":        {object: lasting, inventory: made(one), unread: true, want: "1 unchanged"},
		"also when its description changed":      {object: longer, inventory: made(one), found: LiveObject{Exists: true}, want: "1 unchanged"},
		"also when nobody may look":              {object: one, inventory: made(one), found: LiveObject{Unseen: true}, want: "1 unchanged"},
		"not known and not to be seen, it is tried": {object: one, found: LiveObject{Unseen: true},
			want: "create Secret/shop/db manifest.yml:7", missing: []string{"password"}},
		"announced before a crash, it is tried again": {object: one, inventory: announced, found: LiveObject{Exists: true},
			want: "create Secret/shop/db manifest.yml:7", missing: []string{"password"}},
		"one that is there already is adopted": {object: one, found: LiveObject{Exists: true},
			want: "create Secret/shop/db manifest.yml:7 adopted; what it has keeps its value", missing: []string{"password"}},
		"a key that is missing is added": {object: credentials(t, true, password, salt), inventory: made(one), found: LiveObject{Exists: true},
			want: "configure Secret/shop/db manifest.yml:7 adds key salt", missing: []string{"salt"}},
		"a key made of one that nobody may read is refused": {object: credentials(t, true, password, url), inventory: made(one), found: LiveObject{Exists: true},
			want: "refused manifest.yml:7: key url of Secret/shop/db is made of password, whose value nobody may read; set the key by hand to what it should be, or delete the Secret where no data depends on it [E-SECRET-KEY]"},
		"gone, it is made anew": {object: one, inventory: made(one), want: "heal Secret/shop/db manifest.yml:7 deleted; its values are made anew", missing: []string{"password"}},
		"gone while data depends on it, nothing is made": {object: lasting, inventory: made(lasting), unread: true, drift: &Drift{ID: one.ID, Missing: true},
			want: "refused manifest.yml:7: Secret/shop/db is gone, and data depends on the values it had; restore it from a backup and run rondo sync shop [E-SECRET-LOST]"},
		"orphaned, it is taken back": {object: one, inventory: orphaned, found: LiveObject{Exists: true}, want: "configure Secret/shop/db manifest.yml:7 taken back"},
	} {
		t.Run(name, func(t *testing.T) {
			l := Live{Inventory: tc.inventory, Objects: map[render.ID]LiveObject{}, Drifts: map[render.ID]Drift{}}
			if !tc.unread {
				l.Objects[tc.object.ID] = tc.found
			}
			if tc.drift != nil {
				l.Drifts[tc.object.ID] = *tc.drift
			}
			p := Compute(bundle(tc.object), l, options())
			check(t, lines(p), tc.want)
			if len(p.Changes) > 0 && !slices.Equal(p.Changes[0].Missing, tc.missing) {
				t.Errorf("makes %v, want %v", p.Changes[0].Missing, tc.missing)
			}
		})
	}
}
