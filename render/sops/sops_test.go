package sops_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/sops"
)

// A file that sops 3.13.3 made for the identity of testdata/age.key.
const canary = "canary-5d02"

// program builds rondo-sops, which takes minutes the first time.
func program(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the clients of three clouds")
	}
	path := filepath.Join(t.TempDir(), sops.Program)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	cmd.Dir = filepath.Join("..", "..", "cmd", sops.Program)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpen(t *testing.T) {
	o := sops.Opener{Program: program(t), KeyFile: filepath.Join("testdata", "age.key")}
	// The library looks for keys in these; the program must not.
	t.Setenv("SOPS_AGE_KEY_FILE", filepath.Join("testdata", "age.key"))
	t.Setenv("SOPS_AGE_KEY_CMD", "touch "+filepath.Join(t.TempDir(), "ran"))
	for _, name := range []string{"shop.env", "shop.yaml", "shop.json"} {
		format := map[string]string{".env": "dotenv", ".yaml": "yaml", ".json": "json"}[filepath.Ext(name)]
		got, err := o.Open(t.Context(), format, file(t, name))
		if err != nil || got["TOKEN"] != canary || got["GREETING"] != "hello world" || len(got) != 2 {
			t.Errorf("%s: got %d values, %v", name, len(got), err)
		}
	}
	for name, tc := range map[string]struct {
		key, format string
		data        []byte
		want        string
	}{
		"another's key":      {"other.key", "dotenv", file(t, "shop.env"), "of which the operator has no key"},
		"no key":             {"shop.env", "dotenv", file(t, "shop.env"), "the operator's age key is none"},
		"a file that is not": {"age.key", "dotenv", []byte("TOKEN=" + canary), "is not a file that SOPS has encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			o.KeyFile = filepath.Join("testdata", tc.key)
			values, err := o.Open(t.Context(), tc.format, tc.data)
			var sealed *render.Sealed
			if values != nil || !errors.As(err, &sealed) || !strings.Contains(sealed.Reason, tc.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("got %d values, %v; want %q", len(values), err, tc.want)
			}
		})
	}
}

func TestWhatIsMissingIsNoFaultOfTheFile(t *testing.T) {
	key := filepath.Join("testdata", "age.key")
	none := filepath.Join(t.TempDir(), "none")
	chatty := filepath.Join(t.TempDir(), "chatty")
	if err := os.WriteFile(chatty, []byte("#!/bin/sh\ncat\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	identity := strings.TrimSpace(string(file(t, "age.key")))
	for name, o := range map[string]sops.Opener{
		"no key file":                      {Program: chatty, KeyFile: none},
		"no program":                       {Program: none, KeyFile: key},
		"a program that fails":             {Program: chatty, KeyFile: key},
		"a program that answers something": {Program: "/bin/cat", KeyFile: key},
	} {
		t.Run(name, func(t *testing.T) {
			values, err := o.Open(t.Context(), "dotenv", []byte("TOKEN="+canary))
			var sealed *render.Sealed
			if err == nil || values != nil || errors.As(err, &sealed) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), identity) {
				t.Errorf("got %v", err)
			}
		})
	}
}
