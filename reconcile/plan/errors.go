package plan

import (
	"errors"
	"time"

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

func (e *CommandError) early() bool { return e.Early }

// DataError says that data did not become ready after it was created, so that
// nothing was rolled out that may use it. It is an ErrUnhealthy.
type DataError struct {
	ID    render.ID
	After time.Duration // that was waited; 0: it failed before
	Why   string        // "0 of 1 pod ready", without values
}

func (e *DataError) Error() string {
	text := e.ID.Name + " is not ready"
	if e.After > 0 {
		text += " after " + e.After.String()
	}
	return text + ": " + e.Why + "; nothing was rolled out"
}

func (e *DataError) Is(target error) bool { return target == ErrUnhealthy }

func (e *DataError) early() bool { return true }

// Early reports whether err ended a deployment before a workload of its
// revision was written, so that the cluster goes back to what it had.
func Early(err error) bool {
	var failed interface {
		error
		early() bool
	}
	return errors.As(err, &failed) && failed.early()
}
