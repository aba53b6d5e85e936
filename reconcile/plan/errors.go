package plan

import (
	"errors"

	"rondo.dev/rondo/render"
)

// ErrDrift ends a wait for health early: an object of the application was
// changed by somebody else meanwhile, so the pass plans again.
var ErrDrift = errors.New("the cluster changed while waiting")

// ErrUnhealthy says that what was applied did not become healthy; with it ends
// a wait at its deadline, and a deployment whose wave failed.
var ErrUnhealthy = errors.New("not healthy")

// ErrSuperseded is the cause of a pass that a newer revision ended.
var ErrSuperseded = errors.New("superseded by a newer revision")

// CommandError says that a Job which the deployment waits for did not succeed.
// It is an ErrUnhealthy.
type CommandError struct {
	ID  render.ID
	Why string // "exit code 1", without values
	// Early: no workload of the revision was written yet, so that the cluster
	// goes back to what it had.
	Early bool
}

func (e *CommandError) Error() string {
	text := e.ID.String() + " failed: " + e.Why
	if e.Early {
		text += "; nothing was rolled out"
	}
	return text
}

func (e *CommandError) Is(target error) bool { return target == ErrUnhealthy }
