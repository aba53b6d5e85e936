package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	filippo "filippo.io/age"
	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/pgp"
	"github.com/getsops/sops/v3/stores/dotenv"
	storejson "github.com/getsops/sops/v3/stores/json"
	"github.com/getsops/sops/v3/stores/yaml"
)

const canary = "canary-7c1e"

// encrypt makes what "sops encrypt" makes.
func encrypt(t *testing.T, format, plain string, master ...keys.MasterKey) []byte {
	t.Helper()
	stores := config.NewStoresConfig()
	store := map[string]sops.Store{"dotenv": dotenv.NewStore(&stores.Dotenv), "yaml": yaml.NewStore(&stores.YAML), "json": storejson.NewStore(&stores.JSON)}[format]
	branches, err := store.LoadPlainFile([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	tree := sops.Tree{Branches: branches, Metadata: sops.Metadata{KeyGroups: []sops.KeyGroup{master}, Version: "3.13.3", UnencryptedSuffix: "_unencrypted"}}
	key := []byte(strings.Repeat("k", 32))
	for _, m := range master {
		if a, ok := m.(*age.MasterKey); ok {
			if err := a.Encrypt(key); err != nil {
				t.Fatal(err)
			}
		}
	}
	mac, err := tree.Encrypt(key, aes.NewCipher())
	if err != nil {
		t.Fatal(err)
	}
	tree.Metadata.LastModified = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if tree.Metadata.MessageAuthenticationCode, err = aes.NewCipher().Encrypt(mac, key, tree.Metadata.LastModified.Format(time.RFC3339)); err != nil {
		t.Fatal(err)
	}
	out, err := store.EmitEncryptedFile(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func recipient(t *testing.T) (identity string, master *age.MasterKey) {
	t.Helper()
	id, err := filippo.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if master, err = age.MasterKeyFromRecipient(id.Recipient().String()); err != nil {
		t.Fatal(err)
	}
	return id.String(), master
}

func TestWhatSOPSEncryptedIsRead(t *testing.T) {
	for format, plain := range map[string]string{
		"dotenv": "A=" + canary + "\n# note\nB=x=y z\nEMPTY=\n",
		"yaml":   "A: " + canary + "\n# note\nB: x=y z\nEMPTY: \"\"\n",
		"json":   `{"A": "` + canary + `", "B": "x=y z", "EMPTY": ""}`,
	} {
		t.Run(format, func(t *testing.T) {
			_, other := recipient(t)
			identity, master := recipient(t)
			data := encrypt(t, format, plain, other, master)
			if strings.Contains(string(data), canary) {
				t.Fatal("the file is not encrypted")
			}
			got, err := decrypt(request{format, data, "# ours\n" + identity + "\n"})
			if want := fmt.Sprint(map[string]string{"A": canary, "B": "x=y z", "EMPTY": ""}); err != nil || fmt.Sprint(got) != want {
				t.Errorf("got %v, %v\nwant %v", got, err, want)
			}
		})
	}
	identity, master := recipient(t)
	got, err := decrypt(request{"yaml", encrypt(t, "yaml", "N: 12\nT: true\nF: 1.5\nPORT_unencrypted: 80\n", master), identity})
	if want := "map[F:1.5 N:12 PORT_unencrypted:80 T:true]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v\nwant %s", got, err, want)
	}
}

func TestWhatCannotBeReadSaysWhyWithoutContent(t *testing.T) {
	identity, master := recipient(t)
	stranger, other := recipient(t)
	good := encrypt(t, "dotenv", "A="+canary+"\nB=x\n", master)
	lines := strings.Split(string(good), "\n")
	for name, tc := range map[string]struct {
		in   request
		want string
	}{
		"no key":                  {request{"dotenv", good, "\n# none\n"}, "the operator has no age key"},
		"a key that is none":      {request{"dotenv", good, canary}, "the operator's age key is none"},
		"another's key":           {request{"dotenv", good, stranger}, "is encrypted for " + master.Recipient},
		"a plain file":            {request{"dotenv", []byte("A=" + canary), identity}, "is not a file that SOPS has encrypted"},
		"no YAML":                 {request{"yaml", []byte("{" + canary), identity}, "is not a file that SOPS has encrypted"},
		"a line that was removed": {request{"dotenv", []byte(strings.Join(lines[1:], "\n")), identity}, "was changed after it was encrypted"},
		"a value that was moved":  {request{"dotenv", []byte(strings.Replace(string(good), "A=ENC", "C=ENC", 1)), identity}, "was changed after it was encrypted"},
		"nesting":                 {request{"yaml", encrypt(t, "yaml", "a: {b: "+canary+"}\n", master), identity}, "no nesting is read"},
		"no age at all":           {request{"dotenv", encrypt(t, "dotenv", "A=x\n", pgp.NewMasterKeyFromFingerprint("85D77543B3D624B63CEA9E6DBC17301B491B3F21")), identity}, "no age recipient"},
		"only another's":          {request{"json", encrypt(t, "json", `{"A": "x"}`, other), identity}, other.Recipient},
		"a format of its own":     {request{"ini", good, identity}, "a format that is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			values, err := decrypt(tc.in)
			if err == nil || values != nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, %v; want %q", values, err, tc.want)
			}
			for _, secret := range []string{canary, identity, stranger} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q holds %q", err, secret)
				}
			}
		})
	}
}
