package kubetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needBuilt keeps -short short, as Shared does.
func needBuilt(t *testing.T) {
	t.Helper()
	if testing.Short() && !Built() {
		t.Skip("the control plane is not built yet, which takes minutes; run once without -short")
	}
}

// gone wants every process ended.
func gone(pids []int) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d is still there: %v", pid, err)
		}
	}
	return nil
}

func TestStopLeavesNothing(t *testing.T) {
	needBuilt(t)
	began := time.Now()
	cp, err := Start(t.Context(), Options{Nodes: 1, Out: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("start took %s", time.Since(began))
	var pids []int
	for _, p := range cp.processes {
		pids = append(pids, p.cmd.Process.Pid)
	}
	if len(pids) != 5 {
		t.Errorf("%d processes run, want 5", len(pids))
	}
	began = time.Now()
	if err := errors.Join(cp.Stop(), cp.Stop()); err != nil {
		t.Error(err)
	}
	t.Logf("stop took %s", time.Since(began))
	if err := gone(pids); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(cp.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", cp.Dir, err)
	}
}

func TestFailedStartNamesTheProgramAndLeavesNothing(t *testing.T) {
	needBuilt(t)
	binaries, err := Build(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	binaries.APIServer = binaries.Etcd // does not know the flags
	dir, unlock, err := tempFolder()
	if err != nil {
		t.Fatal(err)
	}
	cp := &ControlPlane{Dir: dir, release: []func(){unlock}}
	err = cp.start(t.Context(), binaries)
	if err == nil || !strings.Contains(err.Error(), "kube-apiserver ended (exit status 2)") {
		t.Errorf("error is %v, want it to name kube-apiserver", err)
	}
	if err := cp.stopAll(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	needBuilt(t)
	if _, err := Build(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	why := errors.New("no patience")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, why)
	defer cancel()
	if cp, err := Start(ctx, Options{NoControllers: true}); !errors.Is(err, why) {
		t.Errorf("error is %v, want %v", err, why)
		if err == nil {
			cp.Stop()
		}
	}
}

// ownerVariable makes this test binary the owner in TestKilledOwnerLeavesNothing.
const ownerVariable = "RONDO_KUBETEST_OWNER"

func TestKilledOwnerLeavesNothing(t *testing.T) {
	if os.Getenv(ownerVariable) != "" {
		ownControlPlane(t)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can end the children of a killed process")
	}
	needBuilt(t)
	owner := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	owner.Env = append(os.Environ(), ownerVariable+"=1")
	owner.Stderr = os.Stderr
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var pids []int
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if word, ok := strings.CutPrefix(lines.Text(), "pid "); ok {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
		if word, ok := strings.CutPrefix(lines.Text(), "dir "); ok {
			dir = word
			break
		}
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := owner.Wait(); err == nil || len(pids) != 2 {
		t.Fatalf("the owner ended with %v and told of processes %v, want two", err, pids)
	}
	Eventually(t, func() error { return gone(pids) })

	next, unlock, err := tempFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	defer os.RemoveAll(next)
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there after the next start: %v", dir, err)
	}
	if !ownerLives(filepath.Clean(next)) {
		t.Errorf("%s, which is in use, counts as left behind", next)
	}
}

// ownControlPlane starts a small control plane, tells of it and waits to be killed.
func ownControlPlane(t *testing.T) {
	cp, err := Start(t.Context(), Options{NoControllers: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range cp.processes {
		fmt.Println("pid", p.cmd.Process.Pid)
	}
	fmt.Println("dir", cp.Dir)
	select {} // the test's time limit ends it if nobody else does
}
