package kubetest

import (
	"bytes"
	"context"
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
)

// moduleRoot finds the folder of rondo's own module. The compiler knows where this file stood; a binary built with
// -trimpath does not, and asks the go command from wherever it was started.
var moduleRoot = sync.OnceValues(func() (string, error) {
	const module = "rondo.dev/rondo"
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
		if isFile(filepath.Join(root, controlPlaneModule, "go.mod")) {
			return root, nil
		}
	}
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	root := strings.TrimSpace(string(dir))
	if err != nil || !isFile(filepath.Join(root, controlPlaneModule, "go.mod")) {
		return "", fmt.Errorf("the sources of %s are not here; run inside a checkout of it", module)
	}
	return root, nil
})

// lockFolder makes dir and takes the lock of it, which the kernel gives back when the holder dies. doing is shown to
// those who wait; they write it to out once.
func lockFolder(ctx context.Context, out io.Writer, dir, doing string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for told := ""; ; {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		if holder, _ := os.ReadFile(file.Name()); told != string(holder) && len(holder) > 0 {
			told = string(holder)
			fmt.Fprintf(out, "waiting for %s …\n", told)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("wait for the lock of %s: %w", dir, context.Cause(ctx))
		case <-tick.C:
		}
	}
	note := fmt.Sprintf("process %d, which is %s", os.Getpid(), doing)
	if err := errors.Join(file.Truncate(0), writeAt(file, note)); err != nil {
		file.Close()
		return nil, err
	}
	return func() { file.Close() }, nil // closing gives the lock back
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// lastLines returns the last n lines of text, for an error message.
func lastLines(text []byte, n int) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
