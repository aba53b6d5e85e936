package plan

import (
	"slices"
	"time"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// Target is where an application lives and as whom its objects are written.
type Target struct {
	App            string
	Namespace      string
	ServiceAccount string // impersonated in Namespace; empty only with single tenancy
	Ignore         []Ignore
}

// Ignore names fields that are left alone: JSON pointers, never expressions (threats T28).
type Ignore struct {
	Kind     string   // "Deployment"; empty: any
	Name     string   // empty: any
	Pointers []string // "/spec/replicas"
}

// Inventory is what the application applied before: the only things that prune
// may touch. The zero value is that of an application never applied.
type Inventory struct {
	Entries []Entry `json:"entries"`
	// Revision is the revision applied last, as text; Pass the number of the
	// pass that claimed the inventory, for people who read it.
	Revision string `json:"revision,omitempty"`
	Pass     int64  `json:"pass,omitempty"`
	Holder   string `json:"holder,omitempty"` // daemon that wrote it
	// Version is the resourceVersion it was read at; empty: it does not exist.
	Version string `json:"-"`
	// Broken says why its HMAC or encoding could not be trusted: nothing is
	// pruned then, and the Plan says so.
	Broken string `json:"-"`
	// Paused is the annotation rondo.dev/reconcile: paused.
	Paused bool `json:"-"`
}

// Entry is one applied object.
type Entry struct {
	ID      render.ID `json:"id"`
	Version string    `json:"v"`            // API version without group
	Digest  string    `json:"d,omitempty"`  // [render.Object.Digest] of what was applied; empty: announced, not yet applied
	Mark    Mark      `json:"m"`            // for telling drift
	NoPrune bool      `json:"k,omitempty"`  // annotated rondo.dev/prune: disabled
	Seeded  bool      `json:"s,omitempty"`  // spec.replicas belongs to rondo-seed
	Group   string    `json:"gr,omitempty"` // [render.Object.Group]
	Keep    bool      `json:"kp,omitempty"` // [render.Object.Keep]
	Command bool      `json:"cm,omitempty"` // [render.Object.Command]
	// Keys are those of a generated Secret that were made; it is neither read
	// nor written for them any more.
	Keys []string     `json:"ks,omitempty"`
	Copy *render.Copy `json:"cp,omitempty"` // [render.Object.Copy]
	// Orphaned is when the object left the bundle and was kept for its Group, in
	// seconds since 1970; 0: it is in use. Stopped: its pods were stopped since.
	Orphaned int64 `json:"or,omitempty"`
	Stopped  bool  `json:"st,omitempty"`
	// Failed: a Command that did not succeed. The next deployment runs it again.
	Failed bool `json:"fl,omitempty"`
	// Fresh: data that was created, and that no deployment has seen ready yet.
	Fresh bool `json:"fr,omitempty"`
	// Suspended: a CronJob that a deployment has suspended until its end.
	Suspended bool   `json:"su,omitempty"`
	Origin    string `json:"origin,omitempty"` // file:line it came from, for the text of a prune
}

// Mark is what an object looked like right after the apply (design 3.7).
type Mark struct {
	UID        string `json:"u,omitempty"`
	Fields     string `json:"f,omitempty"` // hash of fieldsV1 and time of our entry in managedFields
	Generation int64  `json:"g,omitempty"` // 0 where the kind has none
	Version    string `json:"r,omitempty"` // resourceVersion, always recorded
	Values     string `json:"h,omitempty"` // keyed hash of the values that our fields had
	Source     string `json:"s,omitempty"` // of a copy: resourceVersion of what it was made of
}

// Find returns the entry with this identity.
func (inv Inventory) Find(id render.ID) (Entry, bool) {
	for _, e := range inv.Entries {
		if e.ID == id {
			return e, true
		}
	}
	return Entry{}, false
}

// Live is what a pass learned from the cluster: the inventory, and the objects
// that changed or drifted. An object that is not in Objects was not read, which
// says that its digest is the inventory's and that it did not drift.
type Live struct {
	Inventory Inventory
	Objects   map[render.ID]LiveObject
	// Drifts are those known when Live was read, by object.
	Drifts map[render.ID]Drift
	// NoAccounts are ServiceAccounts that pods are to run as and that do not exist.
	NoAccounts map[string]bool
}

// LiveObject is one object as the cluster has it now.
type LiveObject struct {
	Exists bool
	// Body is the whole live object, managedFields included; nil when it does
	// not exist.
	Body map[string]any
	// DryRun is what the API server would make of the apply; nil when it was not asked.
	DryRun map[string]any
	// Refused is the API server's answer to the dry-run when it was an error of
	// the object itself: invalid, immutable, forbidden. It holds no values.
	Refused string
	// Forbidden: it was about rights, which a person grants; nothing is wrong with the object.
	Forbidden bool
	// Unseen: the account may not look at the object, a generated or copied Secret,
	// so nobody knows whether it exists.
	Unseen bool
	// Source is the resourceVersion of what the object is a copy of; empty: nobody
	// knows, for now.
	Source string
}

// Drift says that an object is no longer as it was applied.
type Drift struct {
	ID      render.ID
	Missing bool
	Seen    time.Time
}

// Action is what a Change does.
type Action string

const (
	Create    Action = "create"
	Configure Action = "configure" // differs from what was applied
	Heal      Action = "heal"      // same digest, but somebody changed it
	Recreate  Action = "recreate"  // Jobs only: immutable, so delete and create
	Unchanged Action = "unchanged"
	Prune     Action = "prune"
	Orphan    Action = "orphan" // kept with its data, and labelled; Stop also stops its pods
	Skip      Action = "skip"   // left alone on purpose; Reason says why
)

// Change is one line of a Plan.
type Change struct {
	Action Action           `json:"action"`
	ID     render.ID        `json:"id"`
	Origin sources.Position `json:"origin"`           // zero for prunes: they come from the inventory
	Reason string           `json:"reason,omitempty"` // "gone from git", "adopted", "spec.replicas taken by kubectl-scale"
	Fields []FieldChange    `json:"fields,omitempty"` // what differs, secrets masked
	Digest string           `json:"digest,omitempty"`
	// Object is what is applied; nil for prunes. It never leaves the process
	// by way of a Plan: values of Secrets are in it.
	Object *render.Object `json:"-"`
	// Replicas is the value that rondo-seed applies; nil: none to apply.
	Replicas *int64 `json:"replicas,omitempty"`
	// Release: rondo-seed must apply this live value just before the main apply
	// lets go of spec.replicas (design 3.8).
	Release bool `json:"release,omitempty"`
	// TakeOver: fields of listed foreign managers are taken over and removed first.
	TakeOver bool `json:"take_over,omitempty"`
	// Version of the inventory entry, for prunes.
	Version string `json:"version,omitempty"`
	// UID of the live object that is pruned or recreated, as a precondition; may be empty.
	UID string `json:"uid,omitempty"`
	// Forget: the inventory drops the entry of this skip or orphan. Other skips keep it.
	Forget bool `json:"forget,omitempty"`
	// Remember: the inventory's entry of this unchanged object is written again,
	// for what it says of it without being applied: Group, Keep, Command.
	Remember bool `json:"remember,omitempty"`
	// Group is that of an orphan, and Since when it left the bundle, in seconds since 1970. Stop: its
	// pods are stopped. Return: an orphan that is declared again loses its label.
	Group  string `json:"group,omitempty"`
	Since  int64  `json:"since,omitempty"`
	Stop   bool   `json:"stop,omitempty"`
	Return bool   `json:"return,omitempty"`
	// Keys are those that a generated Secret has once the change is carried out;
	// Missing those of them that have to be made.
	Keys    []string `json:"keys,omitempty"`
	Missing []string `json:"missing,omitempty"`
	// Spent: the prune is that of a Command that has ended, which is no loss.
	Spent bool `json:"spent,omitempty"`
	// Await: the object is a Command that still runs. Nothing is written before it
	// has ended, for Deadline at most.
	Await    bool          `json:"await,omitempty"`
	Deadline time.Duration `json:"deadline,omitempty"`
	// Fresh: the object is data that is created, or was and has not been seen ready
	// since. A deployment waits for it before it applies what may use it.
	Fresh bool `json:"fresh,omitempty"`
	// Suspend: the object is a CronJob that is suspended before anything else is
	// written, and applied by [Resume] once the deployment has ended.
	Suspend bool `json:"suspend,omitempty"`
}

// FieldChange is one differing field. Values of Secrets are masked, long ones cut.
type FieldChange struct {
	Path    string `json:"path"`              // JSON pointer: "/spec/replicas"; in the live object where only that has it
	Field   string `json:"field,omitempty"`   // the same for people: "spec.template.spec.containers[web].image"
	Live    string `json:"live,omitempty"`    // compact JSON; empty: not set
	Want    string `json:"want,omitempty"`    // compact JSON; empty: to be removed
	Manager string `json:"manager,omitempty"` // who has the field now; empty: nobody or unknown
}

// Plan is what a pass would do, in order.
type Plan struct {
	Target  Target   `json:"-"`
	Changes []Change `json:"changes"`
	// Held says why the plan must not be carried out; empty: it may be.
	Held string `json:"held,omitempty"`
	// Refused says why it cannot be, by a fault of the files or a conflict with
	// another application; set as Problems, empty when it can be.
	Refused []render.Problem `json:"refused,omitempty"`
	// Inventory is what the plan was computed from; Apply claims it by its Version.
	Inventory Inventory `json:"-"`
	Revision  string    `json:"revision,omitempty"`
	Pass      int64     `json:"pass,omitempty"`
	// Deployment: the pass brings a new revision. Waves are waited for in a
	// deployment only, never while healing drift (spec 2.9).
	Deployment bool `json:"deployment,omitempty"`
	// WaveDeadline bounds the wait for each wave; zero: nothing does.
	WaveDeadline time.Duration `json:"-"`
}

// Suspends reports whether the plan suspends CronJobs until its deployment has ended.
func (p Plan) Suspends() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Suspend })
}

// Counts is how many changes of each action a Plan or Outcome holds.
type Counts map[Action]int

// Writes reports whether the plan changes anything in the cluster.
func (p Plan) Writes() bool {
	for _, c := range p.Changes {
		if c.Action != Unchanged && c.Action != Skip {
			return true
		}
	}
	return false
}

// Waits reports whether carrying the plan out waits for Jobs or for data.
func (p Plan) Waits() bool {
	for _, c := range p.Changes {
		if c.Await || c.Fresh || c.Object != nil && c.Object.Command && c.Action != Unchanged && c.Action != Skip {
			return true
		}
	}
	return false
}

// Outcome is what was done of a Plan; also when it ended in an error.
type Outcome struct {
	Done   []Done        `json:"done"`
	Writes int           `json:"writes"` // object writes, inventory not counted
	Took   time.Duration `json:"took"`
	// Notes are what went wrong and was tolerated, in sentences without values.
	Notes []string `json:"notes,omitempty"`
	// Inventory is the one written last.
	Inventory Inventory `json:"-"`
}

// Done is one change that was carried out, or tried.
type Done struct {
	Action Action    `json:"action"`
	ID     render.ID `json:"id"`
	Error  string    `json:"error,omitempty"` // without values; empty: done
}
