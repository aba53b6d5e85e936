package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

func TestConclude(t *testing.T) {
	api := func(code int32, reason metav1.StatusReason) error {
		return fmt.Errorf("apply: %w", &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Reason: reason, Message: "no"}})
	}
	for name, tc := range map[string]struct {
		err     error
		attempt int
		want    Condition
		kind    string
	}{
		"a fault in the files waits for a push":                     {&render.Invalid{Problems: []render.Problem{{Code: "E-TYPE"}}}, 1, Invalid, KindProblem},
		"an object the API server refuses is a fault":               {api(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid), 1, Invalid, KindProblem},
		"missing rights wait for the operator":                      {api(http.StatusForbidden, metav1.StatusReasonForbidden), 1, Errored, KindCredential},
		"a refused token waits for the operator":                    {fmt.Errorf("resolve: %w", sources.ErrAuth), 1, Errored, KindCredential},
		"a right that the account lacks is the operator's to grant": {refusal([]render.Problem{{Code: plan.CodeForbidden}}), 1, Errored, KindCredential},
		"a missing ref is an answer":                                {fmt.Errorf("resolve: %w", sources.ErrNoRef), 1, Invalid, KindProblem},
		"an overloaded API server is retried":                       {api(http.StatusServiceUnavailable, ""), 1, Retrying, KindTransient},
		"and in the end told":                                       {api(http.StatusServiceUnavailable, ""), 5, Errored, KindTransient},
		"an unhealthy application is held":                          {fmt.Errorf("%w in 5m0s: x", plan.ErrUnhealthy), 1, Unhealthy, KindHealth},
		"a plan that deletes much is held":                          {&heldError{why: "5 of 5"}, 1, Held, KindHeld},
		"a newer revision is no failure":                            {fmt.Errorf("wait: %w", ErrSuperseded), 1, Superseded, ""},
	} {
		t.Run(name, func(t *testing.T) {
			condition, failure := conclude(context.Background(), tc.err, tc.attempt)
			if condition != tc.want {
				t.Errorf("%v: got %s, want %s", tc.err, condition, tc.want)
			}
			if got := failure; (got == nil) != (tc.kind == "") || got != nil && got.Kind != tc.kind {
				t.Errorf("%v: got failure %+v, want kind %q", tc.err, got, tc.kind)
			}
		})
	}
}

func TestAFailureSaysWhatToDoWithinAStatus(t *testing.T) {
	down := &url.Error{Op: "Get", URL: "https://10.0.0.1/api/v1/namespaces/shop/configmaps/rondo-inventory-shop", Err: errors.New("connection refused")}
	for want, err := range map[string]error{
		"read the cluster: the API server cannot be reached: connection refused":                                  fmt.Errorf("read the cluster: %w", down),
		"resolve main: access refused; rondo's token must be allowed to read it":                                  fmt.Errorf("resolve main: %w", sources.ErrAuth),
		"resolve main: ref does not exist; push it, or change ref in rondo.yaml":                                  fmt.Errorf("resolve main: %w", sources.ErrNoRef),
		"resolve main: repository is empty; push a first commit":                                                  fmt.Errorf("resolve main: %w", sources.ErrEmpty),
		"Ingress/shop/web: account deployer may not get ingresses":                                                refusal([]render.Problem{{Code: plan.CodeForbidden, What: "Ingress/shop/web: account deployer may not get ingresses"}}),
		"resolve main: repository not found; check the address in rondo.yaml, and that rondo's token may read it": fmt.Errorf("resolve main: %w", sources.ErrNotFound),
	} {
		if _, failure := conclude(context.Background(), err, 1); failure.Text != want {
			t.Errorf("got  %s\nwant %s", failure.Text, want)
		}
	}
}

func TestTheCauseOfTheContextCountsMoreThanTheError(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	rev := sources.Revision{Ref: "main", Hash: "3f2c3f2c3f2c3f2c3f2c3f2c3f2c3f2c3f2c3f2c"}
	cancel(&supersededBy{revision: rev})
	if condition, _ := conclude(ctx, errors.New("clone: context canceled"), 1); condition != Superseded {
		t.Errorf("got %s", condition)
	}
	if got := newer(ctx); got != rev {
		t.Errorf("newer: got %s", got)
	}
}

func TestRetryDelayDoublesUpToTenMinutes(t *testing.T) {
	for attempt, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 11: 10 * time.Minute, 1000: 10 * time.Minute} {
		if got := RetryDelay(attempt); got != want {
			t.Errorf("attempt %d: got %s, want %s", attempt, got, want)
		}
	}
}

func TestRequestsThatHaveNotBegunAreMerged(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b, want Request
	}{
		"a deployment corrects drift as well":  {Request{Trigger: TriggerPush}, Request{Trigger: TriggerDrift}, Request{Trigger: TriggerPush}},
		"a push takes over a wanted heal":      {Request{Trigger: TriggerDrift}, Request{Trigger: TriggerPush}, Request{Trigger: TriggerPush}},
		"what a person allowed is kept":        {Request{Trigger: TriggerSync, AllowPrune: true}, Request{Trigger: TriggerPush}, Request{Trigger: TriggerPush, AllowPrune: true}},
		"a removal is not undone by a push":    {Request{Trigger: TriggerRemove}, Request{Trigger: TriggerPush}, Request{Trigger: TriggerRemove}},
		"a refresh that was asked for is kept": {Request{Trigger: TriggerSync, Refresh: true}, Request{Trigger: TriggerDrift}, Request{Trigger: TriggerSync, Refresh: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got := merge(&tc.a, tc.b)
			if got.Trigger != tc.want.Trigger || got.AllowPrune != tc.want.AllowPrune || got.Refresh != tc.want.Refresh {
				t.Errorf("got %+v, want %+v", *got, tc.want)
			}
		})
	}
}
