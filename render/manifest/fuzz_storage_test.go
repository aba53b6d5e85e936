package manifest_test

import (
	"encoding/json"
	"path"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// FuzzVolumes writes anything as a volume, short and with keys: no folder of the
// node is mounted but those below what the operator allows, and no two mounts of
// a container have one path.
func FuzzVolumes(f *testing.F) {
	for _, seed := range []string{"/srv/a:/a", "/srv:/a:ro,z,/srv/b:/b", "/srv/../etc:/a", "/srv//./x:/a/", "_env(DIR)/x:/a", "/:/a", "/var/run/docker.sock:/s",
		"/mnt/gfs/uploads/a/b:/x", "a:b:c:d", ":", "/srv\x00:/a", "/srv/{{DIR}}:/b:rw", "/run/../srv:/a", "/srv:/a,/srv:/a"} {
		f.Add(seed, "/srv/x", "{medium: Memory}")
	}
	f.Add("", "/proc/self/root", "{size_limit: 1Gi, medium: x}")
	o := manifest.Options{App: "shop", Environment: "production", Namespace: "shop", Facts: render.Facts{
		SharedClass: "nfs", Policy: render.Policy{HostPaths: []string{"/srv"}}}}
	f.Fuzz(func(t *testing.T, short, host, empty string) {
		quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
		text := "environment_variables: {DIR: /srv/dir}\nglusterfs: {server: {}, configuration: {volumes: [{name: uploads}]}}\nservices:\n  web:\n    image: a\n    volumes: [" +
			quoted(short) + ", {mount_path: /k, host_path: {path: " + quoted(host) + "}}, {mount_path: /e, empty_dir: " + strings.ReplaceAll(empty, "\n", " ") + "}]\n"
		parsed, err := manifest.Parse(one(text), o)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.App == nil {
			return
		}
		paths := map[string]bool{}
		for _, v := range parsed.App.Services[0].Mount.Volumes {
			if paths[v.Path] || path.Clean(v.Path) != v.Path || v.Path[0] != '/' || v.Path == "/" {
				t.Errorf("mounts at %q", v.Path)
			}
			paths[v.Path] = true
			if h, ok := v.Source["hostPath"].(map[string]any); ok {
				p := h["path"].(string)
				if p != "/srv" && !strings.HasPrefix(p, "/srv/") || strings.Contains(p, "..") && path.Clean(p) != p {
					t.Errorf("%q mounts %q of the node", text, p)
				}
			}
			if strings.HasPrefix(v.SubPath, "/") || strings.HasPrefix(v.SubPath, "..") {
				t.Errorf("%q mounts %q of a volume", text, v.SubPath)
			}
		}
	})
}

// FuzzReferences writes anything as the value of a variable: text without a
// reference stays as it is, and no secret becomes text.
func FuzzReferences(f *testing.F) {
	for _, seed := range []string{"_env(A)", "x_env(A:y)z", "_env(SERVICE[web].A)", "_env(STACK[other].A:f)", "{{A}}", "{{ STACK[other/production].SERVICE[s].A }}", "_env:A:b c",
		"_env:(A:b)", "_configstore(n.k)", "_configstore(n", "_env(A", "_env(A:\\))", "AUTO_GENERATE", "AUTO_GENERATE_9_X", "{{ x }}", "$(A)", "_env(_env(A))", "_env(S)", "_env(V)"} {
		f.Add(seed)
	}
	o := manifest.Options{App: "shop", Environment: "production", Namespace: "shop", Facts: render.Facts{
		Applications: map[string]render.Readable{"other/production": {Shares: true, Values: map[string]string{"A": "a", "s.A": "b"},
			Databases: map[string]render.SharedDatabase{"redis.default": {Host: "h", Port: 6379, Secret: "redis-default"}}}},
	}}
	f.Fuzz(func(t *testing.T, value string) {
		b, _ := json.Marshal(value)
		parsed, err := manifest.Parse(one(`
environment_variables: {A: app, V: _env(S)}
services: {web: {image: a, env_vars: {A: own, X: `+string(b)+`, S: canary-90, W: _env(X)}, secret_env: [S]}}
`), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parsed.Problems {
			if strings.Contains(p.Error(), "canary-90") && !strings.Contains(value, "canary-90") {
				t.Errorf("a problem holds a secret: %s", p.Error())
			}
		}
		if parsed.App == nil {
			return
		}
		for _, v := range parsed.App.Services[0].Env {
			text, plain := v.Value.Text()
			if strings.Contains(text, "canary-90") && !v.Secret && !strings.Contains(value, "canary-90") {
				t.Errorf("%s = %q is no secret", v.Name, text)
			}
			var want string
			if json.Unmarshal(b, &want) == nil && v.Name == "X" && plain && v.Generate == 0 && !strings.ContainsAny(want, "_{") && text != want {
				t.Errorf("%q became %q", want, text)
			}
		}
	})
}
