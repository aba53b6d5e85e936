package kubetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func TestEachTestHasItsOwnNamespace(t *testing.T) {
	t.Parallel()
	cp := Shared(t)
	c := client(t, cp.Config())
	var first string
	t.Run("First, with words Kubernetes would refuse: "+strings.Repeat("ÄÖ/_", 30), func(t *testing.T) {
		first = Namespace(t, cp)
		if second := Namespace(t, cp); first == second {
			t.Errorf("two namespaces are both named %s", first)
		}
	})
	namespace, err := c.CoreV1().Namespaces().Get(t.Context(), first, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) && (err != nil || namespace.DeletionTimestamp == nil) {
		t.Errorf("Namespace/%s is not being deleted after its test: %v", first, err)
	}
}

// TestRequestCountsCountWrites does not run in parallel: the counts are those of the whole server.
func TestRequestCountsCountWrites(t *testing.T) {
	cp := Shared(t)
	c, ns := client(t, cp.Config()), Namespace(t, cp)
	before, err := cp.RequestCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	configMap := corev1apply.ConfigMap("env", ns).WithData(map[string]string{"LEVEL": "info"})
	for _, options := range []metav1.ApplyOptions{
		{FieldManager: "kubetest", DryRun: []string{metav1.DryRunAll}},
		{FieldManager: "kubetest"},
		{FieldManager: "kubetest"},
	} {
		if _, err := c.CoreV1().ConfigMaps(ns).Apply(t.Context(), configMap, options); err != nil {
			t.Fatal(err)
		}
	}
	after, err := cp.RequestCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]float64{"APPLY configmaps": 2, "APPLY configmaps (dry run)": 1} {
		if got := after[key] - before[key]; got != want {
			t.Errorf("%s rose by %v, want %v; keys: %q", key, got, want, slices.Sorted(maps.Keys(after)))
		}
	}
}

func TestUsersHaveOnlyTheRightsTheyAreGiven(t *testing.T) {
	t.Parallel()
	cp := Shared(t)
	admin, ns := client(t, cp.Config()), Namespace(t, cp)
	grantImpersonation(t, admin, ns)

	for user, forbidden := range map[string]bool{"admin": false, "rondo": true, "mallory": true} {
		_, err := client(t, cp.ConfigFor(user)).CoreV1().ConfigMaps(ns).List(t.Context(), metav1.ListOptions{})
		if apierrors.IsForbidden(err) != forbidden {
			t.Errorf("%s lists ConfigMaps: %v; want forbidden: %v", user, err, forbidden)
		}
	}

	config := cp.ConfigFor("rondo")
	config.Impersonate.UserName = "system:serviceaccount:" + ns + ":deployer"
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "env"}}
	if _, err := client(t, config).CoreV1().ConfigMaps(ns).Create(t.Context(), configMap, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, event := range Audit(t, cp) {
		if event.ObjectRef.Namespace == ns && event.User.Username == "rondo" {
			ours = append(ours, event.String())
			if event.Verb == "create" && event.Acting() != config.Impersonate.UserName {
				t.Errorf("%s: acts as %s, want %s", event, event.Acting(), config.Impersonate.UserName)
			}
		}
	}
	want := []string{
		"rondo: list configmaps " + ns + "/: 403",
		"rondo as " + config.Impersonate.UserName + ": create configmaps " + ns + "/env: 201",
	}
	if !slices.Equal(ours, want) {
		t.Errorf("the audit log has %q, want %q", ours, want)
	}
}

func TestKubeconfigHasAContextForEachUser(t *testing.T) {
	t.Parallel()
	cp := Shared(t)
	for context, want := range map[string]string{"": "admin", "admin": "admin", "rondo": "rondo", "mallory": "mallory"} {
		config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			&clientcmd.ClientConfigLoadingRules{ExplicitPath: cp.Kubeconfig()},
			&clientcmd.ConfigOverrides{CurrentContext: context},
		).ClientConfig()
		if err != nil {
			t.Fatal(err)
		}
		reviews := client(t, config).AuthenticationV1().SelfSubjectReviews()
		review, err := reviews.Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := review.Status.UserInfo.Username; got != want {
			t.Errorf("with context %q I am %q, want %q", context, got, want)
		}
	}
}

// grantImpersonation lets rondo act as ns/deployer, and that account write ConfigMaps.
func grantImpersonation(t *testing.T, admin kubernetes.Interface, ns string) {
	t.Helper()
	for name, role := range map[string]struct {
		rule    rbacv1.PolicyRule
		subject rbacv1.Subject
	}{
		"impersonate": {
			rbacv1.PolicyRule{
				Verbs: []string{"impersonate"}, APIGroups: []string{""}, Resources: []string{"serviceaccounts"}, ResourceNames: []string{"deployer"},
			},
			rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "rondo"},
		},
		"deploy": {
			rbacv1.PolicyRule{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"configmaps"}},
			rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: "deployer"},
		},
	} {
		meta := metav1.ObjectMeta{Name: name}
		rules := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{role.rule}}
		if _, err := admin.RbacV1().Roles(ns).Create(t.Context(), rules, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		binding := &rbacv1.RoleBinding{
			ObjectMeta: meta,
			Subjects:   []rbacv1.Subject{role.subject},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		}
		if _, err := admin.RbacV1().RoleBindings(ns).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// The authorizer learns of RBAC objects through a watch of its own.
	impersonate := authorizationv1.SubjectAccessReviewSpec{
		User: "rondo",
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: ns, Verb: "impersonate", Resource: "serviceaccounts", Name: "deployer",
		},
	}
	create := authorizationv1.SubjectAccessReviewSpec{
		User:               "system:serviceaccount:" + ns + ":deployer",
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: ns, Verb: "create", Resource: "configmaps"},
	}
	for _, spec := range []authorizationv1.SubjectAccessReviewSpec{impersonate, create} {
		Eventually(t, func() error {
			review := &authorizationv1.SubjectAccessReview{Spec: spec}
			review, err := admin.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
			if err == nil && !review.Status.Allowed {
				err = fmt.Errorf("%s may not %s yet: %+v", spec.User, spec.ResourceAttributes.Verb, review.Status)
			}
			return err
		})
	}
}
