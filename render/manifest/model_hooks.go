package manifest

import "rondo.dev/rondo/sources"

// Moment is when a hook runs, in the order of a deployment.
type Moment uint8

const (
	FirstThing     Moment = iota // before data components and workloads
	BeforeData                   // before a data component is applied
	AfterData                    // after it is there
	BeforeServices               // before the commands of services
	BeforeRestart                // after them, before the first workload
	BeforeEdge                   // after all workloads, before routes
	AfterServices                // after everything else
)

// Hook is a command that a deployment waits for at a moment (spec 5.2).
type Hook struct {
	Pos    sources.Position
	Point  string // as written: "before_restart"
	Moment Moment
	// Engine is that of before_<engine> and after_<engine>; the hook belongs only
	// to deployments that change the component.
	Engine string
	Name   string // of its objects, without what tells runs apart

	Service string // object name of the service whose image and variables it has; empty: Client
	Client  string // engine whose image it has, and the application's variables

	Words    []string
	Env      []Variable // beyond those of the service; they override
	Files    []HookFile
	User     *int64   // nil: that of the image
	Tolerate bool     // a failure does not end the deployment
	Nodes    []string // one run on each; nil: one run anywhere
}

// HookFile is a script that stands in the container of a hook.
type HookFile struct {
	Pos        sources.Position
	Name       string // of its ConfigMap
	Path       string // absolute
	Text       string
	Executable bool
}
