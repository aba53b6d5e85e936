package manifest

import (
	"time"

	"rondo.dev/rondo/render"
)

// Settings is what docker.configuration says (spec 1.7).
type Settings struct {
	Keep     *int64        // older revisions kept of each workload; nil: not written
	LogPaths []string      // globs of log files, as written
	Check    *render.Check // after a deployment; nil: none
	// Deadline bounds the rollout of the services in Checked, which have no health
	// of their own and got that of the application. Zero: there are none.
	Deadline time.Duration
	Checked  map[string]bool // object names
}
