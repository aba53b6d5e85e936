package cluster

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// generated is a bundle of one Secret whose values are made in the cluster.
func (f *fixture) generated(lasting bool, keys ...render.GeneratedKey) render.Bundle {
	b := f.bundle("{apiVersion: v1, kind: Secret, metadata: {name: credentials}, type: Opaque}")
	b.Objects[0].Generate = &render.Generate{Keys: keys, Lasting: lasting}
	return b
}

// values are what is in the Secret, decoded.
func (f *fixture) values(id render.ID) map[string]string {
	f.Helper()
	data, _, err := unstructured.NestedStringMap(f.get(id).Object, "data")
	if err != nil {
		f.Fatal(err)
	}
	for key, text := range data {
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			f.Fatal(err)
		}
		data[key] = string(plain)
	}
	return data
}

var (
	password = render.GeneratedKey{Name: "password", Length: 24}
	salt     = render.GeneratedKey{Name: "salt", Length: 16, Hex: true, Prefix: "s-"}
	address  = render.GeneratedKey{Name: "address", Text: "postgres://main:$(password)@db:5432/main"}
)

func TestGeneratedSecretIsMadeOnceAndGetsTheKeysItLacks(t *testing.T) {
	t.Parallel()
	f := start(t)
	id := f.id("", "Secret", "credentials")
	p, out := f.pass(f.generated(true, password, address))
	if got := actions(p); got != "create Secret/credentials" || out.Writes != 1 {
		t.Errorf("plan %s, %d writes", got, out.Writes)
	}
	first := f.values(id)
	if !regexp.MustCompile(`^[A-Za-z0-9]{24}$`).MatchString(first["password"]) ||
		first["address"] != "postgres://main:"+first["password"]+"@db:5432/main" {
		t.Errorf("made %d and %d characters", len(first["password"]), len(first["address"]))
	}
	if p := f.plan(f.generated(true, password, address)); p.Writes() {
		t.Errorf("again: %s", actions(p))
	}

	p, _ = f.pass(f.generated(true, password, address, salt))
	second := f.values(id)
	if got := actions(p); got != "configure Secret/credentials" || second["password"] != first["password"] || second["address"] != first["address"] {
		t.Errorf("adding a key: %s, and the others changed", got)
	}
	if !regexp.MustCompile(`^s-[0-9a-f]{16}$`).MatchString(second["salt"]) {
		t.Errorf("salt has %d characters", len(second["salt"]))
	}

	// A description that changed, a write by hand, another process: nothing is
	// written again.
	if _, err := f.resource(id).Patch(t.Context(), id.Name, "application/merge-patch+json", []byte(`{"data":{"password":"aGFuZA=="}}`), metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	longer := password
	longer.Length = 40
	version := f.get(id).GetResourceVersion()
	f.pass(f.generated(true, longer, address, salt))
	other := f.another()
	f.run(other)
	if p := f.planWith(other, f.generated(true, password, address, salt)); p.Writes() {
		t.Errorf("another process: %s", actions(p))
	}
	if got := f.get(id).GetResourceVersion(); got != version || f.values(id)["password"] != "hand" {
		t.Error("it was written again")
	}
	f.silent(f.values(id), p, out)
}

// silent requires that no value is in anything that leaves the process
// (threats T24, T25).
func (f *fixture) silent(values map[string]string, said ...any) {
	f.Helper()
	text, err := json.Marshal(said)
	if err != nil {
		f.Fatal(err)
	}
	all := string(text) + f.log.String()
	for key, value := range values {
		if strings.Contains(all, value) {
			f.Errorf("the value of %s was told", key)
		}
	}
}

func TestGeneratedSecretThatIsLost(t *testing.T) {
	t.Parallel()
	f := start(t)
	id := f.id("", "Secret", "credentials")
	f.pass(f.generated(false, password))
	first := f.values(id)
	remove := func() {
		if err := f.resource(id).Delete(t.Context(), id.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	other := f.another() // reads everything, as after a restart
	p := f.planWith(other, f.generated(false, password), asDrift)
	if got := actions(p); got != "heal Secret/credentials" {
		t.Fatalf("plan %s", got)
	}
	if _, err := other.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if second := f.values(id)["password"]; second == "" || second == first["password"] {
		t.Error("the values were not made anew")
	}
	p = f.planWith(other, f.generated(true, password))
	if _, err := other.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	remove()
	p = f.planWith(other, f.generated(true, password), asDrift)
	if len(p.Refused) != 1 || p.Refused[0].Code != plan.CodeSecretLost || p.Writes() {
		t.Errorf("data depends on it: refused %v, %s", p.Refused, actions(p))
	}
}

// Threats T21: an account without the right to read Secrets makes and keeps them.
func TestT21_GeneratedSecretNeedsNoRightToReadSecrets(t *testing.T) {
	t.Parallel()
	f := prepare(t)
	f.target.ServiceAccount = "blind"
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "blind"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "create", "patch", "delete"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create", "patch"}},
	}}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "rondo-blind"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: f.target.Namespace, Name: "blind"}},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "blind"}}
	rights := f.typed.RbacV1()
	if _, err := rights.Roles(f.target.Namespace).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := rights.RoleBindings(f.target.Namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.c = f.another()
	f.begin()
	id := f.id("", "Secret", "credentials")
	f.pass(f.generated(true, password))
	first := f.values(id)
	p, _ := f.pass(f.generated(true, password, salt))
	second := f.values(id)
	if first["password"] == "" || second["password"] != first["password"] || second["salt"] == "" {
		t.Errorf("%s made %d keys, then %d", actions(p), len(first), len(second))
	}
	// Another Secret of that name, of which nobody knows whose it is, is no place to add keys.
	theirs := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"name": "theirs"}, "stringData": map[string]any{"a": "b"}}}
	if _, err := f.resource(id).Create(t.Context(), theirs, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b := f.generated(true, password)
	b.Objects = append(b.Objects, f.object("{apiVersion: v1, kind: Secret, metadata: {name: theirs}}", 2))
	b.Objects[1].Generate = b.Objects[0].Generate
	p = f.plan(b)
	_, err := f.c.Apply(t.Context(), p)
	var forbidden apierrors.APIStatus
	if !errors.As(err, &forbidden) || len(f.values(b.Objects[1].ID)) != 1 {
		t.Errorf("a Secret that may be somebody else's: %v", err)
	}
}

func TestGeneratedSecretThatWasThereBefore(t *testing.T) {
	t.Parallel()
	f := start(t)
	id := f.id("", "Secret", "credentials")
	for name, had := range map[string]map[string]any{"without values": nil, "with a value": {"password": "of old"}} {
		there := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": id.Name}}}
		if had != nil {
			there.Object["stringData"] = had
		}
		if _, err := f.resource(id).Create(t.Context(), there, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		f.pass(f.generated(false, password, salt))
		got := f.values(id)
		if had != nil && got["password"] != had["password"] || len(got["password"]) == 0 || len(got["salt"]) != 18 {
			t.Errorf("%s: password of %d characters, salt of %d", name, len(got["password"]), len(got["salt"]))
		}
		f.pass(f.bundle()) // it bears no label of ours, so it is left
		if err := f.resource(id).Delete(t.Context(), id.Name, metav1.DeleteOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A key that stands on one that nobody may read cannot be made.
	there := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"name": id.Name}, "stringData": map[string]any{"password": "of old"}}}
	if _, err := f.resource(id).Create(t.Context(), there, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := f.c.Apply(t.Context(), f.plan(f.generated(false, password, address)))
	var problem *render.Problem
	if !errors.As(err, &problem) || problem.Code != plan.CodeSecretKey {
		t.Errorf("got %v", err)
	}
}

func TestGeneratedSecretAfterACrash(t *testing.T) {
	t.Parallel()
	f := start(t)
	id := f.id("", "Secret", "credentials")
	b := f.generated(true, password, address)
	p := f.plan(b)
	api, err := f.c.api.For(f.target)
	if err != nil {
		t.Fatal(err)
	}
	// The process dies between the creation and the inventory.
	if _, err := f.c.claim(t.Context(), api, p); err != nil {
		t.Fatal(err)
	}
	w := &writing{Cluster: f.c, api: api, p: p, ends: map[render.ID]bool{}}
	if err := w.put(t.Context(), p.Changes[0]); err != nil {
		t.Fatal(err)
	}
	first := f.values(id)
	other := f.another()
	p = f.planWith(other, b)
	if _, err := other.Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if got := f.values(id); got["password"] != first["password"] || got["address"] != first["address"] {
		t.Error("its values were made twice")
	}
	if p := f.planWith(other, b); p.Writes() {
		t.Errorf("it is not settled: %s", actions(p))
	}
}
