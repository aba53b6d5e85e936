//go:build unix

package git

import (
	"os"
	"syscall"
)

// lock holds name, a folder, until unlock or the end of the process. It fails at once if another process does.
func lock(name string) (unlock func(), err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close() // nothing was written
		return nil, err
	}
	return func() { f.Close() }, nil
}
