package kustomize

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// limitMemory caps the address space of this process.
func limitMemory() error {
	limit := uint64(maxAddresses)
	// With cgo or the race detector more than that is reserved, though hardly used, at the start.
	if taken, err := addresses(); err == nil && taken+minRoom > limit {
		limit = taken + minRoom
	}
	if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	return nil
}

// limitCPU gives the process this much more processor time, until it is called again.
func limitCPU() error {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return fmt.Errorf("read processor time: %w", err)
	}
	limit := unix.Rlimit{Cur: uint64(used.Utime.Sec+used.Stime.Sec) + 1 + maxCPU, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_CPU, &limit); err != nil {
		return fmt.Errorf("limit processor time: %w", err)
	}
	return nil
}

// addresses is the size of this process's address space, in bytes.
func addresses() (uint64, error) {
	pages, _, err := statm("self")
	return pages, err
}

// resident is the memory that a process has, in bytes.
func resident(pid int) (uint64, error) {
	_, pages, err := statm(fmt.Sprint(pid))
	return pages, err
}

func statm(process string) (size, resident uint64, err error) {
	b, err := os.ReadFile("/proc/" + process + "/statm")
	if err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		return 0, 0, err
	}
	page := uint64(os.Getpagesize())
	return size * page, resident * page, nil
}

// program is the running program, also after its file was replaced.
func program() (string, error) { return "/proc/self/exe", nil }

// apart are ways to start a process that reaches no network, best first. What
// the kernel refuses, the next one does without.
func apart() []*syscall.SysProcAttr {
	return []*syscall.SysProcAttr{
		{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET},
		{Cloneflags: syscall.CLONE_NEWNET},
		{},
	}
}
