//go:build !linux

package kubetest

import (
	"errors"
	"syscall"
)

// dieWithParent has no equivalent here: a control plane outlives a killed test, until somebody ends it.
func dieWithParent(*syscall.SysProcAttr) {}

func holdPort() (int, func(), error) { return 0, nil, errors.ErrUnsupported }
