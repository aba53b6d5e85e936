package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/notify/githubtest"
	"rondo.dev/rondo/reconcile/cluster"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/sources/gittest"
)

const (
	appName   = "shop"
	namespace = "shop-production"
)

// stage is everything the scenes play on.
type stage struct {
	dir    string
	cp     *kubetest.ControlPlane // nil on a cluster of the user's own
	admin  *rest.Config
	kube   kubernetes.Interface
	world  *daemontest.World
	repo   *gittest.Repo
	clone  string // work tree of the person who pushes
	pushed chan string
}

func build(ctx context.Context, s *screen) (st *stage, err error) {
	st = &stage{pushed: make(chan string, 8)}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.close())
		}
	}()
	if st.dir, err = os.MkdirTemp("", "rondo-demo-"); err != nil {
		return st, err
	}
	log := slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelWarn}))
	cluster.Logs(log)
	var own *rest.Config
	if own, err = st.cluster(ctx, s); err != nil {
		return st, err
	}
	if st.world, err = daemontest.Start(ctx, daemontest.Options{
		REST: own, Dir: st.dir, Out: s, Log: log,
		GitHubStatus: func(status githubtest.Status) {
			s.say("status %s  %-7s %s: %s", status.Commit[:7], s.state(status.State), status.Context, status.Description)
		},
	}); err != nil {
		return st, err
	}
	if st.repo, err = st.world.Git.Create("acme/shop"); err != nil {
		return st, err
	}
	if err := st.world.Configure(daemontest.App{
		"name": appName, "repository": st.repo.URL(), "namespace": namespace, "service_account": "shop-deployer",
	}); err != nil {
		return st, err
	}
	if err := st.world.Run(ctx); err != nil {
		return st, err
	}
	s.say("rondo listens on %s, the git server on %s", st.world.URL(), st.world.Git.URL())
	st.repo.OnPush(func(p gittest.Push) {
		// GitHub delivers after the push; the time from here on is rondo's.
		s.say("git took the push; the signed webhook is delivered")
		code, err := st.world.Hook(ctx, st.world.URL(), st.repo, strings.TrimPrefix(p.Ref, "refs/heads/"), p.Old, p.New)
		if err != nil {
			s.say("webhook: %v", err)
			return
		}
		s.say("the daemon answered %d", code)
	})
	return st, st.checkout(ctx)
}

// cluster starts the control plane, or takes the user's, and prepares what an
// operator prepares: the two roles and the database's Secret.
func (st *stage) cluster(ctx context.Context, s *screen) (own *rest.Config, err error) {
	if path := os.Getenv("KUBECONFIG"); path != "" {
		s.say("using the cluster of KUBECONFIG")
		if st.admin, err = cluster.Config(path); err != nil {
			return nil, err
		}
		own = st.admin
	} else {
		s.say("starting a control plane of the demo's own (built once, some minutes; then seconds)")
		if st.cp, err = kubetest.Start(ctx, kubetest.Options{Nodes: 2, Out: s}); err != nil {
			return nil, err
		}
		st.admin, own = st.cp.Config(), st.cp.ConfigFor("rondo")
		s.say("kube-apiserver is ready; kubectl --kubeconfig %s", st.cp.Kubeconfig())
	}
	if st.kube, err = kubernetes.NewForConfig(st.admin); err != nil {
		return nil, err
	}
	if err := daemontest.Grant(ctx, st.admin, "rondo"); err != nil {
		return nil, err
	}
	_, err = st.kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("make the demo's namespace %s, which must not exist yet: %w", namespace, err)
	}
	_, err = st.kube.CoreV1().Secrets(namespace).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-db"},
		StringData: map[string]string{
			"host": "db.example.org", "port": "5432", "username": "shop", "password": "only-for-the-demo", "database": "shop",
			"url": "postgresql://shop:only-for-the-demo@db.example.org:5432/shop",
		},
	}, metav1.CreateOptions{})
	return own, err
}

// checkout makes the work tree of somebody who pushes, with the sample shop in it.
func (st *stage) checkout(ctx context.Context) error {
	st.clone = filepath.Join(st.dir, "shop")
	if err := st.git(ctx, st.dir, "clone", "--quiet", st.repo.URL(), st.clone); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"checkout", "--quiet", "-b", "main"}, {"config", "user.name", "Anna"}, {"config", "user.email", "anna@example.org"},
	} {
		if err := st.git(ctx, st.clone, args...); err != nil {
			return err
		}
	}
	return os.CopyFS(st.clone, os.DirFS(sampleDir()))
}

// sampleDir is testdata/shop beside this file's repository.
func sampleDir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "testdata", "shop")
}

func (st *stage) git(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(out))
	}
	return nil
}

// edit replaces a text of the manifest.
func (st *stage) edit(old, text string) error {
	path := filepath.Join(st.clone, "manifest.yml")
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(raw, []byte(old)) {
		return fmt.Errorf("the sample manifest has no %q", old)
	}
	return os.WriteFile(path, bytes.Replace(raw, []byte(old), []byte(text), 1), 0o644)
}

// push commits all and pushes; it returns the commit.
func (st *stage) push(ctx context.Context, message string) (string, error) {
	for _, args := range [][]string{{"add", "--all"}, {"commit", "--quiet", "-m", message}, {"push", "--quiet", "origin", "main"}} {
		if err := st.git(ctx, st.clone, args...); err != nil {
			return "", err
		}
	}
	return st.repo.Ref("refs/heads/main"), nil
}

// close stops everything and removes every trace, on the user's own cluster too.
func (st *stage) close() error {
	var errs []error
	if st.world != nil {
		errs = append(errs, st.world.Close())
	}
	if st.kube != nil && st.cp == nil {
		errs = append(errs, st.kube.CoreV1().Namespaces().Delete(context.Background(), namespace, metav1.DeleteOptions{}))
		errs = append(errs, daemontest.Revoke(context.Background(), st.admin))
	}
	if st.cp != nil {
		errs = append(errs, st.cp.Stop())
	}
	if st.dir != "" {
		errs = append(errs, os.RemoveAll(st.dir))
	}
	return errors.Join(errs...)
}
