package kustomize

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// process is one running worker. One build at a time uses it.
type process struct {
	cmd    *exec.Cmd
	in     *os.File
	out    *os.File
	words  *tail
	timer  *time.Timer // ends it when it waits too long; nil before its first wait
	builds int
}

// start runs this program again as a worker: with no environment but what the
// Go runtime reads, no files but the two pipes, and no network where attr says so.
func start(attr *syscall.SysProcAttr) (p *process, err error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		in.Close()
		return nil, err
	}
	defer theirOut.Close()
	p = &process{in: in, out: out, words: &tail{}}
	p.cmd = &exec.Cmd{
		Path: path,
		// A test binary whose TestMain does not call Worker runs no test and ends, instead of all.
		Args: []string{workerName, "-test.run=^$"},
		Env:  []string{"GOMAXPROCS=1", "GOTRACEBACK=none"},
		Dir:  "/", Stdin: theirIn, Stderr: p.words, ExtraFiles: []*os.File{theirOut}, SysProcAttr: attr,
	}
	if err := p.cmd.Start(); err != nil {
		in.Close()
		out.Close()
		return nil, err
	}
	return p, nil
}

// build sends q and waits for the answer. After an error the process is of no use.
func (p *process) build(ctx context.Context, q request) (response, error) {
	p.builds++
	ctx, cancelTime := context.WithTimeoutCause(ctx, maxWall, errLimit("took longer than "+maxWall.String()))
	defer cancelTime()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answered, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		p.watch(ctx, answered, cancel)
	}()
	var r response
	err := send(p.in, q)
	if err == nil {
		err = receive(p.out, &r, maxResponse)
	}
	close(answered)
	<-watched
	switch cause := context.Cause(ctx); {
	case err == nil:
		return r, nil
	case cause != nil:
		return response{}, cause
	default:
		return response{}, p.why(err)
	}
}

// watch kills the process when ctx ends before it has answered, and ends ctx
// when it takes too much memory.
func (p *process) watch(ctx context.Context, answered <-chan struct{}, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-answered:
			return
		case <-ctx.Done():
			_ = p.cmd.Process.Kill() // that it has ended by itself
			return
		case <-tick.C:
			if has, err := resident(p.cmd.Process.Pid); err == nil && has > maxResident {
				cancel(errLimit(fmt.Sprintf("took more than %d MiB of memory", maxResident>>20)))
			}
		}
	}
}

// why says what ended a process that did not answer.
func (p *process) why(err error) error {
	p.stop()
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	words := p.words.buf.Bytes()
	switch {
	case status.Signaled() && status.Signal() == syscall.SIGXCPU, bytes.Contains(words, []byte("SIGXCPU")):
		return errLimit(fmt.Sprintf("took more than %d s of processor time", maxCPU))
	case bytes.Contains(words, []byte("out of memory")), bytes.Contains(words, []byte("cannot allocate memory")):
		return errLimit(fmt.Sprintf("took more than %.1f GiB of address space", float64(maxAddresses)/(1<<30)))
	case bytes.Contains(words, []byte("stack exceeds")), bytes.Contains(words, []byte("stack overflow")):
		return errLimit("nested too deep")
	}
	return fmt.Errorf("%w: %w", errDied, err)
}

// stop ends the process and waits for its end; a second time it does nothing.
func (p *process) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.in.Close()
	p.out.Close()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // that it was killed
}

// tail keeps the first words of a process that dies.
type tail struct{ buf bytes.Buffer }

func (t *tail) Write(b []byte) (int, error) {
	const most = 4 << 10
	t.buf.Write(b[:min(len(b), most-min(most, t.buf.Len()))])
	return len(b), nil
}
