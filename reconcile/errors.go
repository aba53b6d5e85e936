package reconcile

import (
	"context"
	"errors"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// ErrSuperseded is the cause of a pass that a newer revision ended.
var ErrSuperseded = errors.New("superseded by a newer revision")

// errUnhealthy says that what was applied did not become healthy; it is also
// the cause that ends a wait at its deadline.
var errUnhealthy = errors.New("not healthy")

// Kinds of a [Failure]; each decides what happens next.
const (
	KindProblem    = "problem"    // a fault in the files: waits for a push
	KindHeld       = "held"       // a plan that a person must release
	KindHealth     = "health"     // applied, not healthy: waits for a push
	KindCredential = "credential" // waits for the operator, retried slowly
	KindTransient  = "transient"  // retried
	KindFought     = "fought"     // somebody else keeps taking a field
)

// attemptsBeforeError is how often a fault of the surroundings is retried
// before the commit is told; with the delays of [RetryDelay] that is half a minute.
const attemptsBeforeError = 5

// conclude is the one place where an error becomes a Condition and a Failure.
func conclude(ctx context.Context, err error, attempt int) (Condition, *Failure) {
	if errors.Is(err, ErrSuperseded) || errors.Is(context.Cause(ctx), ErrSuperseded) {
		return Superseded, nil
	}
	if problems := render.AsProblems(err); problems != nil {
		return Invalid, &Failure{Kind: KindProblem, Text: err.Error()}
	}
	var held *heldError
	switch {
	case errors.As(err, &held):
		return Held, &Failure{Kind: KindHeld, Text: held.why}
	case errors.Is(err, errUnhealthy):
		return Unhealthy, &Failure{Kind: KindHealth, Text: err.Error()}
	case errors.Is(err, sources.ErrNoRef), errors.Is(err, sources.ErrEmpty):
		return Invalid, &Failure{Kind: KindProblem, Text: err.Error()}
	case errors.Is(err, sources.ErrAuth), errors.Is(err, sources.ErrNotFound),
		apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return Errored, &Failure{Kind: KindCredential, Text: err.Error()}
	case rejected(err):
		return Invalid, &Failure{Kind: KindProblem, Text: err.Error()}
	case attempt >= attemptsBeforeError:
		return Errored, &Failure{Kind: KindTransient, Text: err.Error()}
	default:
		return Retrying, &Failure{Kind: KindTransient, Text: err.Error()}
	}
}

// rejected reports whether the API server refused an object for what it is.
func rejected(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	code := status.Status().Code
	return code == http.StatusUnprocessableEntity || code == http.StatusBadRequest
}

// heldError stops a pass whose plan must not be carried out.
type heldError struct{ why string }

func (e *heldError) Error() string { return "held: " + e.why }

// RetryDelay is how long to wait after the attempt-th try, from 1: doubling
// from one second to ten minutes.
func RetryDelay(attempt int) time.Duration {
	delay := time.Second
	for range min(max(attempt-1, 0), 10) {
		delay *= 2
	}
	return min(delay, 10*time.Minute)
}
