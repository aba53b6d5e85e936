package reconcile

import (
	"reflect"
	"time"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/reconcile/score"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// Application is one repository plus one environment. Its name is the key of
// queue, inventory and ledger.
type Application struct {
	Name           string       `json:"name"`
	Repo           sources.Repo `json:"repo"`
	Ref            string       `json:"ref"` // short
	Environment    string       `json:"environment"`
	Namespace      string       `json:"namespace"`
	ServiceAccount string       `json:"service_account,omitempty"`
	Manifest       string       `json:"manifest,omitempty"` // path; empty: the usual places
	Path           string       `json:"path,omitempty"`     // folder rendered instead of a manifest; empty: none
	// Policy is what the operator lets the application do to its nodes.
	Policy render.Policy `json:"policy,omitzero"`
	// ConfigStore is that of render.Facts; nil: not known.
	ConfigStore map[string]map[string]string `json:"config_store,omitempty"`
	// HealthDeadline bounds the wait for health of a deployment; default 5 min.
	HealthDeadline time.Duration `json:"health_deadline,omitempty"`
	Ignore         []plan.Ignore `json:"ignore,omitempty"`
	// Incomplete goes on where a manifest asks for what is not built yet.
	Incomplete bool `json:"incomplete,omitempty"`
}

// Target is where and as whom the application's objects are written.
func (a Application) Target() plan.Target {
	return plan.Target{App: a.Name, Namespace: a.Namespace, ServiceAccount: a.ServiceAccount, Ignore: a.Ignore}
}

// DefaultHealthDeadline is how long a deployment may take to become healthy.
const DefaultHealthDeadline = 5 * time.Minute

func (a Application) healthDeadline() time.Duration {
	if a.HealthDeadline > 0 {
		return a.HealthDeadline
	}
	return DefaultHealthDeadline
}

// sameOutput reports whether a and b render and write alike, so that a changed
// rondo.yaml deploys again only where it matters.
func (a Application) sameOutput(b Application) bool {
	a.HealthDeadline, b.HealthDeadline = 0, 0
	return reflect.DeepEqual(a, b)
}

// Trigger says why a pass runs.
type Trigger string

const (
	TriggerPush    Trigger = "push"    // webhook or poll: the ref moved
	TriggerDrift   Trigger = "drift"   // the cluster moved
	TriggerSync    Trigger = "sync"    // a person asked
	TriggerResume  Trigger = "resume"  // after a pause
	TriggerRetry   Trigger = "retry"   // the pass before ended in an error
	TriggerRestart Trigger = "restart" // the daemon started
	TriggerRemove  Trigger = "remove"  // confirmed removal
	TriggerCheck   Trigger = "check"   // head of a pull request: rendered, never applied
	TriggerShared  Trigger = "shared"  // another application changed what this one reads of it
	TriggerHealth  Trigger = "health"  // after a deployment: its public addresses are asked
)

// Condition is how a pass ended, and what the loop holds since (design 3.5).
// The empty Condition means that the pass is still running.
type Condition string

const (
	Running    Condition = ""
	Live       Condition = "live"       // applied and healthy
	Unhealthy  Condition = "unhealthy"  // applied, did not become healthy; held as applied
	Invalid    Condition = "invalid"    // a fault in the files; the last applied bundle is kept
	Held       Condition = "held"       // the plan would delete too much, or takes over what is not its own
	Errored    Condition = "error"      // gave up on a fault of the surroundings; retried slowly
	Retrying   Condition = "retrying"   // a fault of the surroundings; retried soon
	Superseded Condition = "superseded" // a newer revision took over
	Healed     Condition = "healed"     // drift put back
	Fought     Condition = "fought"     // the same field was put back too often; stopped
	Paused     Condition = "paused"     // nothing was changed, on request
	Removed    Condition = "removed"    // everything of it was deleted
)

// Failure says what stopped a pass.
type Failure struct {
	Kind string `json:"kind"` // one of the Kind constants
	Text string `json:"text"` // stands alone; holds no secret
}

// Stage is one timed step of a pass.
type Stage struct {
	Name string        `json:"name"` // resolve, fetch, render, read, plan, apply, wait, score
	Took time.Duration `json:"took"`
}

// Result is everything one pass saw and did.
type Result struct {
	Pass        int64            `json:"pass"` // number, unique in the ledger, ascending
	App         Application      `json:"app"`
	Trigger     Trigger          `json:"trigger"`
	Revision    sources.Revision `json:"revision"`
	Previous    sources.Revision `json:"previous"` // what was live before; may be zero
	Condition   Condition        `json:"condition"`
	Was         Condition        `json:"was,omitempty"`    // the application's condition before the pass
	Paused      *Pause           `json:"paused,omitempty"` // who, when Condition is Paused
	Started     time.Time        `json:"started"`          // UTC
	Ended       time.Time        `json:"ended"`            // zero while running
	Stages      []Stage          `json:"stages,omitempty"`
	InputDigest string           `json:"input_digest,omitempty"`
	// SameInput: the files the application reads did not change, so nothing
	// was rendered or written (design 3.4).
	SameInput bool `json:"same_input,omitempty"`
	// Rendered: Problems are those of this revision, also when there are none.
	Rendered bool             `json:"rendered,omitempty"`
	Problems []render.Problem `json:"problems,omitempty"`
	// KeyCounts counts the leaf keys of the manifest by what became of them. Keys
	// lists the first [MaxKeys] of them, where the files were rendered in this
	// pass; with SameInput they are those of an earlier one.
	KeyCounts render.KeyCounts `json:"key_counts,omitempty"`
	Keys      []render.Key     `json:"keys,omitempty"`
	Plan      *plan.Plan       `json:"plan,omitempty"`
	Outcome   *plan.Outcome    `json:"outcome,omitempty"`
	Health    *health.Report   `json:"health,omitempty"`
	Score     *score.Score     `json:"score,omitempty"`
	Failure   *Failure         `json:"failure,omitempty"`
	Check     *health.Check    `json:"check,omitempty"` // what the public addresses answered
	// CheckAt is when they are to be asked; zero: they are not.
	CheckAt time.Time `json:"check_at,omitzero"`
	// Readers are the applications that read of this one what has changed.
	Readers []string `json:"-"`
	// Newer is the revision that superseded this one.
	Newer sources.Revision `json:"newer"`
	// Attempt counts the tries of this revision from 1.
	Attempt int `json:"attempt,omitempty"`
}

// MaxKeys bounds the Keys of a Result; a manifest of twelve services has some
// hundreds.
const MaxKeys = 5000

// Deployment reports whether the pass brought, or tried to bring, a revision.
func (r Result) Deployment() bool {
	return r.Trigger != TriggerDrift && r.Trigger != TriggerRemove && r.Trigger != TriggerCheck && r.Trigger != TriggerHealth && !r.Revision.IsZero()
}

// State is what the ledger knows of an application between passes.
type State struct {
	App       string           `json:"app"`
	Seen      sources.Revision `json:"seen"`    // newest revision that a pass brought to an end
	Applied   sources.Revision `json:"applied"` // revision of the artifact: what the loop holds
	Live      sources.Revision `json:"live"`    // newest revision that was live
	Condition Condition        `json:"condition"`
	Sentence  string           `json:"sentence"` // why, in one sentence
	// InputDigest is that of Applied.
	InputDigest string    `json:"input_digest,omitempty"`
	Pass        int64     `json:"pass"` // newest pass
	Changed     time.Time `json:"changed"`
	Paused      *Pause    `json:"paused,omitempty"`
	Orphaned    bool      `json:"orphaned,omitempty"` // no longer in rondo.yaml; kept as it is
	Score       string    `json:"score,omitempty"`    // overall grade of the newest score
	// Once is what later renderings find in [render.Facts].Once.
	Once map[string]string `json:"once,omitempty"`
	// ShareWith is who may use something of this application, Reads whose it
	// refers to, and Read a digest of what it was rendered with of theirs.
	ShareWith []string `json:"share_with,omitempty"`
	Reads     []string `json:"reads,omitempty"`
	Read      string   `json:"read,omitempty"`
	// Orphans are the data groups that left git and are kept, by their name.
	Orphans map[string]Orphan `json:"orphans,omitempty"`
	// LiveInput is the input digest of Live, Before that of what was live before it.
	LiveInput string `json:"live_input,omitempty"`
	Before    string `json:"before,omitempty"`
	// Check is a check of the public addresses that is to be made; nil: none.
	Check *Due `json:"check,omitempty"`
	// Suspended: a deployment has suspended CronJobs, and nobody has yet made sure
	// that they are as before.
	Suspended bool `json:"suspended,omitempty"`
	// Application is the configuration the newest pass ran with, so that an
	// orphan can still be removed.
	Application Application `json:"application"`
}

// settled reports whether rev was answered for app as it is configured now, so
// that seeing it again is no news.
func (s State) settled(rev sources.Revision, app Application) bool {
	switch s.Condition {
	case Retrying, Errored, Running:
		return false
	case Superseded:
		return false // the newer revision may be one that was live before
	case Paused:
		if s.Paused == nil {
			return false // resumed since
		}
	}
	return s.Seen == rev && s.Application.sameOutput(app)
}

// Pause says who stopped the loop of an application, and when.
type Pause struct {
	By    string    `json:"by"`
	Since time.Time `json:"since"`
}

// Message is one thing to tell the world: a commit status. Kind is "status";
// other kinds come with other channels.
type Message struct {
	Kind        string       `json:"kind"`
	Repo        sources.Repo `json:"repo"`
	Commit      string       `json:"commit"`  // full hash
	Context     string       `json:"context"` // "rondo/<app>/<environment>/<what>"
	State       string       `json:"state"`   // pending, success, failure, error
	Description string       `json:"description"`
	TargetURL   string       `json:"target_url,omitempty"`
	App         string       `json:"app"`
	Pass        int64        `json:"pass"`
}

// Pending is a message that waits in the outbox.
type Pending struct {
	ID      int64
	Message Message
	// Attempts counts those begun since a message of this key was last sent.
	Attempts int
	// Attempted is when the last attempt began whose end is not known for
	// certain; this message or one before it may have arrived then, so the
	// commit's statuses are read before it is sent. Zero: nothing can have.
	Attempted time.Time
	Due       time.Time
	Reason    string // of the last deferral; empty: none
}
