package plan

import (
	"testing"

	"rondo.dev/rondo/render"
)

func TestCopiedSecrets(t *testing.T) {
	of := func(keys ...string) render.Object {
		o := object(read(t, "{apiVersion: v1, kind: Secret, metadata: {name: db-shared, namespace: shop, labels: {rondo.dev/app: shop}}}"))
		o.Copy = &render.Copy{App: "books", Database: "postgresql.default", Secret: "db", Keys: keys}
		return o
	}
	one := of("password")
	made := applied(one)
	made.Entries[0].Mark.Source = "7"
	announced := applied(one)
	announced.Entries[0].Digest = ""
	there := func(source string) LiveObject {
		return LiveObject{Exists: true, Body: one.Body, Source: source}
	}
	foreign := read(t, "{apiVersion: v1, kind: Secret, metadata: {name: db-shared, labels: {rondo.dev/app: mail}}}")

	for name, tc := range map[string]struct {
		object    render.Object
		inventory Inventory
		found     LiveObject
		unread    bool
		drifted   bool
		withdrawn bool
		want      string
	}{
		"a new one is made":                           {object: one, found: LiveObject{Source: "7"}, want: "create Secret/shop/db-shared manifest.yml:7"},
		"announced before a crash, it is made again":  {object: one, inventory: announced, found: there("7"), want: "configure Secret/shop/db-shared manifest.yml:7 was begun before"},
		"one that is there is adopted":                {object: one, found: there("7"), want: "configure Secret/shop/db-shared manifest.yml:7 adopted"},
		"nothing has changed":                         {object: one, inventory: made, found: there("7"), want: "1 unchanged"},
		"nobody knows whether anything has":           {object: one, inventory: made, found: there(""), want: "1 unchanged"},
		"nor whether it is there":                     {object: one, inventory: made, found: LiveObject{Unseen: true, Source: "7"}, want: "1 unchanged"},
		"the owner's has":                             {object: one, inventory: made, found: there("8"), want: "configure Secret/shop/db-shared manifest.yml:7 changed in books"},
		"somebody changed the copy":                   {object: one, inventory: made, found: there("7"), drifted: true, want: "heal Secret/shop/db-shared manifest.yml:7 changed"},
		"somebody deleted it":                         {object: one, inventory: made, found: LiveObject{Source: "7"}, want: "heal Secret/shop/db-shared manifest.yml:7 deleted"},
		"it gets another key":                         {object: of("password", "url"), inventory: made, found: there("7"), want: "configure Secret/shop/db-shared manifest.yml:7"},
		"it is another application's":                 {object: one, found: LiveObject{Exists: true, Body: foreign}, want: "refused manifest.yml:7: Secret/shop/db-shared belongs to application mail; rename it here, or remove it from mail [E-OBJECT-OWNED]"},
		"what is not shared any more stays":           {object: one, inventory: made, found: there("8"), drifted: true, withdrawn: true, want: "skip Secret/shop/db-shared manifest.yml:7 books does not share postgresql.default any more"},
		"what is not shared any more is never copied": {object: one, found: LiveObject{Source: "7"}, withdrawn: true, want: "skip Secret/shop/db-shared manifest.yml:7 books does not share postgresql.default any more"},
		"a new one that was not looked for":           {object: one, unread: true, want: "held Secret/shop/db-shared was not read from the cluster, so nothing can be said about it\n1 unchanged"},
	} {
		t.Run(name, func(t *testing.T) {
			l := Live{Inventory: tc.inventory, Objects: map[render.ID]LiveObject{}, Drifts: map[render.ID]Drift{}}
			if !tc.unread {
				l.Objects[tc.object.ID] = tc.found
			}
			if tc.drifted {
				l.Drifts[tc.object.ID] = Drift{ID: tc.object.ID}
			}
			o := options()
			o.Withdrawn = map[render.ID]bool{tc.object.ID: tc.withdrawn}
			check(t, lines(Compute(bundle(tc.object), l, o)), tc.want)
		})
	}
}
