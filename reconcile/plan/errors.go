package plan

import "errors"

// ErrDrift ends a wait for health early: an object of the application was
// changed by somebody else meanwhile, so the pass plans again.
var ErrDrift = errors.New("the cluster changed while waiting")

// ErrUnhealthy says that what was applied did not become healthy; with it ends
// a wait at its deadline, and a deployment whose wave failed.
var ErrUnhealthy = errors.New("not healthy")
