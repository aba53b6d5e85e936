package manifest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/data"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// memory is a snapshot of files in memory. It is laxer than a real one: nothing
// stops a file that is too large.
type memory struct{ fstest.MapFS }

func (memory) Revision() sources.Revision  { return sources.Revision{} }
func (memory) Close() error                { return nil }
func (memory) Hash(string) (string, error) { return "", fs.ErrNotExist }

// broken is a snapshot that fails in one way.
type broken struct {
	memory
	err error
}

func (b broken) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: b.err}
}

func one(data string) sources.Snapshot {
	return memory{fstest.MapFS{"manifest.yml": {Data: []byte(data)}}}
}

// only parses data and wants a single problem, with this code.
func only(t *testing.T, snap sources.Snapshot, code string) render.Problem {
	t.Helper()
	app, problems, err := parse(snap, manifest.Options{Environment: "production"})
	if err != nil || app != nil || len(problems) != 1 || problems[0].Code != code {
		t.Fatalf("got application %v, problems %v, error %v; want only %s", app != nil, problems, err, code)
	}
	return problems[0]
}

// cost runs f and returns the processor time that it took, which other programs
// do not change, and all the memory it asked for.
func cost(f func()) (time.Duration, int64) {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			panic(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := used()
	f()
	took := used() - start
	runtime.ReadMemStats(&after)
	return took, int64(after.TotalAlloc - before.TotalAlloc)
}

func TestT01_LinksAreRefused(t *testing.T) {
	const canary = "canary-51cb"
	for name, target := range map[string]string{
		"to a file outside": "../secret", "absolute": "/etc/passwd", "dangling": "../no-such-file", "to itself": "manifest.yml", "inside": "other.yml",
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "repo")
			for path, text := range map[string]string{"secret": canary, "repo/other.yml": canary} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(parent, path)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(parent, path), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(target, filepath.Join(dir, "manifest.yml")); err != nil {
				t.Fatal(err)
			}
			p := only(t, open(t, dir), "E-FILE-LINK")
			// T3: the text says nothing of the target, not even whether it exists.
			if want := "manifest.yml: the manifest is a link, not a file; commit a plain file [E-FILE-LINK]"; p.Error() != want {
				t.Errorf("got %s\nwant %s", p.Error(), want)
			}
		})
	}
	t.Run("a linked folder", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Symlink("/etc", filepath.Join(dir, ".cloud66")); err != nil {
			t.Fatal(err)
		}
		refused(t, open(t, dir))
	})
	t.Run("a submodule", func(t *testing.T) { refused(t, broken{err: sources.ErrModule}) })
}

// refused wants every file to be called a link.
func refused(t *testing.T, snap sources.Snapshot) {
	t.Helper()
	app, problems, err := parse(snap, manifest.Options{})
	if app != nil || err != nil || len(problems) == 0 {
		t.Fatalf("got %v %v %v", app, problems, err)
	}
	for _, p := range problems {
		if p.Code != "E-FILE-LINK" {
			t.Errorf("got %s", p.Error())
		}
	}
}

func TestT03_ThePathOfTheManifestIsNoOracle(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "repo")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(parent, "there.yml"), []byte("services: {}"), 0o644); err != nil {
		t.Fatal(err)
	}
	snap := open(t, dir)
	for _, path := range []string{"../%s.yml", "a/../../%s.yml", "/etc/%s", "./../%s.yml", "..\\%s.yml", "%s.yml/../../x.yml", "%s\x00.yml", "//%s"} {
		var texts []string
		for _, name := range []string{"there", "absent"} {
			app, problems, err := parse(snap, manifest.Options{Path: fmt.Sprintf(path, name)})
			if err != nil || app != nil || len(problems) != 1 {
				t.Fatalf("%q: %v %v %v", path, app, problems, err)
			}
			texts = append(texts, strings.ReplaceAll(problems[0].Error(), name, "…"))
		}
		if texts[0] != texts[1] {
			t.Errorf("%q tells whether the file exists:\n%s\n%s", path, texts[0], texts[1])
		}
	}
}

// TestT04_ValuesAreNotRepeated gives every option of the language a value that
// must not be seen in any text.
func TestT04_ValuesAreNotRepeated(t *testing.T) {
	const canary = "c4nary-9f3c"
	check := func(text string) {
		_, problems, err := parse(one(text), manifest.Options{Environment: "production", Incomplete: len(text)%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if strings.Contains(p.Error(), canary) || strings.Contains(p.Path, canary) || p.Err != nil && strings.Contains(p.Err.Error(), canary) {
				t.Errorf("%s\nrepeats a value:\n%s", text, p.Error())
			}
		}
	}
	values := []string{canary, `"` + canary + ` "`, "[" + canary + "]", "{a: " + canary + "}", "[{a: " + canary + "}]", "_env(" + canary + ")", "a:" + canary + ":x", "http://" + canary + "/"}
	var visit func(options []manifest.Option, before, after string, depth int)
	visit = func(options []manifest.Option, before, after string, depth int) {
		for _, o := range options {
			for _, v := range values {
				if o.Name == "requires" && !strings.ContainsAny(v, ":/_ {") {
					continue // names a service, which may be shown
				}
				check(before + o.Name + ": " + v + after)
			}
			if o.Keys != nil && depth < 4 {
				open, end := o.Name+": {", "}"
				if o.Named {
					open, end = o.Name+": {web: {", "}}"
				}
				visit(o.Keys(), before+open, end+after, depth+1)
			}
		}
	}
	visit(manifest.Language(), "{", "}", 0)
	for _, text := range []string{
		canary, "- " + canary, "services:\n\t" + canary, "a: [" + canary, "a: *" + canary, "a: !!int " + canary, "a: %" + canary, "a: '" + canary,
		"services: {a: {image: x, ports: ['1:80'], traffic_matches: " + canary + "}, b: {image: x, ports: ['1:80'], traffic_matches: " + canary + "}}",
		"services: {web: {image: a, env_vars: {PASSWORD:" + canary + "}, PASSWORD:" + canary + "}}", "{PASSWORD:" + canary + "}", "services: {web:" + canary + "}",
		"services: " + canary, "services: {web: " + canary + "}", "a: |\n" + canary, canary + "\n---\n" + canary, "<%= " + canary + " %>\n a: b: c",
	} {
		check(text)
	}
}

func TestT06_AliasBombsAreCheap(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	merges := "a0: &a0 {k: v}\n"
	for i := 1; i < 30; i++ {
		merges += fmt.Sprintf("a%d: &a%d {x: *a%d, y: *a%d}\n", i, i, i-1, i-1)
	}
	for name, text := range map[string]string{"nine levels": bomb, "thirty levels of mappings": merges} {
		t.Run(name, func(t *testing.T) {
			took, used := cost(func() {
				only(t, one(text+"services: *i\n"), map[bool]string{true: "E-YAML-ALIAS", false: "E-YAML-SYNTAX"}[name == "nine levels"])
			})
			if took > 100*time.Millisecond || used > 32<<20 {
				t.Errorf("took %s and %d MiB", took, used>>20)
			}
		})
	}
	t.Run("one long text, many times", func(t *testing.T) {
		text := "x: &x " + strings.Repeat("x", 50_000) + "\nservices: {web: {image: a, command: [" + strings.Repeat("*x ,", 2_000) + "]}}\n"
		took, used := cost(func() { only(t, one(text), "E-YAML-ALIAS") })
		if took > 100*time.Millisecond || used > 32<<20 {
			t.Errorf("took %s and %d MiB", took, used>>20)
		}
	})
	t.Run("deeper through aliases than as written", func(t *testing.T) {
		text := "a0: &a0 [x]\n"
		for i := 1; i < 100; i++ {
			text += fmt.Sprintf("a%d: &a%d [*a%d]\n", i, i, i-1)
		}
		only(t, one(text), "E-YAML-DEPTH")
	})
	t.Run("variables that double", func(t *testing.T) {
		text := "environment_variables:\n  V0: " + strings.Repeat("x", 64) + "\n"
		for i := 1; i < 40; i++ {
			text += fmt.Sprintf("  V%d: _env(V%d)_env(V%d)\n", i, i-1, i-1)
		}
		took, used := cost(func() { only(t, one(text+"services: {web: {image: a}}\n"), "E-ENV-SIZE") })
		if took > 100*time.Millisecond || used > 32<<20 {
			t.Errorf("took %s and %d MiB", took, used>>20)
		}
	})
}

func TestT07_LargeAndHostileFilesAreCheap(t *testing.T) {
	const mebi = 1 << 20
	const slow = 10 * time.Second // with the race detector; a tenth without
	many := func(n int, format string, fixed ...string) string {
		var b strings.Builder
		b.WriteString(strings.Join(fixed, ""))
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, tc := range map[string]struct{ text, code string }{
		"50 MB":                        {strings.Repeat("a: b\n", 10<<20), "E-FILE-SIZE"},
		"100,000 documents":            {strings.Repeat("---\na: b\n", 100_000), "E-FILE-SIZE"},
		"20,000 documents":             {strings.Repeat("---\na: b\n", 20_000), "E-YAML-SYNTAX"},
		"20,000 lists in each other":   {strings.Repeat("[", 20_000), "E-YAML-DEPTH"},
		"20,000 blocks in each other":  {strings.Repeat("- ", 20_000), "E-YAML-DEPTH"},
		"9,000 mappings in each other": {strings.Repeat("{a: ", 9_000) + strings.Repeat("}", 9_000), "E-YAML-DEPTH"},
		"half a million values":        {"a: [" + strings.Repeat("a,", mebi/2-10) + "]", "E-FILE-SIZE"},
		"150,000 values":               {"a: [" + strings.Repeat("a,", 150_000) + "]", "E-YAML-ALIAS"},
		"an endless line":              {"a: \"" + strings.Repeat("x", mebi-10), "E-YAML-SYNTAX"},
	} {
		t.Run(name, func(t *testing.T) {
			took, used := cost(func() { only(t, one(tc.text), tc.code) })
			if took > slow || used > 160<<20 {
				t.Errorf("took %s and %d MiB", took, used>>20)
			}
		})
	}
	chain := "services:\n"
	for i := range 8_000 {
		chain += fmt.Sprintf("  s%d: {image: a, requires: [s%d]}\n", i, min(i+1, 7_999))
	}
	for name, text := range map[string]string{
		"unknown services that are required": many(10_000, "nope%d, ", many(5_000, "  s%d: {image: a}\n", "services:\n")+"  web: {image: a, requires: [") + "]}\n",
		"unknown keys":                       many(20_000, "    key%d: a\n", "services:\n  web:\n"),
		"unknown keys at the top":            many(20_000, "key%d: a\n"),
		"undefined variables":                many(10_000, "      V%d: _env(V)\n", many(10_000, "  A%d: b\n", "environment_variables:\n")+"services:\n  web:\n    env_vars:\n"),
		"hosts":                              many(40_000, "h%d.example.org, ", "services: {web: {image: a, traffic_matches: [") + "]}}",
		"services":                           many(8_000, "  s%d: {image: a}\n", "services:\n"),
		"a chain of requirements":            chain,
		"environments":                       many(15_000, "e%d: {services: {a: {image: b}}}\n"),
		"databases":                          many(40_000, "redis.g%d, ", "services: {web: {image: a}}\ndatabases: [") + "]",
		"nulls in an environment":            many(20_000, "    A%d:\n", many(20_000, "  A%d: b\n", "environment_variables:\n")+"services: {web: {image: a}}\nproduction:\n  environment_variables:\n"),
		"one environment with mistakes":      many(20_000, "    key%d: a\n", "services: {web: {image: a}}\nstaging:\n  services:\n   web:\n"),
		"environments with mistakes":         many(10_000, "e%d: {services: {a: {imag: [b]}}}\n"),
		"host names":                         many(40_000, "http://s%d:80/ ", "services: {s1: {image: a}, web: {image: a, command: '") + "'}}",
		"tags":                               many(40_000, "k%d, ", "services: {web: {image: a, tags: [") + "]}}",
	} {
		t.Run(name, func(t *testing.T) {
			if len(text) > mebi {
				t.Fatalf("the case is %d bytes", len(text))
			}
			var problems []render.Problem
			var err error
			took, used := cost(func() {
				_, problems, err = parse(one(text), manifest.Options{Environment: "production", Facts: render.Facts{Images: data.Catalogue()}})
			})
			if err != nil || len(problems) > 300 || took > slow || used > 600<<20 {
				t.Errorf("took %s and %d MiB, %d problems, %v", took, used>>20, len(problems), err)
			}
		})
	}
}

func TestT22_OtherNamespacesCannotBeNamed(t *testing.T) {
	for _, secret := range []string{"other/secret", "../secret", "other.ns/x", "a b", ""} {
		app, problems, err := parse(one(fmt.Sprintf("services: {web: {image: a}}\nredis: {server: external, service_dsn_secret: %q}", secret)), manifest.Options{})
		if err != nil || app != nil || len(problems) != 1 || problems[0].Code != "E-VALUE" {
			t.Errorf("%q: %v %v %v", secret, app != nil, problems, err)
		}
	}
}

func TestT23_LabelsOfThePlatformCannotBeSet(t *testing.T) {
	for _, key := range []string{"rondo.dev/app", "RONDO.dev/app", "x.rondo.dev/app", "app.kubernetes.io/managed-by", "pod-security.kubernetes.io/enforce", "app", "tier"} {
		for _, text := range []string{"tags: {%s: x}", "tags: ['%s=x']", "tags: ['%s:x']", "tags: [%s]", "tags: ['_env(X:%s)=x']"} {
			app, problems, err := parse(one("services: {web: {image: a, "+fmt.Sprintf(text, key)+"}}"), manifest.Options{})
			if err != nil || app != nil || len(problems) != 1 || problems[0].Code != "E-META-RESERVED" && problems[0].Code != "E-TAG-SYNTAX" {
				t.Errorf("%s: %v %v %v", fmt.Sprintf(text, key), app != nil, problems, err)
			}
		}
	}
}

func TestAnUnreadableMirrorIsNoFaultOfTheUser(t *testing.T) {
	cause := errors.New("disk on fire")
	app, problems, err := parse(broken{err: cause}, manifest.Options{})
	if app != nil || problems != nil || !errors.Is(err, cause) {
		t.Errorf("got %v %v %v", app, problems, err)
	}
}

func TestInputsAreAllThatIsRead(t *testing.T) {
	for _, path := range []string{"", "deploy/app.yml", "service.yml", ".cloud66/manifest.yml"} {
		inputs := manifest.Inputs(nil, path, "production")
		if !slices.IsSorted(inputs) || len(inputs) != len(slices.Compact(slices.Clone(inputs))) {
			t.Errorf("Inputs(%q) = %v is not sorted, or repeats itself", path, inputs)
		}
		snap := &recorder{}
		if _, _, err := parse(snap, manifest.Options{Path: path}); err != nil {
			t.Fatal(err)
		}
		for _, name := range snap.names {
			if !slices.Contains(inputs, name) {
				t.Errorf("Parse reads %q, which Inputs(%q) = %v does not name", name, path, inputs)
			}
		}
	}
}

// recorder is an empty snapshot that notes what is asked of it.
type recorder struct {
	memory
	names []string
}

func (r *recorder) Open(name string) (fs.File, error) {
	r.names = append(r.names, name)
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (r *recorder) Hash(name string) (string, error) {
	r.names = append(r.names, name)
	return "", fs.ErrNotExist
}
