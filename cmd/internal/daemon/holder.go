package daemon

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// holder is this process's name in the Lease and in inventories.
//
// The name is kept in the data folder under a lock that dies with the process.
// Whoever gets the lock knows that the process which had the name before is
// gone, so it may take the name, and with it the Lease, at once instead of
// waiting 15 s for it to run out. Whoever does not get the lock shares the
// folder with a living daemon and takes a name of its own.
type holder struct {
	name string
	file *os.File // locked; nil when the name is not kept
}

func newHolder(dir string) (*holder, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "rondo"
	}
	fresh := host + "-" + strings.ToLower(rand.Text()[:8])
	f, err := os.OpenFile(filepath.Join(dir, "holder"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		// Held by another daemon, or a file system without locks: both mean
		// that nothing is known about who had the name.
		return &holder{name: fresh}, f.Close()
	}
	kept, err := io.ReadAll(io.LimitReader(f, 512))
	if err == nil && len(kept) > 0 {
		return &holder{name: string(kept), file: f}, nil
	}
	if err == nil {
		_, err = f.WriteString(fresh)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data folder: %w", err), f.Close())
	}
	return &holder{name: fresh, file: f}, nil
}

func (h *holder) close() error {
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}
