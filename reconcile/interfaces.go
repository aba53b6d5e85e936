package reconcile

import (
	"context"
	"errors"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// Source is the little that a pass needs of git.
type Source interface {
	// Resolve asks the remote what ref is now. ref is short. A ref that does not
	// exist is sources.ErrNoRef, an empty repository sources.ErrEmpty; both are
	// answers, not faults of the surroundings.
	Resolve(ctx context.Context, repo sources.Repo, ref string) (sources.Revision, error)
	// Open fetches what the mirror lacks of rev and gives its files.
	Open(ctx context.Context, repo sources.Repo, rev sources.Revision) (sources.Snapshot, error)
	// Message is the commit message of rev, from the mirror; trailers are read from it.
	Message(ctx context.Context, repo sources.Repo, rev sources.Revision) (string, error)
}

// Cluster is the little that a pass needs of Kubernetes.
type Cluster interface {
	// Bootstrap makes sure of the namespace and of the account that t is written
	// as, by rondo's own identity. Done before, it costs nothing.
	Bootstrap(ctx context.Context, t plan.Target) error
	// Facts are the cluster's part of render.Facts.
	Facts(ctx context.Context) (render.Facts, error)
	// Nodes are the labels of the cluster's nodes; not known where nobody may list them.
	Nodes(ctx context.Context) (labels []map[string]string, known bool, err error)
	// Live reads the inventory, and the objects that changed or drifted: those
	// of b and of the inventory whose digests differ. With dryRun every object
	// of b is read and tried on the API server.
	Live(ctx context.Context, t plan.Target, b render.Bundle, dryRun bool) (plan.Live, error)
	// Apply carries out p in order. The Outcome holds what was done, also on error.
	Apply(ctx context.Context, p plan.Plan) (plan.Outcome, error)
	// Wait returns once every object of b is healthy, one has failed, one has
	// drifted (plan.ErrDrift), or ctx ends; the Report is that of the moment it
	// returns, also with an error.
	Wait(ctx context.Context, t plan.Target, b render.Bundle) (health.Report, error)
	// Observe reads what the score needs beyond rendering.
	Observe(ctx context.Context, t plan.Target, b render.Bundle) (score.Observed, error)
	// Remove deletes the inventory of an application that has no objects left.
	Remove(ctx context.Context, t plan.Target) error
}

// ErrFenced says that another daemon has become active. What this one still
// does is recorded nowhere.
var ErrFenced = errors.New("another daemon is active now")

// Journal is the little that a pass needs of the ledger. Every method commits
// before it returns. Once another daemon is active, those that write give
// ErrFenced.
type Journal interface {
	// State is zero for an application never seen.
	State(ctx context.Context, app string) (State, error)
	// Begin opens a pass and gives it its number.
	Begin(ctx context.Context, r Result) (pass int64, err error)
	// Record stores r as it is now, the messages it gives rise to, and the state
	// of its application. It may be called many times for one pass.
	Record(ctx context.Context, r Result, s State, messages []Message) error
	// Tell enqueues messages that belong to no pass.
	Tell(ctx context.Context, messages []Message) error
	// Artifact stores, sealed, what a pass is about to apply; LoadArtifact gives
	// back the newest, and false when there is none. It takes the place of the
	// newest where instead says so; of the others one is kept.
	Artifact(ctx context.Context, app string, a Artifact, instead bool) error
	LoadArtifact(ctx context.Context, app string) (Artifact, bool, error)
	// LoadApplied gives back the one of the kept artifacts with that input
	// digest, and false when there is none.
	LoadApplied(ctx context.Context, app, inputDigest string) (Artifact, bool, error)
	// Delete forgets the state and the artifacts of a removed application; its
	// passes stay as history.
	Delete(ctx context.Context, app string) error
}

// Artifact is a stored Bundle: what the loop holds an application at.
type Artifact struct {
	Revision    sources.Revision `json:"revision"`
	InputDigest string           `json:"input_digest"`
	Bundle      render.Bundle    `json:"bundle"`
}
