package kustomize

import (
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

const canary = "canary-7c11e0"

const root = "kustomization.yaml"

// pathFields are kustomizations that name PATH, one for each field with a path.
var pathFields = map[string]string{
	"resources":                "resources: ['PATH']",
	"bases":                    "bases: ['PATH']",
	"components":               "components: ['PATH']",
	"configurations":           "configurations: ['PATH']",
	"patchesStrategicMerge":    "patchesStrategicMerge: ['PATH']",
	"patches":                  "patches: [{path: 'PATH'}]",
	"patchesJson6902":          "patchesJson6902: [{path: 'PATH', target: {version: v1, kind: ConfigMap, name: a}}]",
	"replacements":             "replacements: [{path: 'PATH'}]",
	"configMapGenerator files": "configMapGenerator: [{name: a, files: ['PATH']}]",
	"configMapGenerator key":   "configMapGenerator: [{name: a, files: ['k=PATH']}]",
	"configMapGenerator envs":  "configMapGenerator: [{name: a, envs: ['PATH']}]",
	"configMapGenerator env":   "configMapGenerator: [{name: a, env: 'PATH'}]",
	"secretGenerator files":    "secretGenerator: [{name: a, files: ['PATH']}]",
	"secretGenerator envs":     "secretGenerator: [{name: a, envs: ['PATH']}]",
}

// everyField is a repository for each field, whose kustomization names path there.
func everyField(path string, more map[string]string) map[string]memory {
	out := map[string]memory{}
	for field, text := range pathFields {
		m := repo(more)
		m.MapFS[root] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "PATH", path)), Mode: 0o644}
		out[field] = m
	}
	return out
}

func TestT01_LinksAndSubmodulesAreRefused(t *testing.T) {
	b := Builder{Inner: inner{}, Workers: workers(t)}
	secret := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: " + canary + "}\n"
	for what, mode := range map[string]fs.FileMode{"a link": fs.ModeSymlink, "a submodule": fs.ModeDir | fs.ModeIrregular} {
		for _, path := range []string{"there", "there/below", "there/../there/below/file.yaml"} {
			for field, m := range everyField(path, nil) {
				m.MapFS["there"] = &fstest.MapFile{Data: []byte(secret), Mode: mode}
				text := refusal(t, b, input(m), "E-FILE-LINK")
				if strings.Contains(text, canary) {
					t.Errorf("%s to %s in %s: content in %s", what, path, field, text)
				}
			}
		}
	}
	t.Run("on disk", func(t *testing.T) {
		dir := t.TempDir()
		outside := filepath.Join(dir, "outside")
		inside := filepath.Join(dir, "repo")
		for name, text := range map[string]string{
			"outside/base/kustomization.yaml": "resources: [a.yaml]", "outside/base/a.yaml": secret, "outside/file.yaml": secret,
			"repo/kustomization.yaml": "resources: [base, file.yaml, chain, loop, absolute]",
		} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for link, to := range map[string]string{"base": "../outside/base", "file.yaml": "../outside/file.yaml", "chain": "file.yaml", "loop": "loop", "absolute": outside} {
			if err := os.Symlink(to, filepath.Join(inside, link)); err != nil {
				t.Fatal(err)
			}
		}
		snap, err := sources.Dir(inside)
		if err != nil {
			t.Fatal(err)
		}
		defer snap.Close()
		text := refusal(t, b, input(snap), "E-FILE-LINK")
		if strings.Count(text, "E-FILE-LINK") != 5 || strings.Contains(text, canary) {
			t.Errorf("want five links refused:\n%s", text)
		}
		plain := input(snap)
		plain.Path = "."
		if err := os.Remove(filepath.Join(inside, root)); err != nil {
			t.Fatal(err)
		}
		if text := refusal(t, b, plain, "E-FILE-LINK"); strings.Contains(text, canary) {
			t.Error(text)
		}
	})
}

func TestT02_PathsEndAtTheRepository(t *testing.T) {
	b := Builder{Inner: inner{}, Workers: workers(t)}
	for _, path := range []string{"../neighbour/a.yaml", "..", "a/../../neighbour", "../../../../etc/passwd", "/etc/passwd", "/", `..\neighbour`, "base - ../neighbour"} {
		for field, m := range everyField(path, map[string]string{"neighbour/a.yaml": canary}) {
			_, text := rendered(t, b, input(m))
			if !strings.Contains(text, "[E-KUSTOMIZE-PATH]") || strings.Contains(text, canary) {
				t.Errorf("%s %q: %s", field, path, text)
			}
		}
	}
}

func TestT03_MessagesDoNotTellWhetherATargetExists(t *testing.T) {
	b := Builder{Inner: inner{}, Workers: workers(t)}
	here := filepath.Join(t.TempDir(), "here")
	if err := os.WriteFile(here, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]string{{here, here + "x"}, {"../.." + here, "../.." + here + "x"}} {
		gone := everyField(pair[1], nil)
		for field, m := range everyField(pair[0], nil) {
			_, is := rendered(t, b, input(m))
			_, isNot := rendered(t, b, input(gone[field]))
			if is != isNot || is == "" {
				t.Errorf("%s: %q when it exists, %q when not", field, is, isNot)
			}
		}
	}
}

func TestT04_MessagesHoldNoContent(t *testing.T) {
	b := Builder{Inner: shop(), Workers: workers(t)}
	for name, tc := range map[string]struct{ kustomization, file string }{
		"broken YAML":                    {"resources: [a.yaml]", "a: b: " + canary},
		"a patch that does not parse":    {"resources: [rondo-base]\npatches: [{path: a.yaml}]", canary},
		"a JSON patch that does not fit": {"resources: [rondo-base]\npatches: [{target: {kind: Secret}, path: a.yaml}]", `[{"op": "test", "path": "/data/x", "value": "` + canary + `"}]`},
		"a line of variables":            {"resources: [rondo-base]\nsecretGenerator: [{name: a, envs: [a.yaml]}]", "1=\n" + canary + " " + canary},
		"an inline patch":                {"resources: [rondo-base]\npatches: [{patch: 'x: [" + canary + "'}]", ""},
		"a merge that has no target":     {"resources: [rondo-base]\nsecretGenerator: [{name: a, behavior: merge, literals: [a=" + canary + "]}]", ""},
		"an object without a kind":       {"resources: [a.yaml]", "data: {a: " + canary + "}"},
		"a list of texts":                {"resources: [a.yaml]", "- " + canary},
		"a token in a URL":               {"resources: ['https://user:" + canary + "@example.org/a']", ""},
		"a wrong type":                   {"resources: [rondo-base]\nnamePrefix: [" + canary + "]", ""},
		"a replacement":                  {"resources: [rondo-base]\nreplacements: [{source: {kind: Secret, fieldPath: " + canary + "}, targets: [{select: {kind: Job}, fieldPaths: [a]}]}]", ""},
		"a wrong key":                    {"resources: [rondo-base]\n\"" + canary + ": x\": 1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, text := rendered(t, b, input(repo(map[string]string{"manifest.yml": "a: b", overlay + root: tc.kustomization, overlay + "a.yaml": tc.file})))
			if text == "" || strings.Contains(text, canary) {
				t.Errorf("problems: %q", text)
			}
		})
	}
}

// within runs f, which must end in a time so wide that only a defect needs more.
func within(t *testing.T, f func()) {
	const limit = 30 * time.Second
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > limit {
		t.Errorf("took %s, want at most %s", took, limit)
	}
}

func TestT05_CirclesEnd(t *testing.T) {
	b := Builder{Inner: inner{}, Workers: workers(t)}
	deep := map[string]string{root: "resources: [d0]"}
	wide := map[string]string{root: "resources: [l0]"}
	for i := range 1000 {
		deep[fmt.Sprintf("d%d/%s", i, root)] = fmt.Sprintf("resources: [../d%d]", i+1)
	}
	for i := range 15 {
		wide[fmt.Sprintf("l%d/%s", i, root)] = fmt.Sprintf("resources: [../l%d, ../m%d]", i+1, i+1)
		wide[fmt.Sprintf("m%d/%s", i, root)] = fmt.Sprintf("namePrefix: m%d-\nresources: [../l%d, ../m%d]", i, i+1, i+1)
	}
	for _, end := range []string{"l15/", "m15/"} {
		wide[end+root] = "resources: [a.yaml]"
		wide[end+"a.yaml"] = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
	}
	for name, tc := range map[string]struct {
		files map[string]string
		code  string
	}{
		"to itself":               {map[string]string{root: "resources: [.]"}, "E-KUSTOMIZE-CYCLE"},
		"to itself by a detour":   {map[string]string{root: "resources: [a/..]"}, "E-KUSTOMIZE-CYCLE"},
		"two to each other":       {map[string]string{root: "resources: [a]", "a/" + root: "resources: [../b]", "b/" + root: "resources: [../a]"}, "E-KUSTOMIZE-CYCLE"},
		"components, too":         {map[string]string{root: "components: [a]", "a/" + root: "kind: Component\ncomponents: [../a]"}, "E-KUSTOMIZE-CYCLE"},
		"to a folder above":       {map[string]string{root: "resources: [a]", "a/" + root: "resources: [..]"}, "E-KUSTOMIZE-CYCLE"},
		"1,000 deep":              {deep, "E-KUSTOMIZE-CYCLE"},
		"32,768 ways to one base": {wide, "E-KUSTOMIZE-LIMIT"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func() { refusal(t, b, input(repo(tc.files)), tc.code) })
		})
	}
}

// bomb is YAML whose aliases expand to 9^9 values.
func bomb() string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nx0: &x0 [" + strings.Repeat("a,", 9) + "]\n")
	for i := range 9 {
		fmt.Fprintf(&b, "x%d: &x%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*x%d,", i), 9))
	}
	return b.String()
}

func TestT06_AliasBombsDoNotGoOff(t *testing.T) {
	b := Builder{Inner: shop(), Workers: workers(t)}
	for name, files := range map[string]map[string]string{
		"as a kustomization": {overlay + root: bomb()},
		"as a resource":      {overlay + root: "resources: [a.yaml]", overlay + "a.yaml": bomb()},
		"as a patch":         {overlay + root: "resources: [rondo-base]\npatches: [{path: a.yaml}]", overlay + "a.yaml": bomb()},
		"inside of the file": {overlay + root: "resources: [rondo-base]\npatches:\n- patch: |\n    " + strings.ReplaceAll(bomb(), "\n", "\n    ")},
		"as a configuration": {overlay + root: "resources: [rondo-base]\nconfigurations: [a.yaml]", overlay + "a.yaml": bomb()},
	} {
		t.Run(name, func(t *testing.T) {
			files["manifest.yml"] = "a: b"
			within(t, func() { refusal(t, b, input(repo(files)), "E-YAML-ALIAS") })
			if len(b.Workers.waiting) > 0 {
				t.Error("a worker saw it")
			}
		})
	}
}

func TestT07_TooMuchIsRefusedBySize(t *testing.T) {
	b := Builder{Inner: inner{}, Workers: workers(t)}
	many := map[string]string{root: "resources: ["}
	for i := range 60 {
		name := fmt.Sprintf("f%d.yaml", i)
		many[root] += name + ","
		many[name] = "# " + strings.Repeat("x", sources.MaxFileSize-10)
	}
	many[root] += "]"
	for name, tc := range map[string]struct {
		files map[string]string
		code  string
	}{
		"a file of 50 MB":    {map[string]string{root: "resources: [a.yaml]", "a.yaml": strings.Repeat("a: b\n", 10<<20)}, "E-FILE-SIZE"},
		"60 files of 1 MiB":  {many, "E-FILE-SIZE"},
		"100,000 documents":  {map[string]string{root: "resources: [a.yaml]", "a.yaml": strings.Repeat("---\na: 1\n", 100_000)}, "E-FILE-SIZE"},
		"6,000 objects":      {map[string]string{root: "resources: [a.yaml]", "a.yaml": strings.Repeat("---\n{apiVersion: v1, kind: A, metadata: {name: a}}\n", 6000)}, "E-KUSTOMIZE-LIMIT"},
		"20,000 levels":      {map[string]string{root: "resources: [a.yaml]", "a.yaml": "a: " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)}, "E-YAML-DEPTH"},
		"plain YAML of 2 MB": {map[string]string{"deploy/a.yaml": strings.Repeat("a: b\n", 400_000)}, "E-FILE-SIZE"},
	} {
		t.Run(name, func(t *testing.T) {
			in := input(repo(tc.files))
			if tc.files[root] == "" {
				in.Path = "deploy"
			}
			within(t, func() { refusal(t, b, in, tc.code) })
		})
	}
}

func TestT14_NothingIsFetched(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	b := Builder{Inner: inner{}, Workers: workers(t)}
	for _, path := range []string{
		server.URL + "/a.yaml", server.URL + "/a?ref=main", "git::" + server.URL + "/a", "http://user:" + canary + "@" + server.Listener.Addr().String() + "/a",
		"github.com/kubernetes-sigs/kustomize//examples", "GitHub.com/a/b", "www.github.com/a/b", "git@github.com:a/b", "ssh://git@localhost/a", "me@localhost:a/b.git", "file:///etc", "a/b?ref=main",
	} {
		for field, m := range everyField(path, nil) {
			_, text := rendered(t, b, input(m))
			if strings.HasSuffix(field, "files") && strings.Contains(path, "=") {
				continue // what stands before the sign is the key of a value
			}
			if !strings.Contains(text, "[E-KUSTOMIZE-REMOTE]") || strings.Contains(text, canary) {
				t.Errorf("%s %q: %s", field, path, text)
			}
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests arrived", n)
	}
}

// A worker that is asked directly, past every check, still reaches no listener.
func TestT14_AWorkerHasNoNetwork(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	w := workers(t)
	answer, err := w.build(t.Context(), request{Dir: "a", Files: map[string][]byte{
		"a/" + root: []byte("resources: ['http://" + listener.Addr().String() + "/a.yaml']")}})
	if err != nil || answer.Error == "" {
		t.Fatalf("%v %v", answer, err)
	}
	if w.apart == len(apart())-1 {
		t.Skip("this kernel gives no network namespace")
	}
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if c, err := listener.Accept(); err == nil {
		c.Close()
		t.Error("the worker reached the listener")
	}
}

func TestT33_OneApplicationDoesNotChangeAnother(t *testing.T) {
	good := func() memory {
		return repo(map[string]string{
			root:     "resources: [a.yaml]\npatches: [{path: p.yaml}]\ncommonLabels: {x: z}\n",
			"a.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: 'a/b:1', ports: [{containerPort: 80}]}, {name: side, image: 'a/c:1'}]}\n",
			"p.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, ports: [{containerPort: 81}]}]}}}\n",
		})
	}
	clean, problems := rendered(t, Builder{Inner: inner{}, Workers: workers(t)}, input(good()))
	if problems != "" {
		t.Fatal(problems)
	}
	b := Builder{Inner: inner{}, Workers: workers(t)}
	schema := `{"definitions": {"v1.Container": {"type": "object"}}}`
	for name, files := range map[string]map[string]string{
		"openapi":                           {root: "openapi: {path: s.json}\nresources: []", "s.json": schema},
		"in other case":                     {root: "OpenAPI: {path: s.json}\nresources: []", "s.json": schema},
		"by a merge key":                    {root: "<<: {openapi: {path: s.json}}\nresources: []", "s.json": schema},
		"in binary":                         {root: "!!binary b3BlbmFwaQ==: {path: s.json}\nresources: []", "s.json": schema},
		"in a base":                         {root: "resources: [b]", "b/" + root: "openapi: {path: s.json}", "b/s.json": schema},
		"crds":                              {root: "crds: [s.json]\nresources: []", "s.json": schema},
		"version":                           {root: "openapi: {version: v1.20.4}\nresources: []"},
		"generators":                        {root: "generators: [g.yaml]", "g.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/true}'}}"},
		"transformers":                      {root: "transformers: [g.yaml]", "g.yaml": ""},
		"validators":                        {root: "validators: [g.yaml]", "g.yaml": ""},
		"charts":                            {root: "helmCharts: [{name: a, repo: 'http://localhost'}]"},
		"a function":                        {root: "resources: [g.yaml]", "g.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {config.kubernetes.io/function: 'exec: {path: /bin/true}'}}"},
		"a kustomization that is also data": {root: "resources: [b]\nconfigMapGenerator: [{name: a, files: [b/kustomization.yaml]}]", "b/" + root: "configMapGenerator: [{name: b, literals: [a=b]}]"},
	} {
		_, text := rendered(t, b, input(repo(files)))
		if !strings.Contains(text, "E-KUSTOMIZE-FIELD") && !strings.Contains(text, "E-KEY-UNKNOWN") && !strings.Contains(text, "E-VALUE") {
			t.Errorf("%s: %q", name, text)
		}
	}
	// One that is allowed, and differs in everything.
	if _, text := rendered(t, b, input(repo(map[string]string{
		root:     "resources: [a.yaml]\nconfigurations: [c.yaml]\nnamePrefix: z-\n",
		"c.yaml": "nameReference: [{kind: Deployment, version: v1, fieldSpecs: [{path: spec/x, kind: Other}]}]\n",
		"a.yaml": "{apiVersion: example.org/v1, kind: Other, metadata: {name: a}, spec: {x: web}}",
	}))); strings.Contains(text, "[E-") {
		t.Fatal(text)
	}
	after, problems := rendered(t, b, input(good()))
	if key := []byte("k"); problems != "" || clean.Digest(key) != after.Digest(key) {
		t.Errorf("%s\nclean: %v\nafter: %v", problems, bodies(clean), bodies(after))
	}
}

func bodies(b render.Bundle) (out []any) {
	for _, o := range b.Objects {
		out = append(out, o.Body)
	}
	return out
}
