package kubetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Options say what Start starts. The zero value is a control plane with two nodes.
type Options struct {
	Nodes         int       // nodes that kwok plays; 0 means 2, a negative number none
	NoControllers bool      // only etcd and kube-apiserver: nothing reacts, nothing is collected, no nodes
	AuditLog      bool      // log every request at level Metadata; see Audit
	Out           io.Writer // progress of a build; nil means none
}

// ControlPlane is a running Kubernetes control plane on 127.0.0.1. Whoever started it stops it.
type ControlPlane struct {
	// Dir holds the logs, one file per program, and all data. Stop removes it.
	Dir string
	// AuditLog is the path of the audit log, empty without Options.AuditLog. Audit reads it.
	AuditLog string

	options   Options
	id        *identity
	processes []*Process // in the order of their start
	release   []func()   // ports and the lock of Dir
	stop      func() error
}

// grace is how long a program may take to end after SIGTERM.
const grace = 5 * time.Second

// Start builds what is missing and starts a control plane. It returns when the API server is ready, the nodes take
// Pods and the default StorageClass exists; ctx bounds only that. On error nothing is left running.
func Start(ctx context.Context, o Options) (*ControlPlane, error) {
	binaries, err := Build(ctx, o.Out)
	if err != nil {
		return nil, err
	}
	if o.Nodes == 0 {
		o.Nodes = 2
	}
	dir, unlock, err := tempFolder()
	if err != nil {
		return nil, err
	}
	cp := &ControlPlane{Dir: dir, options: o, release: []func(){unlock}}
	cp.stop = sync.OnceValue(cp.stopAll)
	if err := cp.start(ctx, binaries); err != nil {
		return nil, errors.Join(fmt.Errorf("start a control plane: %w", err), cp.Stop())
	}
	return cp, nil
}

func (cp *ControlPlane) start(ctx context.Context, binaries Binaries) error {
	// Names the program to blame, and ends a start that hangs although the caller set no deadline.
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("the control plane was not ready after 2m0s"))
	defer cancel()

	var ports [3]int
	for i := range ports {
		port, release, err := freePort(ctx)
		if err != nil {
			return err
		}
		ports[i], cp.release = port, append(cp.release, release)
	}
	id, err := newIdentity(cp.Dir, ports[0])
	if err != nil {
		return err
	}
	cp.id = id
	if err := cp.id.writeKubeconfig(cp.Kubeconfig(), "admin", "rondo", "mallory"); err != nil {
		return err
	}

	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	if err := cp.run("etcd", binaries.Etcd, etcdFlags(cp.Dir, etcd, ports[2])...); err != nil {
		return err
	}
	// The API server would wait for etcd by itself, but looks only once a second.
	if err := poll(ctx, cp.processes, func() error { return healthy(ctx, etcd+"/health") }); err != nil {
		return err
	}
	flags := apiServerFlags(cp.Dir, etcd, ports[0])
	if cp.options.AuditLog {
		more, err := cp.auditFlags()
		if err != nil {
			return err
		}
		flags = append(flags, more...)
	}
	if err := cp.run("kube-apiserver", binaries.APIServer, flags...); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		return err
	}
	ready := func(path string) func() error {
		return func() error { return client.Discovery().RESTClient().Get().AbsPath(path).Do(ctx).Error() }
	}
	if cp.options.NoControllers {
		return poll(ctx, cp.processes, ready("/readyz"))
	}

	// The others need a server that answers, not one that is ready; that saves a second.
	if err := poll(ctx, cp.processes, ready("/version")); err != nil {
		return err
	}
	for _, user := range []string{"system:kube-controller-manager", "system:kube-scheduler", "kwok"} {
		if err := cp.id.writeKubeconfig(filepath.Join(cp.Dir, user+".kubeconfig"), user); err != nil {
			return err
		}
	}
	if err := cp.run("kube-controller-manager", binaries.ControllerManager, controllerManagerFlags(cp.Dir)...); err != nil {
		return err
	}
	if err := cp.run("kube-scheduler", binaries.Scheduler, schedulerFlags(cp.Dir)...); err != nil {
		return err
	}
	class, err := cp.writeKwokConfig(binaries.Stages)
	if err != nil {
		return err
	}
	if err := cp.run("kwok", binaries.Kwok, kwokFlags(cp.Dir)...); err != nil {
		return err
	}
	if err := poll(ctx, cp.processes, ready("/readyz")); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return createStorageClass(ctx, client, class) })
	g.Go(func() error { return cp.createNodes(ctx, client) })
	return g.Wait()
}

// healthy wants 200 from a server without TLS.
func healthy(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Close = true // leaves no idle connection behind
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// run starts one program of the control plane. It may use more memory than it would, for a quarter less CPU time.
func (cp *ControlPlane) run(name, program string, args ...string) error {
	_, err := cp.Run(name, program, []string{"GOGC=400"}, args...)
	return err
}

// Run starts one more program beside the control plane, such as a controller, with its output in Dir/name.log. Its
// environment is HOME, TMPDIR (both are Dir), PATH and env. Stop ends it before the servers, if it has not been ended.
// Only one Run at a time.
func (cp *ControlPlane) Run(name, program string, env []string, args ...string) (*Process, error) {
	p, err := startProcess(cp.Dir, name, program, env, args...)
	if err != nil {
		return nil, err
	}
	cp.processes = append(cp.processes, p)
	return p, nil
}

// Stop ends every process of the control plane and removes its folder. Only the first call does something; each returns
// its error.
func (cp *ControlPlane) Stop() error { return cp.stop() }

func (cp *ControlPlane) stopAll() error {
	var errs []error
	// Clients first, so that the API server has no watch to wait for, and etcd last.
	servers := min(2, len(cp.processes))
	var clients errgroup.Group
	for _, p := range cp.processes[servers:] {
		clients.Go(func() error { return p.stop(grace) })
	}
	errs = append(errs, clients.Wait())
	for _, p := range slices.Backward(cp.processes[:servers]) {
		errs = append(errs, p.stop(grace))
	}
	errs = append(errs, os.RemoveAll(cp.Dir))
	for _, release := range cp.release {
		release()
	}
	return errors.Join(errs...)
}

// Config returns the configuration of a client that may do everything. It does not throttle. The caller owns it.
func (cp *ControlPlane) Config() *rest.Config { return cp.ConfigFor("admin") }

// ConfigFor is Config for one of the users "admin" (system:masters), "rondo" (no group; its rights are the RBAC that a test
// applies) and "mallory" (no rights). Any other name panics.
func (cp *ControlPlane) ConfigFor(user string) *rest.Config { return cp.id.config(user) }

// Token returns the bearer token of a user that ConfigFor knows.
func (cp *ControlPlane) Token(user string) string { return cp.id.token(user) }

// Kubeconfig returns the path of a kubeconfig file with the contexts admin (current), rondo and mallory.
func (cp *ControlPlane) Kubeconfig() string { return filepath.Join(cp.Dir, "kubeconfig") }
