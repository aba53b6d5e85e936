package manifest_test

import (
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

var codeForm = regexp.MustCompile(`^[EWI]-[A-Z0-9]+(-[A-Z0-9]+)*$`)

// FuzzParse reads anything as a manifest. The seeds are all files of the
// fixtures, and what cannot be one of them for its lack of a last newline.
func FuzzParse(f *testing.F) {
	f.Add("---", false)
	names, err := filepath.Glob(filepath.Join(fixtures, "*.txtar"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".yml") {
				f.Add(string(file.Data), false)
			}
		}
	}
	known := map[string]bool{}
	for _, c := range manifest.Codes() {
		known[c.Name] = true
	}
	f.Fuzz(func(t *testing.T, data string, incomplete bool) {
		o := manifest.Options{App: "shop", Environment: "production", Namespace: "shop", Incomplete: incomplete}
		app, problems, err := parse(one(data), o)
		if err != nil {
			t.Fatal(err)
		}
		errs, _, _ := render.CountProblems(problems)
		if (app == nil) != (errs > 0) {
			t.Fatalf("application %v with %d errors: %v", app != nil, errs, problems)
		}
		// YAML ends a line at each of these.
		lines := 1 + len(regexp.MustCompile("\r\n|[\n\r\u0085\u2028\u2029]").FindAllString(data, -1))
		for _, p := range problems {
			if !known[p.Code] || !codeForm.MatchString(p.Code) || p.What == "" || strings.ContainsAny(p.Error(), "\n\r\x00\x1b") {
				t.Errorf("problem %q is not fit to be shown", p.Error())
			}
			if p.Pos.File != "manifest.yml" || p.Pos.Line > lines || p.Pos.Line < 1 && p.Code != "I-MORE" {
				t.Errorf("%q is outside of the %d lines of the file", p.Error(), lines)
			}
		}
		size := 0
		if app != nil {
			size = len(dump(app, nil))
		}
		if size > 16<<20 {
			t.Errorf("a file of %d bytes becomes %d", len(data), size)
		}
		again, problemsAgain, _ := parse(one(data), o)
		if !reflect.DeepEqual(app, again) || !reflect.DeepEqual(problems, problemsAgain) {
			t.Error("the second time the result is another")
		}
	})
}

// BenchmarkParse reads a manifest of twelve services in two environments, as a
// pass does.
func BenchmarkParse(b *testing.B) {
	text := "environment_variables: {DOMAIN: example.org, LOG: info}\npostgresql: {server: external, host: db.example.org, service_dsn_secret: pg}\nservices:\n"
	for i := range 12 {
		name := string(rune('a' + i))
		text += strings.ReplaceAll(`
  NAME:
    image: registry.example.org/shop/NAME:4.2.0
    command: bin/NAME --port 8000 --log _env(LOG)
    ports: ["8000:80", {container: 9000}]
    traffic_matches: ["NAME._env(DOMAIN)"]
    env_vars: {URL: "https://NAME._env(DOMAIN)/", DB: _env(POSTGRESQL_URL), KEY: secret}
    secret_env: [KEY]
    tags: [team=web]
    stop_grace: 40s
    health: {ready: {endpoint: /up}, alive: {type: tcp, failure_threshold: 3}}
    constraints: {resources: {requests: {cpu: 100m, memory: 128M}, limits: {memory: 256M}}, min_count: 2, max_count: 4}
`, "NAME", name)
	}
	text += "production:\n  environment_variables: {LOG: warn}\n"
	snap := one(text)
	b.ReportAllocs()
	for b.Loop() {
		app, problems, err := parse(snap, manifest.Options{App: "shop", Environment: "production", Namespace: "shop"})
		if err != nil || app == nil || len(problems) > 0 {
			b.Fatal(problems, err)
		}
	}
}
