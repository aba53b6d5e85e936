package daemontest

import (
	"context"
	"errors"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"rondo.dev/rondo/reconcile/cluster"
)

// Names of the two roles; the second is the default of cluster.cluster_role.
const (
	leaseNamespace  = "default"
	ownRole         = "rondo"
	applicationRole = "rondo-application"
)

// Grant gives a user exactly the rights that the chart gives the daemon, with
// the Lease in the namespace "default", and makes the role that application
// accounts are bound to. What exists already is left as it is.
func Grant(ctx context.Context, admin *rest.Config, user string) error {
	client, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return err
	}
	rbac, options := client.RbacV1(), metav1.CreateOptions{}
	named := metav1.ObjectMeta{Name: ownRole}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	create := []func() error{
		func() error {
			_, err := rbac.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: named, Rules: cluster.OwnRules(applicationRole)}, options)
			return err
		},
		func() error {
			role := metav1.ObjectMeta{Name: applicationRole}
			_, err := rbac.ClusterRoles().Create(ctx, &rbacv1.ClusterRole{ObjectMeta: role, Rules: cluster.ApplicationRules()}, options)
			return err
		},
		func() error {
			_, err := rbac.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
				ObjectMeta: named, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: ownRole},
			}, options)
			return err
		},
		func() error {
			_, err := rbac.Roles(leaseNamespace).Create(ctx, &rbacv1.Role{ObjectMeta: named, Rules: cluster.LeaseRules()}, options)
			return err
		},
		func() error {
			_, err := rbac.RoleBindings(leaseNamespace).Create(ctx, &rbacv1.RoleBinding{
				ObjectMeta: named, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: ownRole},
			}, options)
			return err
		},
	}
	for _, f := range create {
		if err := f(); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// Revoke undoes [Grant].
func Revoke(ctx context.Context, admin *rest.Config) error {
	client, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return err
	}
	rbac := client.RbacV1()
	return errors.Join(
		rbac.RoleBindings(leaseNamespace).Delete(ctx, ownRole, metav1.DeleteOptions{}),
		rbac.Roles(leaseNamespace).Delete(ctx, ownRole, metav1.DeleteOptions{}),
		rbac.ClusterRoleBindings().Delete(ctx, ownRole, metav1.DeleteOptions{}),
		rbac.ClusterRoles().Delete(ctx, ownRole, metav1.DeleteOptions{}),
		rbac.ClusterRoles().Delete(ctx, applicationRole, metav1.DeleteOptions{}),
	)
}
