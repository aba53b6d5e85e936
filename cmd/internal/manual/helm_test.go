package manual

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/reconcile/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// root is the tree, seen from this folder.
var root = filepath.Join("..", "..", "..")

// minimal are the fewest values the chart takes.
const minimal = "credentials: { webhookSecret: 0123456789abcdef }\n"

// renderer is Helm's own library, as a program.
var renderer = sync.OnceValues(func() (string, error) {
	// Not a test's context: the program outlives the test that needs it first.
	return kubetest.BuildTool(context.Background(), os.Stderr, kubetest.Tool{
		Module: "testdata/helm", Package: "rondo.dev/rondo/testdata/helm", Name: "helm", LDFlags: "-s -w", Takes: "about 1 min on 2 cores",
	})
})

// helm renders the chart into namespace, as the release "rondo".
func helm(t *testing.T, namespace, values string) (string, error) {
	t.Helper()
	program, err := renderer()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, filepath.Join(root, "charts", "rondo"), "rondo", namespace, "-")
	cmd.Stdin = strings.NewReader(values)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if cmd.Run() != nil {
		return "", errors.New(stderr.String())
	}
	return stdout.String(), nil
}

// chart is helm for values that are right: the objects, in order, and the notes.
func chart(t *testing.T, namespace, values string) (objects []unstructured.Unstructured, notes string) {
	t.Helper()
	out, err := helm(t, namespace, values)
	if err != nil {
		t.Fatal(err)
	}
	for i, document := range strings.Split("\n"+out, "\n---\n") {
		if i == 0 {
			continue
		}
		var body map[string]any
		if err := yaml.UnmarshalStrict([]byte(document), &body); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		objects = append(objects, unstructured.Unstructured{Object: body})
		_, notes, _ = strings.Cut(document, "\n# ") // the last document wins
	}
	return objects, notes
}

// find gives the object "Kind/name".
func find(t *testing.T, objects []unstructured.Unstructured, want string) unstructured.Unstructured {
	t.Helper()
	var names []string
	for _, o := range objects {
		name := o.GetKind() + "/" + o.GetName()
		if name == want {
			return o
		}
		names = append(names, name)
	}
	t.Fatalf("no %s among %v", want, names)
	return unstructured.Unstructured{}
}

// rondoYAML is the daemon's file inside the ConfigMap.
func rondoYAML(t *testing.T, objects []unstructured.Unstructured) string {
	t.Helper()
	text, _, err := unstructured.NestedString(find(t, objects, "ConfigMap/rondo").Object, "data", "rondo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// everything sets each value of the chart to something other than its default.
func everything(t *testing.T) string {
	return read(t, "cmd", "internal", "manual", "testdata", "everything.yaml")
}
