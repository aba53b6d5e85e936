package render_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// raw is a Builder of the objects in a text; each line is one.
type raw string

func (r raw) Build(_ context.Context, _ render.Input) (render.Draft, error) {
	var objects []render.Object
	for line := range strings.Lines(string(r)) {
		o := render.Object{Origin: sources.Position{File: "m.yml", Line: len(objects) + 1}}
		if err := yaml.Unmarshal([]byte(line), &o.Body); err != nil {
			return render.Draft{}, err
		}
		if wave, ok := o.Body["wave"].(float64); ok {
			o.Wave = int(wave)
			delete(o.Body, "wave")
		}
		objects = append(objects, o)
	}
	return render.Draft{Objects: objects}, nil
}

func (r raw) Inputs(render.Input) []string { return []string{"a.yml", "folder/b.yml"} }

var shop = render.Input{App: "shop", Environment: "production", Namespace: "shop-production"}

// codes renders and lists the codes of the Problems, or "" for none.
func codes(t *testing.T, b render.Builder) (render.Bundle, string) {
	t.Helper()
	bundle, err := render.Render(t.Context(), shop, b)
	problems := bundle.Problems
	if err != nil {
		if problems = render.AsProblems(err); problems == nil {
			t.Fatal(err)
		}
		if len(bundle.Objects) > 0 {
			t.Error("a Bundle with an error has objects")
		}
	}
	var out []string
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%s@%d", p.Code, p.Pos.Line))
	}
	return bundle, strings.Join(out, " ")
}

func TestT22_ObjectsStayInTheirNamespace(t *testing.T) {
	for namespace, want := range map[string]string{
		"":                "",
		"shop-production": "",
		"other":           "E-META-RESERVED@1",
		"kube-system":     "E-META-RESERVED@1",
	} {
		b, got := codes(t, raw(fmt.Sprintf("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: %q}}", namespace)))
		if got != want {
			t.Errorf("namespace %q: problems %q, want %q", namespace, got, want)
		}
		for _, o := range b.Objects {
			if o.ID.Namespace != "shop-production" || o.Body["metadata"].(map[string]any)["namespace"] != "shop-production" {
				t.Errorf("namespace %q: object goes to %s", namespace, o.ID)
			}
		}
	}
}

func TestT23_OwnershipAndPodSecurityLabelsAreNotTheUsers(t *testing.T) {
	for label, want := range map[string]string{
		"team":                               "",
		"pod-security.kubernetes.io/enforce": "E-META-RESERVED@1",
		"rondo.dev/inventory":                "E-META-RESERVED@1",
		"rondo.dev/app":                      "",
		"rondo.dev/environment":              "",
		"app.kubernetes.io/managed-by":       "",
	} {
		b, got := codes(t, raw(fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {%s: theirs}}}", label)))
		if got != want {
			t.Errorf("label %s: problems %q, want %q", label, got, want)
		}
		for _, o := range b.Objects {
			labels := o.Labels()
			if labels[render.LabelApp] != "shop" || labels[render.LabelEnvironment] != "production" || labels[render.LabelManagedBy] != "rondo" {
				t.Errorf("label %s: labels are %v", label, labels)
			}
		}
	}
}

// broken is a Builder with a fault.
type broken struct{ raw }

func (broken) Build(context.Context, render.Input) (render.Draft, error) {
	panic("canary")
}

func TestAPanicOfRenderingIsAnErrorOfRondo(t *testing.T) {
	b, err := render.Render(t.Context(), render.Input{}, broken{})
	if !errors.Is(err, render.ErrFault) || !strings.Contains(err.Error(), "it broke off at render_test.go:") || strings.Contains(err.Error(), "canary") || len(b.Objects) > 0 {
		t.Errorf("got %v", err)
	}
}

func TestObjectsThatCannotBeTakenAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ objects, want string }{
		"no name":  {"{apiVersion: v1, kind: ConfigMap, metadata: {}}", "E-TYPE@1"},
		"no kind":  {"{apiVersion: v1, metadata: {name: a}}", "E-TYPE@1"},
		"no group": {"{kind: ConfigMap, metadata: {name: a}}", "E-TYPE@1"},
		"two of one name": {
			"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}", "E-NAME-COLLISION@2"},
		"two of one name in two versions": {
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: a}}", "E-NAME-COLLISION@2"},
		"one name in two groups": {
			"{apiVersion: v1, kind: Service, metadata: {name: a}}\n{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := codes(t, raw(tc.objects)); got != tc.want {
				t.Errorf("problems %q, want %q", got, tc.want)
			}
		})
	}
}

func TestObjectsComeInTheOrderOfTheirApply(t *testing.T) {
	b, _ := codes(t, raw(`{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}}
{apiVersion: apps/v1, kind: Deployment, metadata: {name: b}, wave: 1}
{apiVersion: apps/v1, kind: Deployment, metadata: {name: c}}
{apiVersion: v1, kind: Service, metadata: {name: b}}
{apiVersion: v1, kind: Secret, metadata: {name: z}}
{apiVersion: v1, kind: ConfigMap, metadata: {name: z}}
{apiVersion: v1, kind: ServiceAccount, metadata: {name: z}}`))
	var got []string
	for _, o := range b.Objects {
		got = append(got, fmt.Sprintf("%s %s/%s", o.Stage, o.ID.Kind, o.ID.Name))
	}
	want := []string{"policy ServiceAccount/z", "config ConfigMap/z", "config Secret/z",
		"workload Deployment/c", "workload Service/b", "workload Deployment/b", "route Ingress/a"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsOfFilesAndOtherErrorsAreToldApart(t *testing.T) {
	_, err := render.Render(t.Context(), shop, raw("{"))
	if err == nil || render.AsProblems(err) != nil {
		t.Errorf("err = %v, want one that is no Problem", err)
	}
	_, err = render.Render(t.Context(), shop, raw("{kind: ConfigMap}\n{kind: Secret}"))
	var p *render.Problem
	if !errors.As(err, &p) || p.Pos.Line != 1 || !strings.Contains(err.Error(), "1 more") {
		t.Errorf("err = %v, want the first of two Problems", err)
	}
}

// files is a Snapshot that knows the hashes of its files only: reading fails.
type files map[string]string

func (files) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("read")}
}
func (files) Revision() sources.Revision { return sources.Revision{} }
func (files) Close() error               { return nil }
func (f files) Hash(name string) (string, error) {
	hash, ok := f[name]
	switch {
	case !ok:
		return "", &fs.PathError{Op: "hash", Path: name, Err: fs.ErrNotExist}
	case hash == "link":
		return "", &fs.PathError{Op: "hash", Path: name, Err: sources.ErrLink}
	}
	return hash, nil
}

func TestInputDigestChangesWithWhatDecidesTheResult(t *testing.T) {
	digest := func(change func(*render.Input, files)) string {
		in, f := shop, files{"a.yml": "1", "README.md": "1"}
		if change != nil {
			change(&in, f)
		}
		in.Snapshot = f
		d, err := render.InputDigest(in, raw(""), "v1")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	base := digest(nil)
	for name, tc := range map[string]struct {
		change func(*render.Input, files)
		same   bool
	}{
		"nothing":                 {func(*render.Input, files) {}, true},
		"the README":              {func(_ *render.Input, f files) { f["README.md"] = "2" }, true},
		"the manifest":            {func(_ *render.Input, f files) { f["a.yml"] = "2" }, false},
		"a file that appears":     {func(_ *render.Input, f files) { f["folder/b.yml"] = "1" }, false},
		"a file that is a link":   {func(_ *render.Input, f files) { f["a.yml"] = "link" }, false},
		"a file that disappears":  {func(_ *render.Input, f files) { delete(f, "a.yml") }, false},
		"an image":                {func(in *render.Input, _ files) { in.Images = map[string]string{"web": "a@sha256:1"} }, false},
		"the cluster's version":   {func(in *render.Input, _ files) { in.Facts.ClusterVersion = "1.36" }, false},
		"a variable from the API": {func(in *render.Input, _ files) { in.Facts.Variables = map[string]string{"A": "1"} }, false},
		"the environment":         {func(in *render.Input, _ files) { in.Environment = "staging" }, false},
		"the namespace":           {func(in *render.Input, _ files) { in.Namespace = "other" }, false},
		"the manifest's path":     {func(in *render.Input, _ files) { in.Manifest = "a.yml" }, false},
		"going on though unbuilt": {func(in *render.Input, _ files) { in.Incomplete = true }, false},
	} {
		if got := digest(tc.change); (got == base) != tc.same {
			t.Errorf("%s: digest is the same: %t, want %t", name, got == base, tc.same)
		}
	}
	in := shop
	in.Snapshot = files{"a.yml": "1", "README.md": "1"}
	if other, _ := render.InputDigest(in, raw(""), "v2"); other == base {
		t.Error("another version of rondo: the digest is the same")
	}
}

func TestNamesThatAreTooLongAreCutAndStayDifferent(t *testing.T) {
	long := strings.Repeat("a", 60)
	for want, parts := range map[string][]string{
		"web-env":                             {"web", "env"},
		long + "-bc":                          {long, "bc"},
		strings.Repeat("a", 54) + "-985f19cd": {long, "ext"},
	} {
		if got := render.Name(parts...); got != want {
			t.Errorf("Name(%q) = %q, want %q", parts, got, want)
		}
	}
	if a, b := render.Name(long, "ext"), render.Name(long, "env"); a == b {
		t.Errorf("both are %s", a)
	}
	if name := render.Name(strings.Repeat("-", 80)); strings.HasSuffix(name, "--") || len(name) > render.MaxName {
		t.Errorf("name is %q", name)
	}
}

func TestDigestsNeedTheKeyAndSeeEveryField(t *testing.T) {
	object := func(change func(*render.Object)) render.Object {
		o := render.Object{Version: "v1", Body: map[string]any{"data": map[string]any{"a": "1"}}}
		if change != nil {
			change(&o)
		}
		return o
	}
	key := []byte("key")
	base := object(nil).Digest(key)
	for name, other := range map[string]string{
		"another key":     object(nil).Digest([]byte("other")),
		"another value":   object(func(o *render.Object) { o.Body["data"] = map[string]any{"a": "2"} }).Digest(key),
		"another version": object(func(o *render.Object) { o.Version = "v1beta1" }).Digest(key),
		"a range":         object(func(o *render.Object) { o.Replicas = &render.Range{Min: 1} }).Digest(key),
	} {
		if other == base {
			t.Errorf("%s: the digest is the same", name)
		}
	}
	if again := object(func(o *render.Object) { o.Origin.Line = 9 }).Digest(key); again != base {
		t.Error("a moved line changes the digest")
	}
}

func TestEachRevision(t *testing.T) {
	template := func(annotations string) string {
		return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {metadata: {annotations: " + annotations + "}}}}"
	}
	for annotations, want := range map[string]bool{
		"{}":                         false,
		"{rondo.dev/config-hash: x}": false,
		"{rondo.dev/deployment: x}":  true,
	} {
		b, _ := codes(t, raw(template(annotations)))
		if got := b.EachRevision(); got != want {
			t.Errorf("annotations %s: %t, want %t", annotations, got, want)
		}
	}
}

func TestRangesClamp(t *testing.T) {
	got := make(map[string]int64)
	for name, r := range map[string]render.Range{"1..": {Min: 1}, "2..4": {Min: 2, Max: 4}} {
		for _, n := range []int64{0, 3, 9} {
			got[fmt.Sprintf("%d in %s", n, name)] = r.Clamp(n)
		}
	}
	want := map[string]int64{"0 in 1..": 1, "3 in 1..": 3, "9 in 1..": 9, "0 in 2..4": 2, "3 in 2..4": 3, "9 in 2..4": 4}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestKindsOfTheWholeClusterAreRefused(t *testing.T) {
	for object, want := range map[string]string{
		"{apiVersion: v1, kind: Namespace, metadata: {name: a}}":                                     "E-SCOPE-CLUSTER@1",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: a}}":         "E-SCOPE-CLUSTER@1",
		"{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: a}}":                "",
		"{apiVersion: example.org/v1, kind: Namespace, metadata: {name: a}}":                         "",
		"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a}}": "E-SCOPE-CLUSTER@1",
	} {
		if _, got := codes(t, raw(object)); got != want {
			t.Errorf("%s: %q, want %q", object, got, want)
		}
	}
}
