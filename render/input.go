package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"rondo.dev/rondo/sources"
)

// Domain is the label and annotation domain of rondo; the "$P" of the
// manifest reference.
const Domain = "rondo.dev"

// Labels that every object bears. LabelApp selects what rondo watches; its
// value is the application's name, the key of queue, inventory and ledger.
const (
	LabelApp         = Domain + "/app"
	LabelEnvironment = Domain + "/environment"
	LabelManagedBy   = "app.kubernetes.io/managed-by"
	ManagedBy        = "rondo"
)

// Annotations that users may set on an object.
const (
	AnnotationPrune     = Domain + "/prune"     // "disabled": never pruned
	AnnotationReconcile = Domain + "/reconcile" // "paused", on the inventory: nothing is changed
)

// Facts is whatever rendering needs besides the files: all of it, printable,
// and part of the input digest. The zero value renders for any recent cluster.
type Facts struct {
	ClusterVersion string            `json:"cluster_version,omitempty"` // "1.36"; empty: newest known
	IngressClass   string            `json:"ingress_class,omitempty"`   // empty: the cluster's default class
	NodePorts      bool              `json:"node_ports,omitempty"`      // no load balancers: tcp and udp numbers 30000-32767 become node ports
	Variables      map[string]string `json:"variables,omitempty"`       // application variables set through the API
}

// Input is all that [Render] looks at.
type Input struct {
	Snapshot    sources.Snapshot
	App         string // application's name in rondo.yaml; also the label
	Environment string // selects the environment level of the manifest
	Namespace   string // where everything goes; never taken from the files
	Manifest    string // path of the manifest; empty: the usual places
	// Images gives service name to image reference for what was built.
	Images map[string]string
	Facts  Facts
	// Incomplete goes on where the manifest asks for what is not built yet.
	Incomplete bool
}

// Builder turns the user's files into objects.
type Builder interface {
	// Build reads what it needs from in.Snapshot. Problems in the user's files
	// come back as such, also when objects are nil; err is for everything else:
	// an unreadable mirror, a cancelled context. Objects need neither rondo's
	// own labels nor an order; [Render] gives them both.
	Build(ctx context.Context, in Input) (objects []Object, problems []Problem, err error)
	// Inputs lists the paths that Build would read for in, whether they exist
	// or not, sorted. Together with Facts and Images they decide the result.
	Inputs(in Input) []string
}

// InputDigest identifies everything that decides what [Render] makes of in, at
// the cost of a few tree look-ups: no file is read. Version is rondo's own, so
// that a new release renders again at the next revision.
func InputDigest(in Input, b Builder, version string) (string, error) {
	type file struct{ Path, Hash string }
	var files []file
	for _, path := range b.Inputs(in) {
		hash, err := in.Snapshot.Hash(path)
		if err != nil {
			// Missing, a link, too large: that is part of the input as well.
			kind := errorKind(err)
			if kind == "" {
				return "", fmt.Errorf("read %s: %w", path, err)
			}
			hash = "unreadable: " + kind
		}
		files = append(files, file{path, hash})
	}
	sum := sha256.New()
	err := json.NewEncoder(sum).Encode(struct {
		Version, App, Environment, Namespace, Manifest string
		Images                                         map[string]string
		Facts                                          Facts
		Incomplete                                     bool
		Files                                          []file
	}{version, in.App, in.Environment, in.Namespace, in.Manifest, in.Images, in.Facts, in.Incomplete, files})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}
