package kubetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// Process is one program of the control plane or beside it, its output in a file.
type Process struct {
	name string
	log  string // path
	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended and err is set
	err  error
}

// startProcess starts program with its output in dir/name.log. The program has no part in the caller's environment, but
// env, which may replace what it is given.
func startProcess(dir, name, program string, env []string, args ...string) (*Process, error) {
	p := &Process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	output, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	p.cmd = exec.Command(program, args...)
	p.cmd.Dir = dir
	p.cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stdout, p.cmd.Stderr = output, output
	// A group of its own: Ctrl-C in a terminal reaches only us, and we stop the programs in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(p.cmd.SysProcAttr)

	started := make(chan error, 1)
	go func() {
		// The kernel's parent-death signal follows the thread that started the child, not the process, so
		// this thread must stay as long as the child does.
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
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Pid is its process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Stop ends the program. One that had ended by itself is an error, with the end of its log.
func (p *Process) Stop() error {
	if err := p.ended(); err != nil {
		return err
	}
	return p.stop(grace)
}

// stop asks the program to end, and after grace makes it. It returns when the program has ended.
func (p *Process) stop(grace time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return nil
}

// ended is nil while the program runs, and afterwards an error with the end of its log.
func (p *Process) ended() error {
	select {
	case <-p.done:
		log, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s ended (%v); its last words:\n%s", p.name, p.err, lastLines(log, 15))
	default:
		return nil
	}
}

// poll calls try every 20 ms until it returns nil, and returns the last error once ctx ends or a process has ended.
func poll(ctx context.Context, processes []*Process, try func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		for _, p := range processes {
			if ended := p.ended(); ended != nil {
				return ended
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// tempFolder makes the folder of one control plane, in memory where there is at least 1 GiB of it (etcd allocates 64 MB
// at once, which is all that a container usually has). It first removes folders whose owner died: each folder holds a lock
// file, whose lock the kernel gives back with the process.
func tempFolder() (dir string, unlock func(), err error) {
	base := os.TempDir()
	var stat syscall.Statfs_t
	if err := syscall.Statfs("/dev/shm", &stat); err == nil && uint64(stat.Bavail)*uint64(stat.Bsize) >= 1<<30 {
		if probe, err := os.MkdirTemp("/dev/shm", "rondo-probe-"); err == nil {
			os.Remove(probe)
			base = "/dev/shm"
		}
	}
	old, _ := filepath.Glob(filepath.Join(base, "rondo-kubetest-*"))
	for _, dir := range slices.DeleteFunc(old, ownerLives) {
		os.RemoveAll(dir)
	}
	if dir, err = os.MkdirTemp(base, "rondo-kubetest-"); err != nil {
		return "", nil, err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, func() { lock.Close() }, nil
}

// ownerLives says whether a folder is in use, or so young that its owner may not have locked it yet.
func ownerLives(dir string) bool {
	lock, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		info, err := os.Stat(dir)
		return err != nil || time.Since(info.ModTime()) < time.Minute
	}
	defer lock.Close()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// freePort reserves a TCP port on 127.0.0.1 until release is called. Where the kernel can, the port stays bound, not
// listening, with SO_REUSEPORT, so that no other process gets it before our server, which must ask for sharing, too.
func freePort(ctx context.Context) (port int, release func(), err error) {
	if port, release, err = holdPort(); err == nil {
		return port, release, nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, nil, err
	}
	return listener.Addr().(*net.TCPAddr).Port, func() {}, listener.Close()
}
