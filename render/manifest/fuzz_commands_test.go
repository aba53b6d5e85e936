package manifest_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// repository is a snapshot in memory.
type repository struct{ fstest.MapFS }

func (repository) Revision() sources.Revision { return sources.Revision{} }
func (repository) Close() error               { return nil }
func (r repository) Hash(name string) (string, error) {
	_, err := r.Stat(name)
	return name, err
}

// FuzzCommands reads anything as a file of hooks, a Procfile and the schedule of
// a job. The seeds are those of the fixtures.
func FuzzCommands(f *testing.F) {
	for _, feature := range []string{"hooks", "processes", "jobs"} {
		archive, err := txtar.ParseFile(filepath.Join(fixtures, feature+".txtar"))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			switch text := string(file.Data); {
			case strings.HasSuffix(file.Name, "deploy_hooks.yml"):
				f.Add(text, "", "@daily")
			case strings.HasSuffix(file.Name, "/Procfile"):
				f.Add("", text, "*/90 * * * *")
			case strings.HasSuffix(file.Name, "manifest.yml"):
				if _, hooks, ok := strings.Cut(text, "deploy_hooks:\n"); ok {
					f.Add(hooks, "web: bin/serve", "0 0 1 1 *")
				}
			}
		}
	}
	for _, schedule := range []string{"* * * * * *", "@every 1ns", "TZ=UTC * * * * *", "*/72 * * * *", "0 0 31 2 *", "*/9223372036854775807 * * * *", "1-2/3,4 0 ? * MON"} {
		f.Add("", "", schedule)
	}
	known := map[string]bool{}
	for _, c := range manifest.Codes() {
		known[c.Name] = true
	}
	f.Fuzz(func(t *testing.T, hooks, procfile, schedule string) {
		o := manifest.Options{App: "shop", Environment: "production", Namespace: "shop", Images: map[string]string{"web": "example.org/web:1"}}
		texts := map[string]string{"deploy_hooks.yml": hooks, "Procfile": procfile, "scripts/a.sh": "echo <%= ENV['A'] %>",
			"manifest.yml": fmt.Sprintf("procfile: {import: true}\nenvironment_variables: {A: x}\njobs: {it: {service: web, command: x, schedule: %q}}\n", schedule)}
		snap := repository{fstest.MapFS{}}
		for name, text := range texts {
			snap.MapFS[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		}
		parsed, err := manifest.Parse(snap, o)
		if err != nil {
			t.Fatal(err)
		}
		errs, _, _ := render.CountProblems(parsed.Problems)
		if (parsed.App == nil) != (errs > 0) {
			t.Fatalf("application %v with %d errors: %v", parsed.App != nil, errs, parsed.Problems)
		}
		for _, p := range parsed.Problems {
			if _, ours := texts[p.Pos.File]; !ours || !known[p.Code] || p.What == "" || strings.ContainsAny(p.Error(), "\n\r\x00\x1b") {
				t.Errorf("problem %q is not fit to be shown", p.Error())
			}
		}
		inputs := manifest.Inputs(snap, "", o.Environment)
		if parsed.App != nil {
			for _, h := range parsed.App.Commands.Hooks {
				if len(h.Words) == 0 || h.Name == "" {
					t.Errorf("hook %+v has nothing to run", h)
				}
			}
		}
		again, _ := manifest.Parse(snap, o)
		if !reflect.DeepEqual(parsed, again) || !reflect.DeepEqual(inputs, manifest.Inputs(snap, "", o.Environment)) {
			t.Error("the second time the result is another")
		}
	})
}

func TestInputsNameTheScriptsOfHooks(t *testing.T) {
	snap := repository{fstest.MapFS{
		"manifest.yml":              {Data: []byte("deploy_hooks: {last_thing: [{source: \"scripts/a.sh\", target: any}]}")},
		".cloud66/deploy_hooks.yml": {Data: []byte("production:\n  last_thing:\n    source: /scripts/b.sh\nstaging: {last_thing: {source: ../c.sh}}")},
	}}
	inputs := strings.Join(manifest.Inputs(snap, "", "production"), " ")
	for _, want := range []string{"scripts/a.sh", "scripts/b.sh", "Procfile", "Procfile_production", "deploy_hooks.yml"} {
		if !strings.Contains(" "+inputs+" ", " "+want+" ") {
			t.Errorf("%s is no input: %s", want, inputs)
		}
	}
	if strings.Contains(inputs, "c.sh") {
		t.Errorf("a path outside of the repository is an input: %s", inputs)
	}
}
