package git

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/gittest"
)

// sshStore is a Store that logs in at the server with the host keys of the text.
func sshStore(t *testing.T, served *gittest.SSH, knownHosts string) *Store {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte(knownHosts), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Dir: t.TempDir(), SSH: &SSH{KeyFile: served.KeyFile, KnownHostsFile: file}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func sshRepo(t *testing.T, address string) sources.Repo {
	t.Helper()
	repo, err := sources.ParseRepo(address)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func knownLine(served *gittest.SSH) string {
	return knownhosts.Line([]string{served.Addr}, served.HostKey.PublicKey()) + "\n"
}

func TestSSHResolvesAndOpens(t *testing.T) {
	for name, env := range map[string]bool{
		"protocol version 2":                     true,
		"version 0, where variables are refused": false,
	} {
		t.Run(name, func(t *testing.T) {
			srv := gittest.New(t)
			shop := srv.Repo("acme/shop")
			hash := shop.Commit(map[string]string{"manifest.yml": "services: {}\n"})
			served := srv.ServeSSH(t, env)
			s, repo := sshStore(t, served, knownLine(served)), sshRepo(t, served.URL("acme/shop.git"))
			for range 2 { // the second time a newer commit is fetched into the mirror
				rev, err := s.Resolve(t.Context(), repo, "main")
				if err != nil || rev.Hash != hash {
					t.Fatalf("resolved %v, %v; want %s", rev, err, hash)
				}
				snap, err := s.Open(t.Context(), repo, rev)
				if err != nil {
					t.Fatal(err)
				}
				if text, err := fs.ReadFile(snap, "manifest.yml"); err != nil || !strings.HasPrefix(string(text), "services:") {
					t.Errorf("read %q, %v", text, err)
				}
				if err := snap.Close(); err != nil {
					t.Error(err)
				}
				hash = shop.Commit(map[string]string{"manifest.yml": "services: {web: {}}\n"})
			}
			if _, err := s.Resolve(t.Context(), repo, "nowhere"); !errors.Is(err, sources.ErrNoRef) {
				t.Errorf("a ref that is not there: %v", err)
			}
			if _, err := s.Resolve(t.Context(), sshRepo(t, served.URL("acme/none")), "main"); !errors.Is(err, sources.ErrNotFound) {
				t.Errorf("a repository that is not there: %v", err)
			}
			for _, command := range served.Commands() {
				if command != "git-upload-pack '/acme/shop'" && command != "git-upload-pack '/acme/none'" {
					t.Errorf("the server was told %q", command)
				}
			}
		})
	}
}

func TestT16_HostKeysMustBeKnown(t *testing.T) {
	srv := gittest.New(t)
	srv.Repo("acme/shop").Commit(map[string]string{"a": "b"})
	served := srv.ServeSSH(t, true)
	repo := sshRepo(t, served.URL("acme/shop"))
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	line := func(host string, key ssh.PublicKey) string { return knownhosts.Line([]string{host}, key) + "\n" }
	hashed := knownhosts.HashHostname(knownhosts.Normalize(served.Addr)) + " " + string(ssh.MarshalAuthorizedKey(served.HostKey.PublicKey()))
	for name, tc := range map[string]struct{ known, want string }{
		"a known key":          {knownLine(served), ""},
		"a hashed entry":       {hashed, ""},
		"no entry at all":      {"", "is not known; add it to git.known_hosts_file"},
		"another host's entry": {line("git.example.org:22", served.HostKey.PublicKey()), "is not known"},
		"another port's entry": {line("127.0.0.1:22", served.HostKey.PublicKey()), "is not known"},
		"a changed key":        {line(served.Addr, stranger.PublicKey()), "has changed"},
		"a revoked key":        {knownLine(served) + "@revoked * " + string(ssh.MarshalAuthorizedKey(served.HostKey.PublicKey())), "is marked as revoked"},
		"a line that is none":  {"canary canary canary\n", "no line of known_hosts"},
	} {
		t.Run(name, func(t *testing.T) {
			s := sshStore(t, served, tc.known)
			_, err := s.Resolve(t.Context(), repo, "main")
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !errors.Is(err, sources.ErrAuth)):
				t.Errorf("got %v\nwant an error for the operator with %q", err, tc.want)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("the error repeats the file: %v", err)
			}
		})
	}
	if n := len(served.Commands()); n != 2 {
		t.Errorf("%d commands were run on a server, want the 2 of known keys", n)
	}
}

func TestT16_NothingIsAskedWithoutBothFiles(t *testing.T) {
	srv := gittest.New(t)
	srv.Repo("acme/shop").Commit(map[string]string{"a": "b"})
	served := srv.ServeSSH(t, true)
	repo := sshRepo(t, served.URL("acme/shop"))
	dir := t.TempDir()
	known, locked, rubbish := filepath.Join(dir, "known_hosts"), filepath.Join(dir, "locked"), filepath.Join(dir, "rubbish")
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("passphrase"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{
		known: []byte(knownLine(served)), locked: pem.EncodeToMemory(block), rubbish: []byte("canary"), filepath.Join(dir, "other"): pem.EncodeToMemory(other),
	} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(dir, "agent"))
	for name, tc := range map[string]struct {
		ssh  *SSH
		want string
	}{
		"nothing is configured":    {nil, "set git.ssh_key_file"},
		"no key":                   {&SSH{KnownHostsFile: known}, "set git.ssh_key_file"},
		"no known hosts":           {&SSH{KeyFile: served.KeyFile}, "set git.known_hosts_file"},
		"a missing key":            {&SSH{filepath.Join(dir, "none"), known}, "git.ssh_key_file cannot be read"},
		"missing known hosts":      {&SSH{served.KeyFile, filepath.Join(dir, "none")}, "git.known_hosts_file cannot be read"},
		"a key with a passphrase":  {&SSH{locked, known}, "has a passphrase"},
		"a key that is none":       {&SSH{rubbish, known}, "holds no private key"},
		"a key that is not let in": {&SSH{filepath.Join(dir, "other"), known}, "does not accept the key in git.ssh_key_file"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(Options{Dir: t.TempDir(), SSH: tc.ssh})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			_, err = s.Resolve(t.Context(), repo, "main")
			if err == nil || !strings.Contains(err.Error(), tc.want) || !errors.Is(err, sources.ErrAuth) {
				t.Errorf("got %v\nwant an error for the operator with %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats the file: %v", err)
			}
		})
	}
	if n := len(served.Commands()); n != 0 {
		t.Errorf("%d commands were run", n)
	}
}

func TestT15_PathsAreQuotedForTheOtherSide(t *testing.T) {
	for path, want := range map[string]string{
		"/acme/shop":      `git-upload-pack '/acme/shop'`,
		"/~/acme/shop":    `git-upload-pack 'acme/shop'`,
		"/a'; id; '":      `git-upload-pack '/a'\''; id; '\'''`,
		"/a!b":            `git-upload-pack '/a'\!'b'`,
		"/$(id)`id`\\\"x": "git-upload-pack '/$(id)`id`\\\"x'",
	} {
		if got := sshCommand(path); got != want {
			t.Errorf("%q is sent as %s, want %s", path, got, want)
		}
	}
}

func TestSSHEndsWithItsContext(t *testing.T) {
	srv := gittest.New(t)
	served := srv.ServeSSH(t, true)
	s := sshStore(t, served, knownLine(served))
	why := errors.New("superseded")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if _, err := s.Resolve(ctx, sshRepo(t, served.URL("acme/shop")), "main"); !errors.Is(err, why) {
		t.Errorf("got %v, want the reason of the context", err)
	}
}
