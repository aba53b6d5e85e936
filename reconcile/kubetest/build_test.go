package kubetest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBuild is also the way to fill the cache: go test -run '^TestBuild$' -v -timeout 30m.
func TestBuild(t *testing.T) {
	needBuilt(t)
	if _, err := Build(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	began := time.Now()
	binaries, err := Build(t.Context(), &out)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second || out.Len() > 0 {
		t.Errorf("a second Build took %s and said %q; want under 10 s and silence", took, out.String())
	}
	for _, path := range []string{
		binaries.Etcd, binaries.APIServer, binaries.ControllerManager, binaries.Scheduler, binaries.Kwok, binaries.Stages,
	} {
		if !isFile(path) {
			t.Errorf("%s is no file", path)
		}
	}
}

// helloTool is a module without dependencies, so that its builds take a second.
func helloTool(t *testing.T) Tool {
	t.Helper()
	t.Setenv("RONDO_CACHE", t.TempDir())
	dir := filepath.Join(t.TempDir(), "hello")
	write(t, dir, "go.mod", "module hello.test/hello\n\ngo 1.26\n")
	write(t, dir, "main.go", "package main\n\nfunc main() { println(\"hello\") }\n")
	return Tool{Module: dir, Package: "hello.test/hello", Name: "hello"}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestToolIsBuiltOnceByManyAtATime(t *testing.T) {
	tool := helloTool(t)
	var outs [4]strings.Builder
	var group sync.WaitGroup
	for i := range outs {
		group.Go(func() {
			if _, err := BuildTool(t.Context(), &outs[i], tool); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	var said string
	for i := range outs {
		said += outs[i].String()
	}
	if builds := strings.Count(said, "took"); builds != 1 {
		t.Errorf("built %d times, want once:\n%s", builds, said)
	}
}

func TestChangedSourceIsBuiltAgain(t *testing.T) {
	tool := helloTool(t)
	first, err := BuildTool(t.Context(), nil, tool)
	if err != nil {
		t.Fatal(err)
	}
	write(t, tool.Module, "main.go", "package main\n\nfunc main() { println(\"good day\") }\n")
	second, err := BuildTool(t.Context(), nil, tool)
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Errorf("both sources are built to %s", first)
	}
}

func TestFailedBuildSaysWhyAndLeavesNothing(t *testing.T) {
	tool := helloTool(t)
	write(t, tool.Module, "main.go", "package main\n\nfunc main() { nothing() }\n")
	_, err := BuildTool(t.Context(), nil, tool)
	if err == nil || !strings.Contains(err.Error(), "undefined: nothing") {
		t.Errorf("error is %v, want the compiler's words", err)
	}
	_, dir, err := tool.place()
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "*hello*")); len(found) > 0 {
		t.Errorf("left behind: %v", found)
	}
}

func TestWhoWaitsForALockSaysForWhom(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockFolder(t.Context(), nil, dir, "building etcd")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var out strings.Builder
	if _, err := lockFolder(ctx, &out, dir, "building etcd, too"); err == nil {
		t.Error("two hold the lock")
	}
	if !strings.Contains(out.String(), "which is building etcd …") {
		t.Errorf("waiting says %q, want what the holder does", out.String())
	}
}
