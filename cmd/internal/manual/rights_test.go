package manual

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"rondo.dev/rondo/reconcile/cluster"
)

func TestChartGrantsWhatTheCodeAsksForAndNoMore(t *testing.T) {
	objects, _ := chart(t, "rondo-system", minimal)
	for name, want := range map[string][]rbacv1.PolicyRule{
		"ClusterRole/rondo":             cluster.OwnRules("rondo-application"),
		"ClusterRole/rondo-application": cluster.ApplicationRules(),
		"Role/rondo-lease":              cluster.LeaseRules(),
	} {
		got := rules(t, find(t, objects, name))
		if name == "Role/rondo-lease" {
			for i := range got { // the chart is stricter: it knows the Lease's name
				got[i].ResourceNames = nil
			}
		}
		if diff := cmp.Diff(rights(want), rights(got)); diff != "" {
			t.Errorf("%s differs from package cluster (- code, + chart):\n%s", name, diff)
		}
	}
}

func TestSingleTenantGrantsNoImpersonation(t *testing.T) {
	objects, _ := chart(t, "rondo-system", minimal+"config: { single_tenant: true }\n")
	for _, right := range rights(rules(t, find(t, objects, "ClusterRole/rondo"))) {
		if strings.HasPrefix(right, "impersonate") || strings.HasPrefix(right, "bind") {
			t.Errorf("rondo may %s", right)
		}
	}
	find(t, objects, "ClusterRoleBinding/rondo-single-tenant")
}

func rules(t *testing.T, o unstructured.Unstructured) []rbacv1.PolicyRule {
	t.Helper()
	var role rbacv1.ClusterRole // a Role has its rules in the same place
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
		t.Fatal(err)
	}
	return role.Rules
}

// rights spells rules out, one line for each verb on each resource, sorted.
func rights(rules []rbacv1.PolicyRule) []string {
	var out []string
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{"*"}
		}
		for _, verb := range rule.Verbs {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, name := range names {
						out = append(out, fmt.Sprintf("%s %s/%s %s", verb, group, resource, name))
					}
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
