package render

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"rondo.dev/rondo/sources"
)

// ID is the identity of an object for its whole life. The API version is not
// part of it: an object keeps its identity when its kind moves from v1beta1 to
// v1. Namespace is empty for objects of the whole cluster.
type ID struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String prints Kind/namespace/name, or Kind/name where there is no namespace.
func (id ID) String() string {
	if id.Namespace == "" {
		return id.Kind + "/" + id.Name
	}
	return id.Kind + "/" + id.Namespace + "/" + id.Name
}

// Less orders identities: by namespace, kind, group, name.
func (id ID) Less(other ID) bool {
	return id.key() < other.key()
}

func (id ID) key() string {
	return strings.Join([]string{id.Namespace, id.Kind, id.Group, id.Name}, "\x00")
}

// Object is one Kubernetes object as rondo applies it.
type Object struct {
	ID      ID     `json:"id"`
	Version string `json:"version"` // API version without the group: "v1"
	// Body holds exactly the fields that are applied, apiVersion, kind and
	// metadata included. Numbers are int64 or float64, so that it survives JSON.
	Body   map[string]any   `json:"body"`
	Origin sources.Position `json:"origin"`
	Stage  Stage            `json:"stage"`
	// Wave orders workloads inside their stage (spec 2.9, requires): wave 1 is
	// applied once wave 0 is available.
	Wave int `json:"wave,omitempty"`
	// Replicas is set where spec.replicas is seeded at creation and clamped
	// later instead of being applied; Body then has no spec.replicas.
	Replicas *Range `json:"replicas,omitempty"`
}

// Range is what a seeded count may be, both ends included.
type Range struct {
	Min int64 `json:"min"`
	Max int64 `json:"max"` // 0: no upper end
}

// Clamp moves n into the range.
func (r Range) Clamp(n int64) int64 {
	if n < r.Min {
		return r.Min
	}
	if r.Max > 0 && n > r.Max {
		return r.Max
	}
	return n
}

// APIVersion is the group and version as Kubernetes writes them: "apps/v1".
func (o Object) APIVersion() string {
	if o.ID.Group == "" {
		return o.Version
	}
	return o.ID.Group + "/" + o.Version
}

// Digest is a keyed hash of all that applying o depends on: body, seeded range,
// API version. The key keeps the digest of a Secret from being guessed.
func (o Object) Digest(key []byte) string {
	mac := hmac.New(sha256.New, key)
	// Encoding a map of plain values cannot fail; its keys come out sorted.
	_ = json.NewEncoder(mac).Encode(struct {
		V string
		B map[string]any
		R *Range
	}{o.APIVersion(), o.Body, o.Replicas})
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Labels are the labels of the object itself; nil where it has none.
func (o Object) Labels() map[string]string { return stringMap(o.Body, "labels") }

// Annotations are the annotations of the object itself; nil where it has none.
func (o Object) Annotations() map[string]string { return stringMap(o.Body, "annotations") }

func stringMap(body map[string]any, field string) map[string]string {
	meta, _ := body["metadata"].(map[string]any)
	in, _ := meta[field].(map[string]any)
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[k] = fmt.Sprint(v)
	}
	return out
}

// Bundle is all that one revision asks of the cluster, in apply order.
type Bundle struct {
	Objects []Object `json:"objects"`
	// Problems are the warnings and infos found on the way, in file order. They
	// hold no error: a Bundle with an error is not made.
	Problems []Problem `json:"problems,omitempty"`
}

// Digest is a keyed hash of all objects and their order; the Problems do not count.
func (b Bundle) Digest(key []byte) string {
	mac := hmac.New(sha256.New, key)
	for _, o := range b.Objects {
		fmt.Fprintf(mac, "%s %d %d %s\n", o.ID.key(), o.Stage, o.Wave, o.Digest(key))
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Find returns the object with this identity.
func (b Bundle) Find(id ID) (Object, bool) {
	for _, o := range b.Objects {
		if o.ID == id {
			return o, true
		}
	}
	return Object{}, false
}
