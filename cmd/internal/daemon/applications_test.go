package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/kubetest"
	"rondo.dev/rondo/sources/gittest"
)

// whole is one file of testdata/applications: an application as a person would
// bring it. What it renders to stands there as well, for the tests of render.
type whole struct {
	name        string
	environment string
	policy      map[string]any
	files       map[string]string
}

func wholes(t *testing.T) []whole {
	t.Helper()
	paths, err := filepath.Glob("../../../testdata/applications/*.txtar")
	if err != nil || len(paths) < 6 {
		t.Fatalf("testdata/applications: %d files, %v", len(paths), err)
	}
	var out []whole
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a := whole{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), files: map[string]string{}}
		for _, f := range txtar.Parse(text).Files {
			if name, ok := strings.CutPrefix(f.Name, "repo/"); ok {
				a.files[name] = string(f.Data)
			}
			if f.Name == "input" {
				var input struct {
					Environment string
					Facts       struct{ Policy map[string]any }
				}
				if err := yaml.Unmarshal(f.Data, &input); err != nil {
					t.Fatalf("%s: input: %v", path, err)
				}
				a.environment, a.policy = input.Environment, input.Facts.Policy
			}
		}
		out = append(out, a)
	}
	return out
}

// Six applications, pushed at the same time, become live: every object is
// accepted, every command has run, every workload and database is ready.
func TestWholeApplicationsBecomeLive(t *testing.T) {
	w := newWorld(t, settings{idle: true})
	var apps []daemontest.App
	repos := map[string]*gittest.Repo{}
	for _, a := range wholes(t) {
		repo := w.Git.Repo("acme/" + w.app + "-" + a.name)
		repos[a.name] = repo
		app := daemontest.App{
			"name": w.app + "-" + a.name, "repository": repo.URL(), "environment": a.environment,
			"namespace": kubetest.Namespace(t, w.cp), "service_account": "deployer",
		}
		if a.policy != nil {
			app["policy"] = a.policy
		}
		apps = append(apps, app)
	}
	if err := w.Configure(apps...); err != nil {
		t.Fatal(err)
	}
	commits := map[string]string{}
	for _, a := range wholes(t) {
		commits[a.name] = repos[a.name].Commit(a.files)
	}
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, commit := range commits {
		kubetest.Eventually(t, func() error {
			detail, err := w.API().App(t.Context(), w.app+"-"+name)
			if err != nil {
				return err
			}
			if r := detail.Newest; r == nil || r.Revision.Hash != commit || r.Condition != reconcile.Live {
				return fmt.Errorf("%s is %s: %s", name, detail.Condition, detail.Sentence)
			}
			return nil
		})
		w.status(commit, "deploy", "success")
	}
}
