package githubtest

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fixture is one file of an npm package.
type fixture struct {
	pkg, version string
	path         string // inside the package
	sha256       string
}

var (
	apiDescription = fixture{"@octokit/openapi", "23.0.2", "generated/api.github.com.json",
		"829b4bebb19a53133289f7b0bc819f4f1118115821db2ca9f25e9ee995a7da2a"}
	recordedDeliveries = fixture{"@octokit/webhooks-examples", "7.6.1", "api.github.com/index.json",
		"09d8f0c617876ae9dad22e26fea5510bfcaad50ee7e602659f6db25b87b25815"}
)

// Fixtures are the paths of GitHub's own material on disk.
type Fixtures struct {
	Description string // the API description, OpenAPI 3.0 as JSON
	Deliveries  string // recorded webhook deliveries, JSON
}

// Fetch gives GitHub's material from the cache, and fills the cache with npm
// the first time, which it tells out. The cache is RONDO_CACHE, else "rondo" in
// the user's cache folder. Several processes may call it at once.
func Fetch(ctx context.Context, out io.Writer) (Fixtures, error) {
	base := os.Getenv("RONDO_CACHE")
	if base == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return Fixtures{}, fmt.Errorf("%w; set RONDO_CACHE to a folder", err)
		}
		base = filepath.Join(user, "rondo")
	}
	dir := filepath.Join(base, "npm")
	description, err := apiDescription.fetch(ctx, dir, out)
	if err != nil {
		return Fixtures{}, err
	}
	deliveries, err := recordedDeliveries.fetch(ctx, dir, out)
	if err != nil {
		return Fixtures{}, err
	}
	return Fixtures{Description: description, Deliveries: deliveries}, nil
}

// fetch gives the path of the file in dir. A file is renamed into place when it
// is whole, so one that exists is good.
func (f fixture) fetch(ctx context.Context, dir string, out io.Writer) (string, error) {
	name := strings.NewReplacer("@", "", "/", "-").Replace(f.pkg) + "-" + f.version + ".json"
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	unlock, err := lock(ctx, dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(file); err == nil {
		return file, nil // another process was faster
	}
	started := time.Now()
	fmt.Fprintf(out, "fetching %s %s with npm …\n", f.pkg, f.version)
	tmp, err := os.MkdirTemp(dir, "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := f.pack(ctx, tmp); err != nil {
		return "", err
	}
	archives, err := filepath.Glob(filepath.Join(tmp, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return "", fmt.Errorf("npm pack %s made %d archives instead of one", f.pkg, len(archives))
	}
	whole := filepath.Join(tmp, name)
	if err := f.extract(archives[0], whole); err != nil {
		return "", fmt.Errorf("unpack %s: %w", f.pkg, err)
	}
	if err := os.Rename(whole, file); err != nil {
		return "", err
	}
	fmt.Fprintf(out, "fetched %s %s in %s\n", f.pkg, f.version, time.Since(started).Round(time.Millisecond))
	return file, nil
}

func (f fixture) pack(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "npm", "pack", "--silent", "--ignore-scripts", f.pkg+"@"+f.version)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	switch err := cmd.Run(); {
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("npm is missing, which fetches GitHub's API description; install the Debian package npm")
	case err != nil:
		return fmt.Errorf("npm pack %s@%s: %w: %s", f.pkg, f.version, err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// extract writes the one file to target.
func (f fixture) extract(archive, target string) error {
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	zip, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	files := tar.NewReader(zip)
	for {
		header, err := files.Next()
		if err == io.EOF {
			return fmt.Errorf("%s is not in it", f.path)
		}
		if err != nil {
			return err
		}
		if header.Name == "package/"+f.path {
			break
		}
	}
	content, err := io.ReadAll(files)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != f.sha256 {
		return fmt.Errorf("%s has SHA-256 %x, not %s", f.path, sum, f.sha256)
	}
	return os.WriteFile(target, content, 0o644)
}

// lock makes dir and waits for its lock, which the kernel gives back when the
// holder dies.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("wait for the lock of %s: %w", dir, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// Delivery is one recorded webhook delivery.
type Delivery struct {
	Event string // X-GitHub-Event
	Body  []byte // JSON
}

// Deliveries are the recorded deliveries of the given events, in the order of
// the file; of all events when none is given.
func Deliveries(t testing.TB, events ...string) []Delivery {
	t.Helper()
	f, err := Fetch(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(f.Deliveries)
	if err != nil {
		t.Fatal(err)
	}
	var recorded []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.Unmarshal(content, &recorded); err != nil {
		t.Fatal(err)
	}
	wanted := make(map[string]bool)
	for _, event := range events {
		wanted[event] = true
	}
	var all []Delivery
	for _, event := range recorded {
		if len(events) > 0 && !wanted[event.Name] {
			continue
		}
		for _, body := range event.Examples {
			all = append(all, Delivery{Event: event.Name, Body: body})
		}
	}
	if len(all) == 0 {
		t.Fatalf("no recorded delivery of %v", events)
	}
	return all
}
