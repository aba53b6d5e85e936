package main_test

import (
	"os/exec"
	"testing"
)

// The bar: 50 ms for a small repository, the start of the process included.
func BenchmarkLintProcess(b *testing.B) {
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	dir := folder(b, "shop", map[string]string{"manifest.yml": good})
	for b.Loop() {
		if out, err := exec.Command(path, "lint", dir).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}
