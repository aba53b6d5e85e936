package render_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/workload"
)

// What was decrypted is in Secrets and nowhere else (T24): in no Problem, no key,
// no ConfigMap, no Pod, and no hash that could be guessed.
func TestT24_DecryptedValuesAreOnlyInSecrets(t *testing.T) {
	const canary = "canary-e71b"
	in := shop
	in.Snapshot = commitOf(map[string]string{"a.env": "TOKEN=ENC[x]", "manifest.yml": `
secrets: {files: a.env}
config_store: {share_with: [mail]}
environment_variables: {URL: "https://u:_env(TOKEN)@db.example.org/"}
services:
  web:
    image: example.org/web:1
    command: run $(TOKEN)
    env_vars: {LONG: "a _env(URL) $(SERVER_NAME) _env(TOKEN)"}
    volumes: [{mount_path: /a, secret: {from: env_vars}}, {mount_path: /b, config_map: {from: env_vars}}]
    health: {alive: {type: exec, command: "check $TOKEN"}}
  job: {image: example.org/job:1, type: cron_job, schedule: "@daily", env_vars: {T: _env(TOKEN)}}
`})
	open := func(context.Context, string, []byte) (map[string]string, error) {
		return map[string]string{"TOKEN": canary}, nil
	}
	with := func(key string) render.Bundle {
		bundle, err := render.Render(t.Context(), in, workload.Builder{Key: []byte(key), Decrypt: open})
		if err != nil {
			t.Fatal(err)
		}
		return bundle
	}
	bundle := with("one")
	secrets := 0
	for i, o := range bundle.Objects {
		if o.ID.Kind == "Secret" && strings.Contains(encoded(t, o), base64.StdEncoding.EncodeToString([]byte(canary))) {
			bundle.Objects[i].Body, secrets = nil, secrets+1
		}
	}
	if secrets < 3 { // of the application, of web, and its files
		t.Errorf("only %d Secrets hold the value", secrets)
	}
	rest := encoded(t, bundle)
	for _, text := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary))} {
		if i := strings.Index(rest, text); i >= 0 {
			t.Errorf("outside of Secrets stands …%s…", rest[max(0, i-200):i+len(text)])
		}
	}
	if a, b := encoded(t, with("one")), encoded(t, with("two")); a == b {
		t.Error("hashes of the value do not depend on the key")
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
