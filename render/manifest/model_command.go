package manifest

import (
	"time"

	"rondo.dev/rondo/sources"
)

// Steps are the commands of a service that run around a deployment or at the
// start of each Pod (spec 2.8).
type Steps struct {
	Build  *BuildStep // nil: none
	Deploy *Step      // nil: none
	Init   []InitStep // in the order in which they run
}

// Step is a command that runs to its end.
type Step struct {
	Pos   sources.Position
	Words []string // split, or wrapped in a shell (spec 2.5)
}

// BuildStep is a command that runs until one deployment has succeeded.
type BuildStep struct {
	Step
	Due bool // false: a deployment of an earlier revision has succeeded
}

// InitStep is a container that runs before that of the service in each Pod.
type InitStep struct {
	Pos   sources.Position
	Name  string   // of the container
	Image string   // empty: the service's own
	Words []string // nil: the image's own; never with an Image of ""
}

// Commands are the jobs and hooks of an application (spec 2.17, 5.2).
type Commands struct {
	Jobs  []Job  // in file order
	Hooks []Hook // those of this deployment, in the order in which they run
}

// Job is one entry of jobs.
type Job struct {
	Pos     sources.Position
	Name    string // of the CronJob, at most 52 characters
	RawName string
	Service string   // object name of the service whose image, variables and volumes it has
	Words   []string // the shell, the command, the job's name and its arguments

	Schedule string // five fields or a macro; empty: on demand
	TimeZone string // "Europe/Berlin"
	Paused   bool
	// PauseDuringDeploy suspends it while a deployment runs.
	PauseDuringDeploy bool
	Concurrency       string        // Kubernetes' word: Forbid, Allow, Replace
	Deadline          time.Duration // latest start after the scheduled time
	Timeout           time.Duration // longest run; 0: none
	Retries           int64
	Keep              int64 // finished runs that are kept, of each outcome
}
