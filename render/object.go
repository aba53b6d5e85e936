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
	// Generate lists the keys of a Secret that are made up in the cluster; Body
	// then has no data. nil: nothing is.
	Generate *Generate `json:"generate,omitempty"`
	// Copy says whose values a Secret has; Body then has no data. nil: nobody's.
	Copy *Copy `json:"copy,omitempty"`
	// Command: the object is a Job that runs once for its digest. A deployment
	// waits until it has succeeded before it applies what comes later, nobody
	// misses it once it is gone, and while it runs it is not pruned.
	Command bool `json:"command,omitempty"`
	// Tolerate: a Command that fails is told and does not fail the deployment.
	Tolerate bool `json:"tolerate,omitempty"`
	// Group names the data that the object holds or serves: "postgresql.default".
	// Once it leaves the bundle it is orphaned instead of pruned (spec 3.7):
	// labelled and kept, its pods stopped after a grace of seven days, and taken
	// back when it is declared again. Empty: the object is pruned.
	Group string `json:"group,omitempty"`
	// Keep: the object is never pruned and simply left: the claim of a service.
	Keep bool `json:"keep,omitempty"`
}

// Generate describes a Secret whose values rondo makes up when the object is
// created, and neither reads nor writes afterwards (design 3.9). A key that is
// missing later is added; the others keep their values.
type Generate struct {
	Keys []GeneratedKey `json:"keys"`
	// Lasting: data depends on the values, so a Secret that vanished after it was
	// applied is not made anew; the pass fails with E-SECRET-LOST.
	Lasting bool `json:"lasting,omitempty"`
}

// GeneratedKey is one key of a generated Secret: random characters after
// Prefix, or Text, in which $(key) stands for the value of another key.
type GeneratedKey struct {
	Name   string `json:"name"`
	Length int    `json:"length,omitempty"` // random characters; 0: Text is the value
	Hex    bool   `json:"hex,omitempty"`    // 0-9a-f instead of A-Za-z0-9
	Prefix string `json:"prefix,omitempty"`
	Text   string `json:"text,omitempty"`
}

// Copy describes a Secret whose values are those of another application's, which
// lets this one use its database (spec 3.4). The values are read as that one's
// account when the object is applied, and again when they have changed.
type Copy struct {
	App      string   `json:"app"`      // name of the application
	Database string   `json:"database"` // key of what it shares: "postgresql.default"
	Secret   string   `json:"secret"`   // name, in the namespace of that application
	Keys     []string `json:"keys"`     // those that are copied
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
		G *Generate `json:",omitempty"`
		C *Copy     `json:",omitempty"`
	}{o.APIVersion(), o.Body, o.Replicas, o.Generate, o.Copy})
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Account is the ServiceAccount that the object's pods run as; empty: the
// namespace's default, or there are none.
func (o Object) Account() string {
	at := any(o.Body)
	path := []string{"spec", "template", "spec", "serviceAccountName"}
	switch o.ID.Kind {
	case "CronJob":
		path = append([]string{"spec", "jobTemplate"}, path...)
	case "Pod":
		path = []string{"spec", "serviceAccountName"}
	}
	for _, field := range path {
		m, _ := at.(map[string]any)
		at = m[field]
	}
	name, _ := at.(string)
	return name
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
	// Keys says what became of each leaf key of the user's manifest, in file order.
	Keys []Key `json:"keys,omitempty"`
	// Check is asked of the application's public addresses once a deployment is
	// healthy; nil: nothing is.
	Check *Check `json:"check,omitempty"`
	// Shared is what other applications may read of this one; nil: nothing.
	Shared *Shared `json:"shared,omitempty"`
	// Reads lists the applications whose variables the files refer to, sorted, as
	// they are written: "billing/production".
	Reads []string `json:"reads,omitempty"`
	// Once are the values that later renderings find in [Facts].Once as soon as
	// this Bundle was stored to be applied: what may not change under data.
	Once map[string]string `json:"once,omitempty"`
	// Marks are the same, as soon as a deployment of this Bundle has succeeded.
	Marks map[string]string `json:"marks,omitempty"`
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
