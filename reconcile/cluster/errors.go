package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// ErrClaimed says that somebody else wrote the inventory after the plan was
// computed: another daemon, which holds the Lease now.
var ErrClaimed = errors.New("the inventory was claimed by somebody else")

// ErrPaused says that the annotation rondo.dev/reconcile: paused was set after
// the plan was computed.
var ErrPaused = errors.New("the application was paused")

// ErrForeign says that an object belongs to another application.
var ErrForeign = errors.New("belongs to another application")

// requestError is an answer of the API server, told without values. Unwrap
// gives the answer itself, for its code; its text may hold values.
type requestError struct {
	what string // "apply ConfigMap/shop/env"
	text string
	err  error
}

func (e *requestError) Error() string { return e.what + ": " + e.text }
func (e *requestError) Unwrap() error { return e.err }

// wrap tells err of a request about id without values.
func wrap(verb string, id render.ID, err error) error {
	if err == nil {
		return nil
	}
	return &requestError{what: verb + " " + id.String(), text: clean(id, err), err: err}
}

// problem is wrap for an apply: what the API server refuses for what the object
// is becomes a Problem, which only a push or a person can clear;
// the codes are those of a refused plan.
func problem(t plan.Target, id render.ID, origin sources.Position, err error) error {
	if !refused(err) {
		return wrap("apply", id, err)
	}
	text := clean(id, err)
	if !apierrors.IsInvalid(err) {
		err = apierrors.NewBadRequest(text)
	}
	if immutable(text) {
		return &render.Problem{Pos: origin, Code: "E-API-IMMUTABLE", What: fmt.Sprintf("%s cannot be changed in place: %s", id, text),
			Fix: fmt.Sprintf("restore the old value, or run: kubectl delete %s %s -n %s and then rondo sync %s",
				strings.ToLower(id.Kind), id.Name, id.Namespace, t.App), Err: err}
	}
	return &render.Problem{Pos: origin, Code: "E-API-REFUSED", What: fmt.Sprintf("the API server refuses %s: %s", id, text), Err: err}
}

// refused reports whether the API server will not take an object for what it
// is. A field of a wrong type in a server-side apply is answered with a 500.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err) ||
		apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed to create typed patch object")
}

// immutable reports whether the API server says that a field cannot change, in
// the words of apimachinery's validation and those of StatefulSets and claims.
func immutable(text string) bool {
	return strings.Contains(text, "immutable") || strings.Contains(text, "for fields other than")
}

// clean tells an API server's answer without values: from a list of causes the
// fields and what is wrong with them; else the message, without what it quotes.
// Of Secrets it tells the fields alone.
func clean(id render.ID, err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err.Error() // a fault of the connection
	}
	s := status.Status()
	if s.Details == nil || len(s.Details.Causes) == 0 || s.Reason != metav1.StatusReasonInvalid {
		if isSecret(id) && (s.Reason == metav1.StatusReasonInvalid || s.Reason == metav1.StatusReasonBadRequest) {
			return strings.ToLower(string(s.Reason))
		}
		if s.Reason == metav1.StatusReasonForbidden {
			return forbidden(s.Message)
		}
		message, _, _ := strings.Cut(s.Message, ", got &") // the value that a typed merge could not take
		return message
	}
	var texts []string
	for _, cause := range s.Details.Causes {
		text := cause.Field + ": "
		if isSecret(id) {
			text += strings.ToLower(string(cause.Type))
		} else {
			text += withoutValue(cause.Message)
		}
		texts = append(texts, strings.TrimPrefix(text, ": "))
	}
	return strings.Join(texts, "; ")
}

// forbidden shortens the API server's sentence about rights, so that a commit
// status holds which one is missing; other reasons, a quota for example, are
// left as they are (k8s.io/apiserver, responsewriters.ForbiddenMessage).
func forbidden(message string) string {
	_, reason, ok := strings.Cut(message, " is forbidden: ")
	if !ok {
		return message
	}
	var user, verb, resource, group string
	if n, err := fmt.Sscanf(reason, "User %q cannot %s resource %q in API group %q", &user, &verb, &resource, &group); n == 4 && err == nil {
		account := user[strings.LastIndexByte(user, ':')+1:]
		return fmt.Sprintf("account %s may not %s %s; grant it by a RoleBinding", account, verb, strings.TrimSuffix(resource+"."+group, "."))
	}
	return reason
}

// withoutValue takes the value out of the text of a field error, which is
// "Invalid value: <value>: <detail>" (k8s.io/apimachinery, field.Error.ErrorBody).
func withoutValue(message string) string {
	kind, rest, ok := strings.Cut(message, " value: ")
	if !ok || kind == "Required" {
		return message
	}
	kind += " value"
	var value string
	if quoted, err := strconv.QuotedPrefix(rest); err == nil {
		value = quoted
	} else {
		d := json.NewDecoder(bytes.NewReader([]byte(rest)))
		var raw json.RawMessage
		if d.Decode(&raw) == nil {
			value = rest[:d.InputOffset()]
		} else {
			// Go's own notation: no end to be found, so only a known detail is told.
			if i := strings.LastIndex(rest, ": field is immutable"); i >= 0 {
				value = rest[:i]
			} else {
				return kind
			}
		}
	}
	detail := strings.TrimPrefix(rest[len(value):], ": ")
	if detail == "" {
		return kind
	}
	return kind + ": " + detail
}
