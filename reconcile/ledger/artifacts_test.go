package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apijson "k8s.io/apimachinery/pkg/util/json"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

func secret(value string) render.Object {
	return render.Object{ID: render.ID{Kind: "Secret", Namespace: "shop", Name: "db"}, Version: "v1", Stage: render.StageConfig,
		Body: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "db"},
			"stringData": map[string]any{"password": value}}}
}

func artifact(objects ...render.Object) reconcile.Artifact {
	return reconcile.Artifact{Revision: main1, InputDigest: "in", Bundle: render.Bundle{Objects: objects}}
}

func TestAnArtifactKeepsItsDigest(t *testing.T) {
	for name, v := range map[string]any{
		"a small number":           int64(8080),
		"the largest number":       int64(1<<63 - 1),
		"a number beyond float64":  int64(1<<53 + 1),
		"a negative number":        int64(-1),
		"a fraction":               0.1,
		"a huge float":             1e300,
		"a float without fraction": 1e20,
		"a number written as text": "8080",
		"text with <html> & more":  "<a href='x'>\u2028\x00",
		"null":                     nil,
		"an empty list":            []any{},
		"a nested list":            []any{int64(1), []any{2.5, map[string]any{"n": int64(3)}}},
		"true":                     true,
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := fresh(t)
			o := secret("x")
			o.Body["value"] = v
			o.Replicas = &render.Range{Min: 1, Max: 3}
			want := artifact(o)
			must(t, l.Artifact(t.Context(), "shop", want, false))
			got, found, err := l.LoadArtifact(t.Context(), "shop")
			must(t, err)
			if !found || got.Bundle.Digest(testKey) != want.Bundle.Digest(testKey) {
				t.Errorf("found %t, another digest; body in and out:\n%#v\n%#v", found, o.Body, got.Bundle.Objects[0].Body)
			}
			if _, isInt := v.(int64); isInt {
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

// The values of a Body come out of users' files.
func FuzzAnArtifactKeepsItsDigest(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":1.0e3,"b":[18446744073709551616]}`, `{"a":"\ud800","é":null}`, `{"a":-0.5}`} {
		f.Add([]byte(s))
	}
	s, err := newSealer(testKey)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var body map[string]any
		if apijson.Unmarshal(raw, &body) != nil {
			return
		}
		if text, err := json.Marshal(body); err != nil || hasNegativeZero(body) {
			t.Skipf("%s: %v", text, err)
		}
		want := artifact(render.Object{Body: body})
		sealed, err := s.seal("shop", want)
		must(t, err)
		got, err := s.open("shop", sealed)
		must(t, err)
		if got.Bundle.Digest(testKey) != want.Bundle.Digest(testKey) {
			t.Errorf("another digest after a round trip:\n%#v\n%#v", body, got.Bundle.Objects[0].Body)
		}
	})
}

func hasNegativeZero(v any) bool {
	switch v := v.(type) {
	case float64:
		text, _ := json.Marshal(v)
		return string(text) == "-0"
	case map[string]any:
		for _, e := range v {
			if hasNegativeZero(e) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if hasNegativeZero(e) {
				return true
			}
		}
	}
	return false
}

func TestTheNewestArtifactIsLoadedAndTwoAreKept(t *testing.T) {
	l, _ := fresh(t)
	if _, found, err := l.LoadArtifact(t.Context(), "shop"); found || err != nil {
		t.Fatalf("before the first: found %t, %v", found, err)
	}
	for _, digest := range []string{"one", "two", "three"} {
		must(t, l.Artifact(t.Context(), "shop", reconcile.Artifact{InputDigest: digest}, false))
		must(t, l.Artifact(t.Context(), "blog", reconcile.Artifact{InputDigest: "blog"}, false))
	}
	got, _, err := l.LoadArtifact(t.Context(), "shop")
	must(t, err)
	var kept int
	must(t, l.reader.QueryRow(`SELECT COUNT(*) FROM artifacts WHERE app = 'shop'`).Scan(&kept))
	if got.InputDigest != "three" || kept != 2 {
		t.Errorf("newest is %q, %d kept; want three, 2", got.InputDigest, kept)
	}
}

func TestWhatWasAppliedIsKeptUntilSomethingElseWas(t *testing.T) {
	l, _ := fresh(t)
	must(t, l.Artifact(t.Context(), "blog", reconcile.Artifact{InputDigest: "blog"}, true))
	for i, digest := range []string{"applied", "cut short", "cut short again", "newest"} {
		must(t, l.Artifact(t.Context(), "shop", reconcile.Artifact{InputDigest: digest}, i > 1))
	}
	got, found, err := l.LoadApplied(t.Context(), "shop", "applied")
	if err != nil || !found || got.InputDigest != "applied" {
		t.Errorf("applied: %q, found %t, %v", got.InputDigest, found, err)
	}
	if got, _, err := l.LoadArtifact(t.Context(), "shop"); err != nil || got.InputDigest != "newest" {
		t.Errorf("newest: %q, %v", got.InputDigest, err)
	}
	for _, gone := range []string{"cut short", "cut short again", "blog"} {
		if _, found, err := l.LoadApplied(t.Context(), "shop", gone); found || err != nil {
			t.Errorf("%s: found %t, %v", gone, found, err)
		}
	}
}

func TestAnArtifactThatDoesNotOpenIsAnError(t *testing.T) {
	for name, set := range map[string]string{
		"moved to another application": `app = 'blog'`,
		"damaged":                      `sealed = CAST(sealed || 'x' AS BLOB)`,
		"of an unknown format":         `sealed = CAST('z' || sealed AS BLOB)`,
		"empty":                        `sealed = CAST('' AS BLOB)`,
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := fresh(t)
			must(t, l.Artifact(t.Context(), "shop", artifact(secret("x")), false))
			must(t, l.exec(t.Context(), "test", `UPDATE artifacts SET `+set))
			var app string
			must(t, l.reader.QueryRow(`SELECT app FROM artifacts`).Scan(&app))
			if _, found, err := l.LoadArtifact(t.Context(), app); found || !contains(err, "load artifact of "+app) {
				t.Errorf("found %t, %v", found, err)
			}
		})
	}
}

func TestAnotherKeyIsRefused(t *testing.T) {
	o, _ := options(t)
	l, err := Open(t.Context(), o)
	must(t, err)
	must(t, l.Artifact(t.Context(), "shop", artifact(secret("x")), false))
	must(t, l.Close())
	other := o
	other.Key = bytes.Repeat([]byte{7}, KeySize)
	_, err = Open(t.Context(), other)
	if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "restore the key file") {
		t.Errorf("with another key: %v", err)
	}
	other.Key = testKey[:16]
	if _, err = Open(t.Context(), other); err == nil || !strings.Contains(err.Error(), "16 bytes instead of 32") {
		t.Errorf("with a short key: %v", err)
	}
	if _, found, err := open(t, o).LoadArtifact(t.Context(), "shop"); !found || err != nil {
		t.Errorf("with the first key again: found %t, %v", found, err)
	}
}

func TestT25_NoSecretIsStoredInClear(t *testing.T) {
	const canary = "canary-5f2d9c81"
	o, _ := options(t)
	l := open(t, o)
	object := secret(canary)
	a := artifact(object)
	r := begin(t, l, result("shop", main1))
	r.Plan = &plan.Plan{Changes: []plan.Change{{Action: plan.Create, ID: object.ID, Object: &object}}}
	must(t, l.Artifact(t.Context(), "shop", a, false))
	must(t, l.Record(t.Context(), r, reconcile.State{App: "shop"}, []reconcile.Message{status("success", "live")}))

	var row []byte
	must(t, l.reader.QueryRow(`SELECT sealed FROM artifacts`).Scan(&row))
	clear, err := json.Marshal(a)
	must(t, err)
	if !bytes.Contains(clear, []byte(canary)) {
		t.Fatal("the canary is not in the artifact, so its absence would prove nothing")
	}
	for i := range row { // nor packed without being sealed
		if bytes.HasPrefix(row[i:], []byte{0x1f, 0x8b, 8}) {
			t.Fatal("the row holds a gzip header")
		}
	}
	files, err := filepath.Glob(strings.TrimPrefix(o.URL, "sqlite://") + "*")
	must(t, err)
	seen := 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		must(t, err)
		seen += bytes.Count(raw, []byte(main1.Hash))
		for what, bad := range map[string][]byte{"the secret": []byte(canary), "the key": testKey} {
			if bytes.Contains(raw, bad) {
				t.Errorf("%s is in %s", what, filepath.Base(name))
			}
		}
		info, err := os.Stat(name)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(name), info.Mode().Perm())
		}
	}
	if seen == 0 {
		t.Error("the files hold no pass at all")
	}
}
