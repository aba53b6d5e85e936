package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"rondo.dev/rondo/cmd/internal/config"
)

// settle is how long a file must be quiet before it is read: editors and
// ConfigMap mounts replace a file in several steps.
const settle = 200 * time.Millisecond

// Watch reloads the configuration when its file changes or signals says so,
// until ctx ends. A bad new file leaves the old one in force.
func (d *Daemon) Watch(ctx context.Context, signals <-chan os.Signal) error {
	d.mu.Lock()
	path := d.config.Path
	d.mu.Unlock()
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	defer watcher.Close()
	// The folder, not the file: a mounted ConfigMap is a link that is swapped.
	if err := watcher.Add(filepath.Dir(path)); err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-signals:
			quiet.Reset(0)
		case <-watcher.Events:
			quiet.Reset(settle)
		case err := <-watcher.Errors:
			d.log.Warn("rondo.yaml may have changed unseen", "err", err)
		case <-quiet.C:
			if err := d.Reload(ctx); err != nil {
				d.log.Error("rondo.yaml is refused; the old one stays in force", "err", err)
			}
		}
	}
}

// Reload reads the configuration again and puts it in force. Applications,
// and tokens change at once; what needs a restart is named.
func (d *Daemon) Reload(ctx context.Context) error {
	d.mu.Lock()
	old := d.config
	d.mu.Unlock()
	c, err := config.Load(old.Path)
	if err != nil {
		return err
	}
	tokens, err := readTokens(c.Access)
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.config, d.tokens = c, tokens
	d.mu.Unlock()
	if changed := fixed(old.File, c.File); len(changed) > 0 {
		d.log.Warn("some changes of rondo.yaml take effect at the next start only", "keys", changed)
	}
	if !d.active.get() {
		return nil
	}
	return d.follow(ctx)
}

// fixed lists the changed keys that are read at start only.
func fixed(a, b config.File) []string {
	var out []string
	for name, differs := range map[string]bool{
		"listen": a.Listen != b.Listen, "internal_listen": a.InternalListen != b.InternalListen,
		"public_url": a.PublicURL != b.PublicURL, "store": a.Store != b.Store, "data": a.Data != b.Data,
		"key_file": a.KeyFile != b.KeyFile, "single_tenant": a.SingleTenant != b.SingleTenant,
		"log_level": a.LogLevel != b.LogLevel, "health_checks": fmt.Sprint(a.HealthChecks) != fmt.Sprint(b.HealthChecks), "github": a.GitHub != b.GitHub, "poll": a.Poll != b.Poll,
		"cluster": fmt.Sprint(a.Cluster) != fmt.Sprint(b.Cluster), "git": fmt.Sprint(a.Git) != fmt.Sprint(b.Git),
	} {
		if differs {
			out = append(out, name)
		}
	}
	return out
}
