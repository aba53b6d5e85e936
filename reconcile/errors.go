package reconcile

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// ErrSuperseded is the cause of a pass that a newer revision ended.
var ErrSuperseded = plan.ErrSuperseded

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
	var forbidden *forbiddenError
	switch {
	case errors.As(err, &held):
		return Held, &Failure{Kind: KindHeld, Text: held.why}
	case errors.Is(err, plan.ErrUnhealthy): // a CommandError too
		return Unhealthy, &Failure{Kind: KindHealth, Text: err.Error()}
	case errors.Is(err, sources.ErrNoRef), errors.Is(err, sources.ErrEmpty):
		return Invalid, &Failure{Kind: KindProblem, Text: err.Error() + advice(err)}
	case errors.Is(err, sources.ErrAuth), errors.Is(err, sources.ErrNotFound),
		apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), errors.As(err, &forbidden):
		return Errored, &Failure{Kind: KindCredential, Text: err.Error() + advice(err)}
	case rejected(err):
		return Invalid, &Failure{Kind: KindProblem, Text: err.Error()}
	case attempt >= attemptsBeforeError:
		return Errored, &Failure{Kind: KindTransient, Text: told(err)}
	default:
		return Retrying, &Failure{Kind: KindTransient, Text: told(err)}
	}
}

// advice says what to do about an answer of the remote; empty: nothing to add.
func advice(err error) string {
	switch {
	case errors.Is(err, sources.ErrEmpty):
		return "; push a first commit"
	case errors.Is(err, sources.ErrNoRef):
		return "; push it, or change ref in rondo.yaml"
	case errors.Is(err, sources.ErrAuth):
		return "; rondo's token must be allowed to read it"
	case errors.Is(err, sources.ErrNotFound):
		return "; check the address in rondo.yaml, and that rondo's token may read it"
	}
	return ""
}

// told is the text of err without the address of the request that failed, which
// would fill a commit status. Only the API server's requests still have theirs.
func told(err error) string {
	var request *url.Error
	if !errors.As(err, &request) {
		return err.Error()
	}
	return strings.Replace(err.Error(), request.Error(), "the API server cannot be reached: "+request.Err.Error(), 1)
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

// refusal is the error of a plan that cannot be carried out.
func refusal(refused []render.Problem) error {
	for _, p := range refused {
		if p.Code == plan.CodeForbidden {
			return &forbiddenError{p.What}
		}
	}
	return &render.Invalid{Problems: refused}
}

// forbiddenError says what the application's account may not do. No push can
// clear it, so it is none of the files' Problems.
type forbiddenError struct{ what string }

func (e *forbiddenError) Error() string { return e.what }

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
