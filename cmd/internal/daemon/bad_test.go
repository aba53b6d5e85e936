package daemon_test

import (
	"fmt"
	"strings"
	"testing"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/sources/gittest"
)

// TestRubbishIsAnsweredAndWhatRunsKeepsRunning pushes one fault after the other
// to an application that runs, and a good revision after each; another one of
// the same daemon is deployed meanwhile.
func TestRubbishIsAnsweredAndWhatRunsKeepsRunning(t *testing.T) {
	w := newWorld(t, settings{})
	other := w.neighbour()
	version := 0
	good := func() map[string]string {
		version++
		return manifest(strings.Replace(ten, "web:1.0.0", fmt.Sprintf("web:1.0.%d", version), 1))
	}
	last := w.push(good())
	w.settles(last, reconcile.Live)

	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c,", c-1), 9), ","))
	}
	for _, tc := range []struct {
		name  string
		files map[string]string
		tree  []gittest.Entry // instead of files
		want  string          // the status, after "not deployed: "
	}{
		{name: "no manifest", files: map[string]string{"manifest.yml": gittest.Delete, "README.md": "# shop\n"},
			want: "manifest.yml: no manifest in the repository; add one, or set manifest: in rondo.yaml to its path [E-FILE-NONE]"},
		{name: "a file with a similar name", files: map[string]string{"manifest.yml": gittest.Delete, "services.yml": ten},
			want: "manifest.yml: no manifest in the repository; rename services.yml to service.yml [E-FILE-NONE]"},
		{name: "an empty manifest", files: manifest(""),
			want: "manifest.yml:1: the file is empty; declare services: with an image [E-TYPE]"},
		{name: "a syntax error", files: manifest("services:\n  web:\n    image: [registry.example.org/web\n    ports: 80\n"),
			want: "manifest.yml:3: the file is not valid YAML: a bracket is not closed [E-YAML-SYNTAX]"},
		{name: "a tab", files: manifest("services:\n\tweb:\n\t\timage: web\n"),
			want: "manifest.yml:2:1: the file is not valid YAML: the line is indented with a tab; indent with spaces [E-YAML-SYNTAX]"},
		{name: "an alias bomb", files: manifest(bomb),
			want: "manifest.yml:6:4: the file holds more than 100000 values, aliases expanded; write fewer aliases of aliases [E-YAML-ALIAS]"},
		{name: "50 MB", files: manifest(strings.Repeat("a: b\n", 10<<20)),
			want: "manifest.yml: the manifest is larger than 1024 KiB; make it smaller [E-FILE-SIZE]"},
		{name: "a list instead of a mapping", files: manifest("- web\n- worker\n"),
			want: "manifest.yml:1:1: the file is a list, not a mapping; start it with services: [E-TYPE]"},
		{name: "a number instead of a mapping", files: manifest("services:\n  web: 5\n"),
			want: "manifest.yml:2:3: service web is a number, not a mapping [E-TYPE]"},
		{name: "text instead of a number", files: manifest(strings.Replace(ten, "resources:", "min_count: many\n      resources:", 1)),
			want: "manifest.yml:10:18: service web: constraints.min_count is text, not a whole number; write 0 or more [E-TYPE]"},
		{name: "a port used twice", files: manifest(strings.Replace(ten, `["8000:80"]`, `["8000:80", "9000:80"]`, 1)),
			want: "manifest.yml:6:24: service web: external port 80 is also used at line 6 [E-PORT-DUP]"},
		{name: "a pointer of Git LFS", files: manifest("version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("4d", 32) + "\nsize 12345\n"),
			want: "manifest.yml:1:1: the file is a Git LFS pointer, not the file itself [E-GIT-LFS]"},
		{name: "a link", tree: []gittest.Entry{{Mode: gittest.Symlink, Name: "manifest.yml", Content: "../../etc/passwd"}},
			want: "manifest.yml: the manifest is a link, not a file; commit a plain file [E-FILE-LINK]"},
		{name: "a submodule", tree: []gittest.Entry{{Mode: gittest.Submodule, Name: "manifest.yml", Hash: strings.Repeat("ab", 20)}},
			want: "manifest.yml: the manifest is a submodule, not a file; commit a plain file [E-FILE-LINK]"},
		{name: "a folder", tree: []gittest.Entry{{Mode: gittest.Folder, Name: "manifest.yml", Entries: []gittest.Entry{{Mode: gittest.File, Name: "x", Content: "x"}}}},
			want: "manifest.yml: the manifest is a folder or a device, not a file; commit a plain file [E-FILE-LINK]"},
		{name: "Kubernetes objects", files: manifest("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 2\n"),
			want: "manifest.yml:1:1: the file is a Kubernetes object, not a manifest [E-TYPE]"},
		{name: "a Compose file", files: manifest("version: '3'\nservices:\n  web:\n    build: .\n    depends_on: [db]\n"),
			want: "manifest.yml:1:10: version is not a version of the schema; write version: 2 [E-VALUE] (and 2 more)"},
		{name: "an undefined variable", files: manifest(strings.Replace(ten, "health: default", "env_vars: { URL: \"_env(NO_SUCH)\" }", 1)),
			want: "manifest.yml:8:22: service web: env_vars.URL refers to NO_SUCH, which is not defined [E-ENV-UNDEFINED]"},
		{name: "an unknown key", files: manifest(strings.Replace(ten, "traffic_matches", "trafic_matches", 1)),
			want: "manifest.yml:7:5: service web: unknown key trafic_matches; write traffic_matches [E-KEY-UNKNOWN]"},
		{name: "no UTF-8", files: manifest("services:\n  web:\n    image: \xff\xfe\n"),
			want: "manifest.yml:3:12: the file is not valid UTF-8; save it as UTF-8 [E-YAML-SYNTAX]"},
		{name: "an image that is none", files: manifest(strings.Replace(ten, "registry.example.org/shop/web:1.0.0", "Not An Image", 1)),
			want: "manifest.yml:5:12: service web: image is no image reference: the repository holds upper-case letters [E-VALUE]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			running := w.deployment("web")
			var bad string
			if tc.tree == nil {
				bad = w.push(tc.files)
			} else {
				before := w.repo.Ref("refs/heads/main")
				bad = w.repo.CommitTree(tc.tree)
				if _, err := w.Hook(t.Context(), w.URL(), w.repo, "main", before, bad); err != nil {
					t.Fatal(err)
				}
			}
			beside := other.in(t).push(manifest(strings.Replace(ten, "hello", tc.name, 1)))
			detail := w.settles(bad, reconcile.Invalid)
			deploy := w.status(bad, "deploy", "failure")
			// A fix may stand between what is wrong and its code, where there is room.
			what, code, _ := strings.Cut(tc.want, " [E-")
			// So may, behind the code, what became of the keys.
			got, _, _ := strings.Cut(w.status(bad, "manifest", "failure").Description, "; keys: ")
			if !strings.HasPrefix(got, what) || !strings.HasSuffix(got, "[E-"+code) || deploy.Description != "not deployed: "+got {
				t.Errorf("got  %s\nand  %s\nwant %s", got, deploy.Description, tc.want)
			}
			if !strings.HasPrefix(detail.Sentence, what) {
				t.Errorf("the API says %q", detail.Sentence)
			}
			if !strings.HasSuffix(detail.Live, last) || !strings.HasSuffix(detail.Applied, last) {
				t.Errorf("live %s, applied %s; want both %s", detail.Live, detail.Applied, last)
			}
			if now := w.deployment("web"); now.Generation != running.Generation {
				t.Errorf("what runs was changed to %+v", now.Spec)
			}
			other.in(t).settles(beside, reconcile.Live)
			last = w.push(good())
			w.settles(last, reconcile.Live)
			w.status(last, "deploy", "success")
		})
	}
}

// in is w for a subtest.
func (w *world) in(t *testing.T) *world {
	inner := *w
	inner.t = t
	return &inner
}
