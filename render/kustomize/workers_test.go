package kustomize

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// small is a build that takes nothing.
func small() request {
	return request{Dir: "a", Files: map[string][]byte{
		"a/kustomization.yaml": []byte("resources: [a.yaml]"),
		"a/a.yaml":             []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"),
	}}
}

// huge is one that expands to several gigabytes; no check stands before it here.
func huge() request {
	q := small()
	q.Files["a/a.yaml"] = []byte(bomb())
	return q
}

func TestT07_AWorkerDiesAtItsLimitAndOthersGoOn(t *testing.T) {
	w := workers(t)
	var group sync.WaitGroup
	group.Go(func() {
		_, err := w.build(t.Context(), huge())
		var limit errLimit
		if !errors.As(err, &limit) {
			t.Errorf("the huge build ended with %v, want a limit", err)
		}
	})
	for range 20 {
		answer, err := w.build(t.Context(), small())
		if err != nil || len(answer.Objects) != 1 {
			t.Errorf("a small build beside it: %v %v", answer.Error, err)
		}
	}
	group.Wait()
	if answer, err := w.build(t.Context(), small()); err != nil || len(answer.Objects) != 1 {
		t.Errorf("a small build after it: %v %v", answer.Error, err)
	}
}

func TestABuildEndsWithItsContext(t *testing.T) {
	w := workers(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := w.build(ctx, huge()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestAWorkerIsReplacedAfterItsBuilds(t *testing.T) {
	w := workers(t)
	pids := map[int]int{}
	for range maxBuilds + 1 {
		if _, err := w.build(t.Context(), small()); err != nil {
			t.Fatal(err)
		}
		w.mu.Lock()
		for _, p := range w.waiting {
			pids[p.cmd.Process.Pid]++
		}
		w.mu.Unlock()
	}
	if len(pids) != 2 {
		t.Errorf("%d processes for %d builds, want 2", len(pids), maxBuilds+1)
	}
}

func TestAWorkerThatWasKilledIsReplaced(t *testing.T) {
	w := workers(t)
	for range 2 {
		if _, err := w.build(t.Context(), small()); err != nil {
			t.Fatal(err)
		}
		if err := w.waiting[0].cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWorkerHasNoEnvironment(t *testing.T) {
	t.Setenv("RONDO_CANARY", canary)
	w := workers(t)
	if _, err := w.build(t.Context(), small()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(w.waiting[0].cmd.Process.Pid) + "/environ")
	if err != nil {
		t.Skip(err)
	}
	if strings.Contains(string(b), canary) || strings.Contains(string(b), "PATH=") {
		t.Errorf("environment is %q", b)
	}
}

func TestClosedWorkersBuildNothing(t *testing.T) {
	w := NewWorkers()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.build(t.Context(), small()); err == nil {
		t.Error("built")
	}
}
