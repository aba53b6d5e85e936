package cluster

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"rondo.dev/rondo/render"
)

func TestErrorsAreToldWithoutValues(t *testing.T) {
	const canary = "hunter2canary"
	deployment, secret := render.ID{Group: "apps", Kind: "Deployment", Name: "web"}, render.ID{Kind: "Secret", Name: "passwords"}
	invalid := func(list ...*field.Error) error {
		return apierrors.NewInvalid(schema.GroupKind{Kind: "X"}, "x", list)
	}
	at := field.NewPath("spec", "template")
	for name, tc := range map[string]struct {
		id   render.ID
		err  error
		want string
	}{
		"string":          {deployment, invalid(field.Invalid(at, canary, "must be lower case")), "spec.template: Invalid value: must be lower case"},
		"string with end": {deployment, invalid(field.Invalid(at, canary+`": x`, "must be lower case")), "spec.template: Invalid value: must be lower case"},
		"number":          {deployment, invalid(field.Invalid(at, 17, "must be less than 10")), "spec.template: Invalid value: must be less than 10"},
		"object":          {deployment, invalid(field.Invalid(at, map[string]string{"a": canary + ": b"}, "field is immutable")), "spec.template: Invalid value: field is immutable"},
		"struct":          {deployment, invalid(field.Invalid(at, corev1.EnvVar{Name: "A", Value: canary}, "field is immutable")), "spec.template: Invalid value: field is immutable"},
		"required":        {deployment, invalid(field.Required(at, "give one")), "spec.template: Required value: give one"},
		"not supported":   {deployment, invalid(field.NotSupported(at, canary, []string{"a", "b"})), `spec.template: Unsupported value: supported values: "a", "b"`},
		"two":             {deployment, invalid(field.Required(at, ""), field.Duplicate(at, canary)), "spec.template: Required value; spec.template: Duplicate value"},
		"forbidden":       {deployment, invalid(field.Forbidden(field.NewPath("spec"), "updates to statefulset spec for fields other than 'replicas' are forbidden")), "spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden"},
		"secret":          {secret, invalid(field.Invalid(field.NewPath("data").Key("A"), canary, canary)), "data[A]: fieldvalueinvalid"},
		"secret, other":   {secret, apierrors.NewBadRequest("cannot be handled: " + canary), "badrequest"},
		"typed":           {deployment, apierrors.NewInternalError(errors.New("failed to create typed patch object: .data.A: expected string, got &{" + canary + "}")), "Internal error occurred: failed to create typed patch object: .data.A: expected string"},
		"rights": {secret, apierrors.NewForbidden(schema.GroupResource{Group: "networking.k8s.io", Resource: "ingresses"}, "web", errors.New(
			`User "system:serviceaccount:shop-production:deployer" cannot get resource "ingresses" in API group "networking.k8s.io" in the namespace "shop-production"`)),
			"account deployer may not get ingresses.networking.k8s.io; grant it by a RoleBinding"},
		"rights in core": {secret, apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "x", errors.New(
			`User "system:serviceaccount:shop-production:deployer" cannot patch resource "secrets" in API group "" in the namespace "shop-production"`)),
			"account deployer may not patch secrets; grant it by a RoleBinding"},
		"quota":      {deployment, apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments"}, "web", errors.New("exceeded quota: tight")), "exceeded quota: tight"},
		"connection": {deployment, errors.New("connection refused"), "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			got := clean(tc.id, tc.err)
			if got != tc.want || strings.Contains(got, canary) {
				t.Errorf("got  %s\nwant %s\nfrom %v", got, tc.want, tc.err)
			}
		})
	}
}
