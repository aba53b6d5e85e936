package manifest_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

const sealedCanary = "canary-3f9a"

// sealedIn is a repository with a manifest and files that are encrypted, of which
// the content is told by whoever decrypts.
func sealedIn(text string) memory {
	m := memory{fstest.MapFS{"manifest.yml": {Data: []byte(text)}}}
	m.MapFS["a.env"] = &fstest.MapFile{Data: []byte("TOKEN=ENC[x]\nURL=ENC[y]\n#ENC[z]\nsops_version=3.13.3\n")}
	m.MapFS["conf/b.yaml"] = &fstest.MapFile{Data: []byte("KEY: ENC[x]\nsops: {version: 3.13.3}\n")}
	m.MapFS["lfs.json"] = &fstest.MapFile{Data: []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")}
	return m
}

func opens(format string, data []byte) (map[string]string, error) {
	switch {
	case format == "dotenv" && strings.Contains(string(data), "ENC["):
		return map[string]string{"TOKEN": sealedCanary, "URL": "https://_env(NONE)/" + sealedCanary}, nil
	case format == "yaml":
		return map[string]string{"KEY": sealedCanary}, nil
	}
	return nil, &render.Sealed{Reason: "is encrypted for age1x, of which the operator has no key"}
}

func TestEncryptedFilesBecomeSecretVariables(t *testing.T) {
	snap := sealedIn(`
secrets: {files: [a.env, ./conf/b.yaml]}
environment_variables: {COPY: "x-_env(TOKEN)", DOMAIN: example.org}
config_store: {share_with: [mail]}
services: {web: {image: a, env_vars: {OWN: _env(KEY), KEY: own}}}
`)
	o := manifest.Options{App: "shop", Environment: "production", Namespace: "shop", Decrypt: opens}
	parsed, err := manifest.Parse(snap, o)
	if err != nil || parsed.App == nil {
		t.Fatal(parsed.Problems, err)
	}
	got := map[string]string{}
	for _, v := range slices.Concat(parsed.App.Variables, parsed.App.Services[0].Env) {
		text, _ := v.Value.Text()
		if strings.Contains(text, sealedCanary) && !v.Secret {
			t.Errorf("%s is no secret", v.Name)
		}
		got[v.Name] = text
	}
	for name, want := range map[string]string{
		"TOKEN": sealedCanary, "COPY": "x-" + sealedCanary, "DOMAIN": "example.org", "KEY": "own",
		"URL": "https://_env(NONE)/" + sealedCanary, // text: nothing is looked up in it
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	shown, err := json.Marshal([]any{parsed.Problems, parsed.Keys, parsed.App.Shared()})
	if err != nil || strings.Contains(string(shown), sealedCanary) {
		t.Errorf("%v, or what may be shown holds a secret: %s", err, shown)
	}
	inputs := manifest.Inputs(snap, "", "production")
	for _, file := range []string{"a.env", "conf/b.yaml"} {
		if !slices.Contains(inputs, file) {
			t.Errorf("a change of %s would not be seen: %v", file, inputs)
		}
	}
}

func TestFaultsOfEncryptedFilesHoldNothingOfThem(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"a file that is missing":           {"secrets: {files: none.env}", "E-FILE-NONE"},
		"a file outside":                   {"secrets: {files: ../a.env}", "E-FILE-NONE"},
		"a name without a format":          {"secrets: {files: [manifest]}", "E-VALUE"},
		"a pointer":                        {"secrets: {files: lfs.json}", "E-GIT-LFS"},
		"a list in the list":               {"secrets: {files: [[a.env]]}", "E-TYPE"},
		"a name that stands twice":         {"secrets: {files: a.env}\nenvironment_variables: {TOKEN: x}", "E-YAML-DUPKEY"},
		"a secret where text must be":      {"secrets: {files: a.env}\nenvironment_variables: {I: _env(TOKEN)}", "E-ENV-SECRET"},
		"a file for somebody else":         {"secrets: {files: other.json}", "E-SOPS-FILE"},
		"a generated variable has another": {"secrets: {files: a.env}\npostgresql: {server: external, host: db.example.org}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			image := "a"
			if strings.Contains(tc.text, "I:") {
				image = "_env(I)"
			}
			snap := sealedIn(tc.text + "\nservices: {web: {image: " + image + "}}\n")
			snap.MapFS["other.json"] = &fstest.MapFile{Data: []byte("{}")}
			parsed, err := manifest.Parse(snap, manifest.Options{App: "shop", Environment: "production", Decrypt: opens})
			if err != nil {
				t.Fatal(err)
			}
			all := ""
			for _, p := range parsed.Problems {
				all += p.Error() + "\n"
			}
			if strings.Contains(all, sealedCanary) {
				t.Errorf("the problems hold a secret:\n%s", all)
			}
			if tc.want == "" && all != "" || tc.want != "" && strings.Count(all, "["+tc.want+"]") != 1 {
				t.Errorf("got:\n%swant only %q", all, tc.want)
			}
		})
	}
}

func TestWithoutAKeyOnlyTheNamesAreKnown(t *testing.T) {
	snap := sealedIn("secrets: {files: [a.env, conf/b.yaml]}\nservices: {web: {image: a, env_vars: {X: _env(KEY)}}}\n")
	o := manifest.Options{App: "shop", Environment: "production"}
	parsed, err := manifest.Parse(snap, o)
	if err != nil || parsed.App != nil || len(parsed.Problems) == 0 || parsed.Problems[0].Code != "E-SOPS-KEY" {
		t.Fatalf("got %v %v %v", parsed.App != nil, parsed.Problems, err)
	}
	o.Incomplete = true
	parsed, err = manifest.Parse(snap, o)
	if err != nil || parsed.App == nil {
		t.Fatal(parsed.Problems, err)
	}
	var names []string
	for _, v := range parsed.App.Variables {
		if text, _ := v.Value.Text(); text != "" || !v.Secret {
			t.Errorf("%s is %q", v.Name, text)
		}
		names = append(names, v.Name)
	}
	if want := "KEY TOKEN URL"; strings.Join(names, " ") != want {
		t.Errorf("got %v, want %s", names, want)
	}
}

func TestAnOpenerThatFailsIsNoFaultOfTheUser(t *testing.T) {
	cause := errors.New("no such program")
	_, err := manifest.Parse(sealedIn("secrets: {files: a.env}\nservices: {web: {image: a}}\n"), manifest.Options{
		Decrypt: func(string, []byte) (map[string]string, error) { return nil, cause }})
	if !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}
