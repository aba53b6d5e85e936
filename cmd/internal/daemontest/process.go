package daemontest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"rondo.dev/rondo/cmd/internal/client"
	"rondo.dev/rondo/reconcile"
)

// Kubeconfig writes config as a file into dir, for a daemon in a process of its own.
func Kubeconfig(dir string, config *rest.Config) (path string, err error) {
	path = filepath.Join(dir, "kubeconfig")
	file := clientcmdapi.NewConfig()
	file.Clusters["c"] = &clientcmdapi.Cluster{
		Server: config.Host, CertificateAuthorityData: config.CAData, CertificateAuthority: config.CAFile,
		TLSServerName: config.ServerName, InsecureSkipTLSVerify: config.Insecure,
	}
	file.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	file.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	file.CurrentContext = "c"
	return path, clientcmd.WriteToFile(*file, path)
}

// Build compiles rondo into dir.
func Build(ctx context.Context, dir string) (binary string, err error) {
	binary = filepath.Join(dir, "rondo")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "rondo.dev/rondo/cmd/rondo")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build rondo: %w: %s", err, bytes.TrimSpace(out))
	}
	return binary, nil
}

// Process is a daemon in a process of its own. It is killed when this process
// ends, however that ends.
type Process struct {
	URL         string // of its public listener
	InternalURL string

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and err is set
	err  error
}

// startTimeout is how long a daemon may take until it listens.
const startTimeout = time.Minute

// Serve runs "rondo serve" and returns when it listens. Its log, in JSON, goes to log.
func Serve(binary, config string, log io.Writer) (*Process, error) {
	listens := &listening{log: log, at: make(chan addresses, 1)}
	p := &Process{cmd: exec.Command(binary, "serve", "--config", config, "--log-format", "json"), done: make(chan struct{})}
	p.cmd.Stderr = listens
	p.cmd.SysProcAttr = dieWithParent()
	started := make(chan error, 1)
	go func() {
		// The kernel's parent-death signal follows the thread that started the
		// child, so this one must stay as long as the child does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start rondo: %w", err)
	}
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	select {
	case at := <-listens.at:
		p.URL, p.InternalURL = "http://"+at.Public, "http://"+at.Internal
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("rondo did not start: %w: %s", p.err, listens.said())
	case <-late.C:
		return nil, errors.Join(fmt.Errorf("rondo does not listen after %s", startTimeout), p.Kill())
	}
}

// Pid is its process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends s to it.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends it as a crash would, and returns when it is gone.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// Stop asks it to end. The error is that of its exit code.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.Wait()
}

// Wait returns when it has ended, with the error of its exit code.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// addresses are what a daemon logs when it listens.
type addresses struct{ Msg, Public, Internal string }

// listening passes a daemon's log on and finds the line that says where it listens.
type listening struct {
	log io.Writer
	at  chan addresses

	mu    sync.Mutex
	found bool
	text  bytes.Buffer // until it was found
}

func (l *listening) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.found {
		l.text.Write(p)
		for line := range bytes.Lines(l.text.Bytes()) {
			var a addresses
			if json.Unmarshal(line, &a) == nil && a.Msg == "listening" {
				l.found = true
				l.at <- a
				break
			}
		}
	}
	return l.log.Write(p)
}

// said is what a daemon that does not listen logged.
func (l *listening) said() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.TrimSpace(l.text.Bytes()))
}

// Quiet waits until every application of the daemon at url is live at its
// commit in heads.
func (w *World) Quiet(ctx context.Context, url string, heads map[string]string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("not quiet after two minutes"))
	defer cancel()
	api := &client.Client{Server: url, Token: OperatorToken}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		apps, err := api.Apps(ctx)
		busy := ""
		for _, app := range apps {
			if app.Condition != reconcile.Live || !strings.HasSuffix(app.Live, heads[app.Name]) {
				busy = fmt.Sprintf("%s is %s: %s", app.Name, app.Condition, app.Sentence)
			}
		}
		if err == nil && busy == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %s", context.Cause(ctx), errors.Join(err, errors.New(busy)))
		}
	}
}
