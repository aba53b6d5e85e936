package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile/kubetest"
)

// fluxNamespace is where Flux lives, with all its own objects.
const fluxNamespace = "flux-system"

// interval is how often both look at git, and Flux at the cluster.
const interval = time.Minute

var (
	gitRepositories = schema.GroupVersionResource{Group: "source.toolkit.fluxcd.io", Version: "v1", Resource: "gitrepositories"}
	kustomizations  = schema.GroupVersionResource{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Resource: "kustomizations"}
)

// controller is one of the two programs of Flux that do what rondo does.
type controller struct {
	name, version string
	binary        string
	source        string // folder of its module
}

// buildFlux builds both, or takes them from the cache.
func buildFlux(ctx context.Context) ([]controller, error) {
	var built []controller
	for _, name := range []string{"source-controller", "kustomize-controller"} {
		tool := kubetest.Tool{
			Module: "testdata/peers", Package: "github.com/fluxcd/" + name, Name: name, LDFlags: "-s -w", Takes: "about 5 min on 2 cores",
		}
		c := controller{name: name}
		var err error
		if c.binary, err = kubetest.BuildTool(ctx, os.Stderr, tool); err != nil {
			return nil, err
		}
		if c.source, c.version, err = tool.Source(ctx); err != nil {
			return nil, err
		}
		built = append(built, c)
	}
	return built, nil
}

// flux is Flux with a GitRepository and a Kustomization for each site.
type flux struct {
	controllers []controller
	dir         string
	cp          *kubetest.ControlPlane
	client      dynamic.Interface // may do everything

	kubeconfigs []string // one for each controller
	processes   []*kubetest.Process
}

// newFlux installs Flux as its own manifests do, and hands it the sites. Nothing
// runs yet.
func newFlux(ctx context.Context, dir string, cp *kubetest.ControlPlane, controllers []controller, sites []*site) (*flux, error) {
	client, err := dynamic.NewForConfig(cp.Config())
	if err != nil {
		return nil, err
	}
	x := &flux{controllers: controllers, dir: dir, cp: cp, client: client}
	admin, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		return nil, err
	}
	if err := createNamespace(ctx, admin, fluxNamespace); err != nil {
		return nil, err
	}
	for _, c := range controllers {
		if err := x.define(ctx, c); err != nil {
			return nil, fmt.Errorf("install %s: %w", c.name, err)
		}
		if err := x.account(ctx, admin, c); err != nil {
			return nil, fmt.Errorf("give %s its account: %w", c.name, err)
		}
	}
	for _, s := range sites {
		if err := createNamespace(ctx, admin, s.name); err != nil {
			return nil, err
		}
		if err := x.follow(ctx, s); err != nil {
			return nil, fmt.Errorf("have Flux follow %s: %w", s.name, err)
		}
	}
	return x, nil
}

func createNamespace(ctx context.Context, admin kubernetes.Interface, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := admin.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	return err
}

// define creates the custom resources that come with a controller, and waits
// until the API server serves them.
func (x *flux) define(ctx context.Context, c controller) error {
	files, err := filepath.Glob(filepath.Join(c.source, "config", "crd", "bases", "*.yaml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := x.cp.Define(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// account makes a ServiceAccount that may do everything, as an installed Flux has
// for each controller, and a kubeconfig with its token.
func (x *flux) account(ctx context.Context, admin kubernetes.Interface, c controller) error {
	named := metav1.ObjectMeta{Name: c.name, Namespace: fluxNamespace}
	accounts := admin.CoreV1().ServiceAccounts(fluxNamespace)
	if _, err := accounts.Create(ctx, &corev1.ServiceAccount{ObjectMeta: named}, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := admin.RbacV1().ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: c.name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: c.name, Namespace: fluxNamespace}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	day := int64(24 * time.Hour / time.Second)
	token, err := accounts.CreateToken(ctx, c.name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &day},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	dir := filepath.Join(x.dir, c.name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	server := x.cp.Config()
	path, err := daemontest.Kubeconfig(dir, &rest.Config{
		Host: server.Host, TLSClientConfig: server.TLSClientConfig, BearerToken: token.Status.Token,
	})
	x.kubeconfigs = append(x.kubeconfigs, path)
	return err
}

// follow creates the two objects that make Flux deploy a site.
func (x *flux) follow(ctx context.Context, s *site) error {
	for resource, object := range map[schema.GroupVersionResource]map[string]any{
		gitRepositories: {"kind": "GitRepository", "spec": map[string]any{
			"interval": interval.String(), "url": s.repo.URL(), "ref": map[string]any{"branch": "main"},
		}},
		kustomizations: {"kind": "Kustomization", "spec": map[string]any{
			"interval": interval.String(), "path": "./", "prune": true, "targetNamespace": s.name,
			"sourceRef": map[string]any{"kind": "GitRepository", "name": s.name},
		}},
	} {
		object["apiVersion"] = resource.GroupVersion().String()
		object["metadata"] = map[string]any{"name": s.name}
		own := x.client.Resource(resource).Namespace(fluxNamespace)
		if _, err := own.Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (x *flux) start(context.Context) error {
	artifacts, err := freeAddress()
	if err != nil {
		return err
	}
	for i, c := range x.controllers {
		dir := filepath.Dir(x.kubeconfigs[i])
		args := []string{
			"--events-addr=", "--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0",
			"--concurrent=10", "--kube-api-qps=500", "--kube-api-burst=1000",
		}
		if c.name == "source-controller" {
			args = append(args, "--storage-path="+dir, "--storage-addr="+artifacts, "--storage-adv-addr="+artifacts)
		}
		env := []string{"RUNTIME_NAMESPACE=" + fluxNamespace, "KUBECONFIG=" + x.kubeconfigs[i], "TMPDIR=" + dir}
		p, err := x.cp.Run(c.name, c.binary, env, args...)
		if err != nil {
			return err
		}
		x.processes = append(x.processes, p)
	}
	return nil
}

// freeAddress is one on which nobody listens now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// tell asks for a look at the repository, as Flux's own receiver of webhooks does.
// The Kustomization follows.
func (x *flux) tell(ctx context.Context, s *site, _ string) error {
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"reconcile.fluxcd.io/requestedAt":%q}}}`, strconv.Itoa(s.version))
	_, err := x.client.Resource(gitRepositories).Namespace(fluxNamespace).
		Patch(ctx, s.name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

func (x *flux) settle(ctx context.Context, sites ...*site) error {
	for _, s := range sites {
		if err := x.until(ctx, kustomizations, fluxNamespace, s.name, func(o *unstructured.Unstructured) bool {
			revision, _, _ := unstructured.NestedString(o.Object, "status", "lastAppliedRevision")
			return strings.HasSuffix(revision, s.head) && holds(o, "Ready")
		}); err != nil {
			return err
		}
	}
	return nil
}

func (x *flux) pids() []int {
	var pids []int
	for _, p := range x.processes {
		pids = append(pids, p.Pid())
	}
	return pids
}

func (x *flux) users() []string {
	var users []string
	for _, c := range x.controllers {
		users = append(users, "system:serviceaccount:"+fluxNamespace+":"+c.name)
	}
	return users
}

func (x *flux) stop() error {
	var errs []error
	for _, p := range x.processes {
		errs = append(errs, p.Stop())
	}
	return errors.Join(errs...)
}

// until waits for an object to be as it should.
func (x *flux) until(ctx context.Context, r schema.GroupVersionResource, namespace, name string, done func(*unstructured.Unstructured) bool) error {
	var conditions any
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		o, err := x.client.Resource(r).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		conditions, _, _ = unstructured.NestedSlice(o.Object, "status", "conditions")
		return done(o), nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s %s, which is %v: %w", r.Resource, name, conditions, err)
	}
	return nil
}

// holds says whether a condition of the object is true.
func holds(o *unstructured.Unstructured, condition string) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == condition {
			return c["status"] == "True"
		}
	}
	return false
}
