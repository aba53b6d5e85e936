package manual

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"rondo.dev/rondo/reconcile/cluster"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/reconcile/plan"
)

// install applies objects as an administrator would and gives their namespace.
// The namespace admits only pods of the strictest standard.
func install(t *testing.T, cp *kubetest.ControlPlane, values string) (namespace string) {
	t.Helper()
	namespace = kubetest.Namespace(t, cp)
	client := kubernetes.NewForConfigOrDie(cp.Config())
	strict := []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"restricted"}}}`)
	if _, err := client.CoreV1().Namespaces().Patch(t.Context(), namespace, types.MergePatchType, strict, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	objects, _ := chart(t, namespace, values)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	for _, o := range objects {
		apply(t, dynamic.NewForConfigOrDie(cp.Config()), mapper, namespace, o)
	}
	return namespace
}

func apply(t *testing.T, client dynamic.Interface, mapper *restmapper.DeferredDiscoveryRESTMapper, namespace string, o unstructured.Unstructured) {
	t.Helper()
	gvk := o.GroupVersionKind()
	mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		t.Fatal(err)
	}
	var target dynamic.ResourceInterface = client.Resource(mapping.Resource)
	if mapping.Scope.Name() == "namespace" {
		target = client.Resource(mapping.Resource).Namespace(namespace)
	}
	options := metav1.ApplyOptions{FieldManager: "helm", Force: true}
	if _, err := target.Apply(t.Context(), o.GetName(), &o, options); err != nil {
		t.Fatalf("apply %s/%s: %v", o.GetKind(), o.GetName(), err)
	}
}

// asRondo is a client with the token of the chart's ServiceAccount.
func asRondo(t *testing.T, cp *kubetest.ControlPlane, namespace, account string) *rest.Config {
	t.Helper()
	client := kubernetes.NewForConfigOrDie(cp.Config())
	answer, err := client.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(cp.Config())
	config.BearerToken = answer.Status.Token
	return config
}

func TestInstalledPodIsAdmittedAndScheduled(t *testing.T) {
	cp := kubetest.Shared(t)
	for name, values := range map[string]string{
		"with the fewest values": minimal,
		// The control plane has one StorageClass, its default.
		"with every value": strings.Replace(everything(t), "storageClass: fast", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			namespace := install(t, cp, values)
			client := kubernetes.NewForConfigOrDie(cp.Config())
			kubetest.Eventually(t, func() error {
				pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
				if err != nil {
					return err
				}
				for _, pod := range pods.Items {
					if pod.Status.Phase == corev1.PodRunning {
						return nil
					}
				}
				return fmt.Errorf("%d pods, none runs", len(pods.Items))
			})
		})
	}
}

func TestInstalledAccountCanDoRondosWork(t *testing.T) {
	cp := kubetest.Shared(t)
	namespace := install(t, cp, minimal)
	c, err := cluster.New(t.Context(), cluster.Options{Config: asRondo(t, cp, namespace, "rondo"), Key: []byte("test"), Holder: "test"})
	if err != nil {
		t.Fatal(err)
	}
	app := "shop-" + namespace[len(namespace)-6:]
	target := plan.Target{App: app, Namespace: app, ServiceAccount: "deployer"}
	t.Cleanup(func() {
		client := kubernetes.NewForConfigOrDie(cp.Config())
		if err := client.CoreV1().Namespaces().Delete(context.Background(), app, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	if err := c.Bootstrap(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Facts(t.Context()); err != nil {
		t.Error(err)
	}
	done := errors.New("done")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Lead(ctx, namespace, "rondo", func(context.Context) error { return done }); !errors.Is(err, done) {
		t.Errorf("lead: %v", err)
	}

	// As the application, in its own namespace and in another.
	config := asRondo(t, cp, namespace, "rondo")
	config.Impersonate.UserName = "system:serviceaccount:" + app + ":deployer"
	application := kubernetes.NewForConfigOrDie(config)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "env"}}
	if _, err := application.CoreV1().Secrets(app).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := application.CoreV1().Secrets(namespace).Get(t.Context(), "rondo-credentials", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("an application reads rondo's credentials: %v", err)
	}
}

func TestInstalledAccountMayDoNothingElse(t *testing.T) {
	cp := kubetest.Shared(t)
	namespace := install(t, cp, minimal)
	rondo := kubernetes.NewForConfigOrDie(asRondo(t, cp, namespace, "rondo"))
	for what, r := range map[string]authorizationv1.ResourceAttributes{
		"read a Secret":                        {Verb: "get", Resource: "secrets", Namespace: namespace},
		"list Secrets":                         {Verb: "list", Resource: "secrets"},
		"read a ConfigMap":                     {Verb: "get", Resource: "configmaps", Namespace: "default"},
		"write a ConfigMap":                    {Verb: "patch", Resource: "configmaps", Namespace: "default"},
		"write a Deployment":                   {Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "default"},
		"create a Pod":                         {Verb: "create", Resource: "pods", Namespace: namespace},
		"enter a Pod":                          {Verb: "create", Resource: "pods", Subresource: "exec", Namespace: namespace},
		"delete a Namespace":                   {Verb: "delete", Resource: "namespaces"},
		"change a RoleBinding":                 {Verb: "update", Group: "rbac.authorization.k8s.io", Resource: "rolebindings", Namespace: "default"},
		"grant cluster-admin":                  {Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Name: "cluster-admin"},
		"write a role":                         {Verb: "escalate", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"},
		"become a user":                        {Verb: "impersonate", Resource: "users", Name: "admin"},
		"become a group":                       {Verb: "impersonate", Resource: "groups", Name: "system:masters"},
		"get a token for an account":           {Verb: "create", Resource: "serviceaccounts", Subresource: "token", Namespace: "default"},
		"take the Lease of another controller": {Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "kube-system", Name: "kube-scheduler"},
		"take another Lease of its namespace":  {Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: namespace, Name: "other"},
	} {
		t.Run(what, func(t *testing.T) {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &r}}
			answer, err := rondo.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if answer.Status.Allowed {
				t.Errorf("rondo may %s: %s", what, answer.Status.Reason)
			}
		})
	}
	// The same question about a right that it has, so that the test cannot pass by asking wrongly.
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Name: "rondo-application"},
	}}
	answer, err := rondo.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
	if err != nil || !answer.Status.Allowed {
		t.Errorf("rondo may not bind its own role: %v", err)
	}
}
