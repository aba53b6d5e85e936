package workload

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// ordered renders a manifest of one service with hooks, and lists what a
// deployment waits for in the order of apply.
func ordered(t *testing.T, text string, facts render.Facts) []string {
	t.Helper()
	in := render.Input{App: "shop", Environment: "production", Namespace: "shop", Facts: facts,
		Snapshot: commitOf("c", text)}
	bundle, err := render.Render(t.Context(), in, Builder{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, o := range bundle.Objects {
		if o.Command {
			out = append(out, fmt.Sprintf("%s %d %s", o.Stage, o.Wave, strings.TrimSuffix(o.ID.Name, "-ccccccc")))
		}
	}
	return out
}

func TestHooksRunAtTheirMoment(t *testing.T) {
	text := "services: { web: { image: \"example.org/web:1\", requires: [api], deploy_command: x }, api: { image: \"example.org/api:1\", deploy_command: x } }\ndeploy_hooks:\n"
	for _, point := range []string{"last_thing", "after_haproxy", "after_nginx", "after_processes", "after_rails", "after_symlink", "before_haproxy", "before_nginx",
		"before_restart", "before_processes", "before_padrino", "after_checkout", "first_thing"} {
		text += "  " + point + ": { command: x, target: any }\n"
	}
	got := ordered(t, text, render.Facts{})
	want := []string{
		"config 1 hook-first-thing-1",
		"command 0 hook-after-checkout-1", "command 1 hook-before-padrino-1", "command 2 api-deploy", "command 3 web-deploy",
		"command 4 hook-before-processes-1", "command 5 hook-before-restart-1",
		"workload 2 hook-before-nginx-1", "workload 3 hook-before-haproxy-1",
		"after 0 hook-after-symlink-1", "after 1 hook-after-rails-1", "after 2 hook-after-processes-1", "after 3 hook-after-nginx-1",
		"after 4 hook-after-haproxy-1", "after 5 hook-last-thing-1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A hook around a database is bound to the database, not to the revision.
func TestHooksAroundADatabaseRunWhenItChanges(t *testing.T) {
	name := func(host, revision, command string) string {
		in := render.Input{App: "shop", Environment: "production", Namespace: "shop",
			Snapshot: commitOf(revision, `
redis: { server: external, host: `+host+` }
services: { web: { image: "example.org/web:1", command: `+command+` } }
deploy_hooks: { before_redis: { command: x, target: any } }`)}
		bundle, err := render.Render(t.Context(), in, Builder{})
		if err != nil {
			t.Fatal(err)
		}
		if bundle.EachRevision() {
			t.Error("the application is bound to the revision")
		}
		for _, o := range bundle.Objects {
			if o.Command {
				return o.ID.Name
			}
		}
		return ""
	}
	first := name("a.example.org", "a", "run")
	if again := name("a.example.org", "b", "walk"); first == "" || again != first {
		t.Errorf("another revision gives the Job %s, not %s", again, first)
	}
	if moved := name("b.example.org", "a", "run"); moved == first {
		t.Errorf("another database gives the same Job %s", first)
	}
}

// What a first deployment runs stays as it is when that deployment has succeeded
// and is rendered again; the next revision leaves it out.
func TestWhatRunsOnceStaysForItsRevision(t *testing.T) {
	text := `
services: { web: { image: "example.org/web:1", build_command: seed } }
deploy_hooks: { last_thing: [{ command: first, target: any, apply_during: build_only }, { command: later, target: any, apply_during: deploy_only }] }`
	in := render.Input{App: "shop", Environment: "production", Namespace: "shop",
		Snapshot: commitOf("c", text)}
	before, err := render.Render(t.Context(), in, Builder{})
	if err != nil {
		t.Fatal(err)
	}
	if !before.EachRevision() {
		t.Error("the application is not bound to the revision")
	}
	names := ordered(t, text, render.Facts{Once: before.Marks})
	if want := []string{"command 0 web-build", "after 0 hook-last-thing-1"}; !slices.Equal(names, want) {
		t.Errorf("the revision that succeeded has %v, want %v", names, want)
	}
	earlier := map[string]string{}
	for key, mark := range before.Marks {
		earlier[key] = strings.ReplaceAll(mark, strings.Repeat("c", 40), strings.Repeat("b", 40))
	}
	names = ordered(t, text, render.Facts{Once: earlier})
	if want := []string{"after 0 hook-last-thing-2"}; !slices.Equal(names, want) {
		t.Errorf("the next revision has %v, want %v", names, want)
	}
}

// A Job leaves out the claim of a volume that only one node can have.
func TestJobsHaveOnlyVolumesThatCanBeShared(t *testing.T) {
	claim := func(name, mode string) render.Object {
		return object("v1", "PersistentVolumeClaim", name, map[string]any{"spec": map[string]any{"accessModes": []any{mode}}})
	}
	m := &maker{app: &manifest.Application{App: "shop"}, objects: []render.Object{claim("one", "ReadWriteOnce"), claim("many", "ReadWriteMany")}}
	volume := func(name string) any {
		return map[string]any{"name": name, "persistentVolumeClaim": map[string]any{"claimName": name}}
	}
	mount := func(name string) any { return map[string]any{"name": name, "mountPath": "/" + name} }
	c := map[string]any{"volumeMounts": []any{mount("one"), mount("many"), mount("template")}}
	pod := map[string]any{"containers": []any{c}, "volumes": []any{volume("one"), volume("many"), volume("unknown")}}
	m.share(pod)
	if got := fmt.Sprint(pod["volumes"], c["volumeMounts"]); got != fmt.Sprint([]any{volume("many")}, []any{mount("many")}) {
		t.Errorf("got %s", got)
	}
}

// commit is a revision with a manifest.
type commit struct {
	snapshot
	fstest.MapFS
}

func (c commit) Open(name string) (fs.File, error) { return c.MapFS.Open(name) }

func (c commit) Hash(name string) (string, error) {
	_, err := c.Stat(name)
	return name, err
}

func commitOf(revision, text string) commit {
	return commit{snapshot{hash: strings.Repeat(revision, 40)}, fstest.MapFS{"manifest.yml": {Data: []byte(text)}}}
}
