//go:build !linux

package kustomize

import (
	"errors"
	"os"
	"syscall"
)

// On other systems a worker has its wall-clock limit alone.

func limitMemory() error            { return nil }
func limitCPU() error               { return nil }
func resident(int) (uint64, error)  { return 0, errors.ErrUnsupported }
func program() (string, error)      { return os.Executable() }
func apart() []*syscall.SysProcAttr { return []*syscall.SysProcAttr{{}} }
