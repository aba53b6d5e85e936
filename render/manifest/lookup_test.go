package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// Two applications that read each other must not change each other for ever.
func TestWhatWasReadFromOthersIsSharedWithNobody(t *testing.T) {
	parsed, err := manifest.Parse(one(`
config_store: {share_with: [mail]}
environment_variables: {OWN: a, THEIRS: "_env(STACK[mail/production].OWN)", COPY: "x_env(THEIRS)", GUESS: "_env(STACK[billing].OWN:b)"}
services: {web: {image: a, env_vars: {MORE: "_env(COPY)", TOO: "_env(OWN)"}}}
`), manifest.Options{App: "shop", Environment: "production", Namespace: "shop",
		Facts: render.Facts{Applications: map[string]render.Readable{"mail/production": {Shares: true, Values: map[string]string{"OWN": "b"}}}}})
	if err != nil || parsed.App == nil {
		t.Fatal(parsed.Problems, err)
	}
	if diff := cmp.Diff(map[string]string{"OWN": "a", "web.TOO": "a"}, parsed.App.Shared().Values); diff != "" {
		t.Errorf("shared (- want, + got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"billing", "mail/production"}, parsed.Reads); diff != "" {
		t.Errorf("reads (- want, + got):\n%s", diff)
	}
}

func TestSecretsAreSharedWithNobody(t *testing.T) {
	parsed, err := manifest.Parse(one(`
config_store: {share_with: [mail, billing/production]}
environment_variables: {DOMAIN: example.org, TOKEN: AUTO_GENERATE, STORE: _configstore(a.b), LONG: "x_env(TOKEN)"}
postgresql: {server: external, host: db.example.org, service_dsn_secret: pg}
elasticsearch: {server: external, host: es.example.org}
services:
  web_app:
    image: a
    env_vars: {KEY: secret, COPY: _env(KEY), OWN: own, MYSQL_PASSWORD: canary}
    secret_env: [KEY]
`), manifest.Options{App: "shop", Environment: "production", Namespace: "shop"})
	if err != nil || parsed.App == nil {
		t.Fatal(parsed.Problems, err)
	}
	shared := parsed.App.Shared()
	for _, name := range []string{"DOMAIN", "web_app.OWN", "POSTGRESQL_ADDRESS_INT", "ELASTICSEARCH_URL"} {
		if _, ok := shared.Values[name]; !ok {
			t.Errorf("%s is not shared", name)
		}
	}
	for _, name := range []string{"TOKEN", "STORE", "LONG", "POSTGRESQL_URL", "POSTGRESQL_PASSWORD", "web_app.KEY", "web_app.COPY", "web_app.MYSQL_PASSWORD"} {
		if _, ok := shared.Values[name]; ok {
			t.Errorf("%s is shared", name)
		}
	}
	for who, want := range map[[2]string]bool{
		{"mail", "staging"}: true, {"billing", "production"}: true, {"billing", "staging"}: false, {"other", "production"}: false,
	} {
		if got := shared.For(who[0], who[1]).Shares; got != want {
			t.Errorf("%v may read: %v, want %v", who, got, want)
		}
	}
	if diff := cmp.Diff([]string{"mail", "billing/production"}, shared.With); diff != "" {
		t.Error(diff)
	}
}
