package validate_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/validate"
)

func TestBrokenObjectsAreRefusedWithASentence(t *testing.T) {
	archive, err := txtar.ParseFile("../../testdata/validate/broken.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) < 25 {
		t.Fatalf("only %d objects", len(archive.Files))
	}
	for _, file := range archive.Files {
		t.Run(file.Name, func(t *testing.T) {
			first, _, _ := strings.Cut(string(file.Data), "\n")
			want := strings.TrimPrefix(first, "# ")
			problems := validate.Objects(objectsOf(t, string(file.Data)), validate.Options{})
			if len(problems) != 1 {
				t.Fatalf("got %v\nwant one: %s", problems, want)
			}
			if got := strings.TrimPrefix(problems[0].Error(), "a.yaml:1: "); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestAVersionJudgesByWhatItKnows(t *testing.T) {
	// resourceClaims in Pods are older than all versions here, evictionResponders newer than all but one.
	const pod = `
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {evictionResponders: [], containers: [{name: web, image: "example.org/web:1"}]}
`
	for name, tc := range map[string]struct{ version, want string }{
		"newest known":                  {"", ""},
		"one that has the field":        {"1.37", ""},
		"one before the field":          {"v1.36.3", "E-OBJECT-FIELD"},
		"a vendor's spelling":           {"1.36+", "E-OBJECT-FIELD"},
		"older than all that is known":  {"1.20", "E-OBJECT-FIELD"},
		"newer than all that is known":  {"1.99", ""},
		"something that is no version":  {"x", ""},
		"another major version of them": {"2.0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var codes []string
			for _, p := range validate.Objects(objectsOf(t, pod), validate.Options{ClusterVersion: tc.version}) {
				codes = append(codes, p.Code)
			}
			if got := strings.Join(codes, " "); got != tc.want {
				t.Errorf("version %q: got %q, want %q", tc.version, got, tc.want)
			}
		})
	}
}

func TestANewerClusterMayKnowMore(t *testing.T) {
	const pod = `
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {somethingNew: 1, containers: [{name: web, image: "example.org/web:1"}]}
`
	problems := validate.Objects(objectsOf(t, pod), validate.Options{ClusterVersion: "1.99"})
	if len(problems) != 1 || problems[0].Code != "W-OBJECT-FIELD" {
		t.Errorf("got %v, want one warning", problems)
	}
}

func TestForeignObjects(t *testing.T) {
	const lonely = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "example.org/db:1", volumeMounts: [{name: data, mountPath: /data}]}]}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}}
---
apiVersion: example.org/v1
kind: Gadget
metadata: {name: a}
spec: {anything: [1, two]}
---
apiVersion: example.org/v1
kind: Gadget
metadata: {name: b}
`
	own := strings.Split(lonely, "---\napiVersion: example.org")[0]
	for name, tc := range map[string]struct {
		text    string
		options validate.Options
		want    string
	}{
		"made by rondo, they must be whole": {own, validate.Options{},
			"E-OBJECT-REF E-OBJECT-REF E-OBJECT-REF E-OBJECT-REF I-OBJECT-REF"},
		"written by people, the rest may be in the cluster": {own, validate.Options{Foreign: true},
			"W-OBJECT-REF W-OBJECT-REF W-OBJECT-REF W-OBJECT-REF I-OBJECT-REF"},
		"a kind of an extension is told once": {lonely, validate.Options{Foreign: true},
			"W-OBJECT-REF W-OBJECT-REF W-OBJECT-REF W-OBJECT-REF I-OBJECT-REF I-OBJECT-UNCHECKED"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := validate.Objects(objectsOf(t, tc.text), tc.options)
			var codes []string
			for _, p := range problems {
				codes = append(codes, p.Code)
			}
			if got := strings.Join(codes, " "); got != tc.want {
				t.Errorf("got  %s\nwant %s\n%v", got, tc.want, problems)
			}
		})
	}
}

func TestVersionsAreAFewInOrder(t *testing.T) {
	versions := validate.Versions()
	if len(versions) < 3 || !slices.Contains(versions, "1.36") || !slices.IsSorted(versions) {
		t.Errorf("versions: %v", versions)
	}
}

// big is one Deployment with a little of everything, many times.
func big(t testing.TB) (objects []render.Object) {
	for range 20 {
		objects = append(objects, objectsOf(t, good)[:3]...)
	}
	return objects
}

// The bar: well under 1 ms for the 60 objects of an application.
func BenchmarkObjects(b *testing.B) {
	objects := big(b)
	b.ReportAllocs()
	for b.Loop() {
		validate.Objects(objects, validate.Options{})
	}
}

// A type is read when the first object asks for it, not all of them at once.
func TestTheFirstObjectsCostLittle(t *testing.T) {
	objects := big(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	validate.Objects(objects, validate.Options{ClusterVersion: "1.35"})
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 512<<10 {
		t.Errorf("the first 60 objects took %d KiB", took>>10)
	} else {
		t.Logf("%d KiB", took>>10)
	}
}

func TestTheSchemaIsWhatTheGeneratorWrites(t *testing.T) {
	if testing.Short() {
		t.Skip("reads four versions of Kubernetes")
	}
	file := filepath.Join(t.TempDir(), "schema.txt")
	cmd := exec.CommandContext(t.Context(), "go", "run", "./testdata/schema", "-o", file)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOPROXY=off") // tests need no network
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "fetch v") {
			t.Skipf("not all versions of Kubernetes are in the module cache: %s", out)
		}
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("schema.txt is out of date; run: go run ./testdata/schema")
	}
}
