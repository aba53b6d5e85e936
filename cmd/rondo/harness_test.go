package main_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile/kubetest"
)

func TestMain(m *testing.M) { os.Exit(main(m)) }

// binary is rondo as users run it, built at its first use.
var binary func() (string, error)

func main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "rondo-cli-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = sync.OnceValues(func() (string, error) { return daemontest.Build(context.Background(), dir) })
	return kubetest.Main(m)
}

// run is one command.
type run struct {
	dir  string   // it is run in; empty: an empty one
	env  []string // besides PATH and HOME
	args []string
}

// answer is what became of it.
type answer struct {
	code     int
	out, err string
}

// rondo runs the binary with args in an empty folder.
func rondo(t *testing.T, args ...string) answer { return run{args: args}.do(t) }

func (r run) do(t *testing.T) answer {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if r.dir == "" {
		r.dir = t.TempDir()
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, r.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, &out, &errs
	// Nothing of the developer's own surroundings.
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir}, r.env...)
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return answer{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// folder writes files into a folder called name.
func folder(t testing.TB, name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const good = `environment_variables:
  GREETING: hello
services:
  web:
    image: registry.example.org/shop/web:1.0.0
    ports: ["8000:80"]
    traffic_matches: [shop.example.org]
    health: default
    constraints:
      min_count: 2
      resources: { requests: { cpu: 50m, memory: 32M } }
`
