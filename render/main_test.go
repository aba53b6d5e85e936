package render_test

import (
	"flag"
	"os"
	"testing"

	"rondo.dev/rondo/reconcile/kubetest"
)

var update = flag.Bool("update", false, "rewrite want/ in testdata/render")

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }
