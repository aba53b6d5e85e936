package kustomize

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "rewrite want/ in testdata/kustomize")

func TestMain(m *testing.M) {
	Worker()
	os.Exit(m.Run())
}
