package cluster

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// generate makes the keys that a generated Secret lacks (design 3.9). It reads
// no value and overwrites none: a Secret that is there already keeps what it
// has, and of what is made here only what it lacked stays.
func (w *writing) generate(ctx context.Context, r resource, change plan.Change) (metav1.Object, error) {
	o := *change.Object
	values, err := makeUp(o.Generate.Keys)
	if err != nil {
		return nil, fmt.Errorf("make values for %s: %w", o.ID, err)
	}
	if change.Action == plan.Create || change.Action == plan.Heal {
		body := runtime.DeepCopyJSON(o.Body)
		data := make(map[string]any, len(values))
		for name, value := range values {
			data[name] = value
		}
		body["stringData"] = data
		request, cancel := bounded(ctx)
		defer cancel()
		w.wrote()
		u, err := w.api.objects(r, o.ID.Namespace).Create(request, &unstructured.Unstructured{Object: body},
			metav1.CreateOptions{FieldManager: plan.GenerateManager})
		if err == nil {
			return u, nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return nil, problem(w.p.Target, o.ID, change.Origin, err)
		}
		if err := w.mayComplete(ctx, r, change); err != nil {
			return nil, err
		}
		if m, err := w.fill(ctx, r, change.ID, data); err == nil || !there(err) {
			return m, wrap("fill", change.ID, err)
		}
	}
	return w.complete(ctx, r, change, values)
}

// fill gives all values to a Secret that has none.
func (w *writing) fill(ctx context.Context, r resource, id render.ID, data map[string]any) (metav1.Object, error) {
	encoded := make(map[string]any, len(data))
	for name, value := range data {
		encoded[name] = base64.StdEncoding.EncodeToString([]byte(value.(string)))
	}
	m, err := w.amend(ctx, r, id, types.JSONPatchType, []map[string]any{
		{"op": "test", "path": "/data", "value": nil}, {"op": "add", "path": "/data", "value": encoded}})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// mayComplete refuses to add keys to a Secret that may be somebody else's.
func (w *writing) mayComplete(ctx context.Context, r resource, change plan.Change) error {
	if _, ours := w.p.Inventory.Find(change.ID); ours {
		return nil // a crash came between its creation and the inventory
	}
	request, cancel := bounded(ctx)
	defer cancel()
	m, err := w.api.meta(r, change.ID.Namespace).Get(request, change.ID.Name, metav1.GetOptions{})
	if err != nil {
		return wrap("find out whose it is: look at", change.ID, err)
	}
	if owner := m.Labels[render.LabelApp]; owner != "" && owner != w.p.Target.App {
		return foreignObject(change, owner)
	}
	return nil
}

// complete adds the missing keys to a Secret that exists, each by a patch of its
// own that the API server refuses where the key is there.
func (w *writing) complete(ctx context.Context, r resource, change plan.Change, values map[string]string) (metav1.Object, error) {
	var m *metav1.PartialObjectMetadata
	var err error
	var added []string
	for _, key := range change.Object.Generate.Keys {
		if !slices.Contains(change.Missing, key.Name) {
			continue
		}
		patch := []map[string]any{{"op": "test", "path": "/data/" + pointer(key.Name), "value": nil}}
		from := standsOn(change.Object.Generate.Keys, key, added)
		if from == "" {
			value := base64.StdEncoding.EncodeToString([]byte(values[key.Name]))
			patch = append(patch, map[string]any{"op": "add", "path": "/data/" + pointer(key.Name), "value": value})
		}
		switch m, err = w.amend(ctx, r, change.ID, types.JSONPatchType, patch); {
		case there(err):
			continue
		case err != nil:
			return nil, wrap("add key "+key.Name+" to", change.ID, err)
		case from != "":
			return nil, &render.Problem{Pos: change.Origin, Code: plan.CodeSecretKey,
				What: fmt.Sprintf("%s lacks key %s, which is made of %s, whose value nobody may read", change.ID, key.Name, from),
				Fix:  "set the key by hand to what it should be, or delete the Secret where no data depends on it"}
		}
		added = append(added, key.Name)
	}
	// The last write gives the version that is recorded; without one an empty
	// patch does.
	if m == nil {
		if m, err = w.amend(ctx, r, change.ID, types.MergePatchType, map[string]any{}); err != nil {
			return nil, wrap("look at", change.ID, err)
		}
	}
	return m, nil
}

// amend is one patch of a field or two. It bears a manager of its own, whose
// fields nobody takes over, and is answered with metadata alone.
func (w *writing) amend(ctx context.Context, r resource, id render.ID, form types.PatchType, patch any) (*metav1.PartialObjectMetadata, error) {
	text, err := json.Marshal(patch)
	if err != nil {
		return nil, err
	}
	request, cancel := bounded(ctx)
	defer cancel()
	w.wrote()
	return w.api.meta(r, id.Namespace).Patch(request, id.Name, form, text, metav1.PatchOptions{FieldManager: plan.GenerateManager})
}

// there reports whether the API server refused a patch because its test found a
// value (gopkg.in/evanphx/json-patch.v4: a missing one is equal to null). Its
// answer says no more than that the patch does not fit, where one about the
// object names a field (tried on 1.36).
func there(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details == nil || len(details.Causes) == 0
}

// pointer escapes one token of a JSON pointer (RFC 6901).
func pointer(token string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(token)
}

// standsOn names a key in the text of key whose value was not made just now;
// empty: there is none.
func standsOn(all []render.GeneratedKey, key render.GeneratedKey, made []string) string {
	for _, other := range all {
		if key.Length == 0 && strings.Contains(key.Text, "$("+other.Name+")") && !slices.Contains(made, other.Name) {
			return other.Name
		}
	}
	return ""
}

// Characters of generated values.
const (
	letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	digits  = "0123456789abcdef"
)

// makeUp makes the value of every key: the random ones, then those whose text
// stands on others, in order.
func makeUp(keys []render.GeneratedKey) (map[string]string, error) {
	values := make(map[string]string, len(keys))
	var known []string
	for _, key := range keys {
		if key.Length <= 0 {
			continue
		}
		alphabet := letters
		if key.Hex {
			alphabet = digits
		}
		text, err := random(key.Length, alphabet)
		if err != nil {
			return nil, err
		}
		values[key.Name] = key.Prefix + text
		known = append(known, "$("+key.Name+")", values[key.Name])
	}
	for _, key := range keys {
		if key.Length <= 0 {
			values[key.Name] = key.Prefix + strings.NewReplacer(known...).Replace(key.Text)
			known = append(known, "$("+key.Name+")", values[key.Name])
		}
	}
	return values, nil
}

// random is n characters, each as likely as any other of the alphabet.
func random(n int, alphabet string) (string, error) {
	out := make([]byte, 0, n)
	limit := 256 - 256%len(alphabet) // what is beyond would favour the first characters
	batch := make([]byte, 2*n)
	for len(out) < n {
		if _, err := rand.Read(batch); err != nil {
			return "", err
		}
		for _, b := range batch {
			if int(b) < limit && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out), nil
}
