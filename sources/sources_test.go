package sources_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rondo.dev/rondo/sources"
)

func TestRepositoryAddressesHaveOneForm(t *testing.T) {
	for raw, want := range map[string]string{
		"https://github.com/acme/shop":            "https://github.com/acme/shop",
		"HTTPS://GitHub.COM:443/acme/shop.git/":   "https://github.com/acme/shop",
		"https://git.example.org:8443/a/b/c.git":  "https://git.example.org:8443/a/b/c",
		"http://localhost:3000/acme/shop":         "http://localhost:3000/acme/shop",
		"http://127.0.0.1:80/acme/shop":           "http://127.0.0.1/acme/shop",
		"http://[::1]:3000/acme/shop":             "http://[::1]:3000/acme/shop",
		"https://[2001:db8::1]/acme/shop":         "https://[2001:db8::1]/acme/shop",
		"https://github.com/acme/shop%20with.git": "https://github.com/acme/shop%20with",
		"https://github.com/acme/shop.git.git":    "https://github.com/acme/shop",
		"https://github.com/acme/sh%6fp%2Egit":    "https://github.com/acme/shop",
		"https://github.com/acme/ü%24(1)":         "https://github.com/acme/%C3%BC%24(1)",
		"ssh://git@GitHub.com:22/acme/shop.git":   "ssh://git@github.com/acme/shop",
		"ssh://git@git.example.org:2222/a/b":      "ssh://git@git.example.org:2222/a/b",
		"git@github.com:acme/shop.git":            "ssh://git@github.com/~/acme/shop",
		"ssh://git@github.com/~/acme/shop":        "ssh://git@github.com/~/acme/shop",
		"deploy.bot@git.example.org:/srv/git/a":   "ssh://deploy.bot@git.example.org/srv/git/a",
		"git@git.example.org:2222/a":              "ssh://git@git.example.org/~/2222/a",
	} {
		got, err := sources.ParseRepo(raw)
		if err != nil || got.URL != want {
			t.Errorf("%s is %q, %v; want %q", raw, got.URL, err, want)
		}
	}
	for _, ssh := range []string{"git@git.example.org:acme/shop", "ssh://git@git.example.org:2222/acme/shop"} {
		repo, err := sources.ParseRepo(ssh)
		if err != nil || repo.Host() != "git.example.org" || repo.FullName() != "acme/shop" || !repo.IsSSH() {
			t.Errorf("%s: host %q, full name %q, %v", ssh, repo.Host(), repo.FullName(), err)
		}
		for other, same := range map[string]bool{
			"https://git.example.org/acme/shop": true, "https://git.example.org/acme/shop2": false, "https://example.org/acme/shop": false,
		} {
			if got := repo.SameAs(sources.Repo{URL: other}); got != same {
				t.Errorf("%s is the same as %s: %v", ssh, other, got)
			}
		}
	}
	repo := sources.Repo{URL: "https://git.example.org:8443/acme/shop"}
	if repo.Host() != "git.example.org" || repo.FullName() != "acme/shop" {
		t.Errorf("host %q, full name %q", repo.Host(), repo.FullName())
	}
}

func TestT15_RepositoryAddressesThatAreRefused(t *testing.T) {
	for _, raw := range []string{
		"", "shop", "/srv/git/shop", "../shop", "github.com:acme/shop.git", "ssh://github.com/acme/shop", "git://github.com/acme/shop",
		"file:///etc/passwd", "ext::sh -c id", "ext::sh", "--upload-pack=id", "-oProxyCommand=id", "https://-oProxyCommand=id/x y",
		"https://user:canary@github.com/acme/shop", "https://canary@github.com/acme/shop", "https://github.com/acme/shop?token=canary",
		"https://github.com/acme/shop#canary", "https://github.com/acme/../../x", "https://github.com/acme/..", "https://github.com//shop",
		"https://github.com/--upload-pack=id", "https://github.com", "https://github.com/", "https:///acme/shop", "https:acme", "https://[fe80::1%25eth0]/a",
		"http://github.com/acme/shop", "http://169.254.169.254/latest", "https://github.com/a\nb", "https://github.com/a'b", `https://github.com/a"b`,
		"https://github.com/$(id)", "https://github.com/a;b", "https://github.com/a b", "https://github.com/%zz", "https://github.com:x/a", "https://[::1/a",
		"https://github.com/%2e%2e/x", "https://github.com/acme/%2E%2e", "https://github.com/acme/.%2e/x", "https://github.com/acme/./shop",
		"ssh://git:canary@github.com/acme/shop", "ssh://-l@github.com/acme/shop", "ssh://git@-oProxyCommand=id/acme/shop", "ssh://a%20b@github.com/a",
		"-oProxyCommand=id@github.com:acme/shop", "git@github.com:-x", "git@github.com:~root/x", "ssh://git@github.com/~root/x", "ssh://git@github.com/~/-x",
		"git@github.com:../x", "git@github.com:a/../x", "git@github.com:", "git@github.com:a'b", "git@:a", "git@github.com::a", "ssh://git@github.com/a%0ab",
		"ssh://git@github.com", "git@ext::sh", "git+ssh://git@github.com/a",
		"https://github.com/acme%2fshop", "https://github.com/acme%5cshop", "https://github.com/acme/shop%0a", "https://github.com/acme/%ff", "https://github.com/acme/shop%00",
	} {
		got, err := sources.ParseRepo(raw)
		if err == nil {
			t.Errorf("%q is taken as %q", raw, got)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}

func TestRefsThatAreRefused(t *testing.T) {
	for _, ref := range []string{
		"", "-x", "--upload-pack=id", "/a", "a/", "a//b", "a.", "a..b", "../../x", "a@{1}", "@", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", `a\b`,
		".a", "a/.b", "a.lock", "a.lock/b", "a\x00b", "a\nb", "a\x7f", "a\xff", "refs/heads/main", strings.Repeat("a", 256),
	} {
		if err := sources.ValidRef(ref); err == nil {
			t.Errorf("%q is taken", ref)
		}
	}
	for _, ref := range []string{"main", "feature/x", "pull/42/head", "tags/v1.2.3", "ünï", "a-b_c+d", "x@y", strings.Repeat("a", 255)} {
		if err := sources.ValidRef(ref); err != nil {
			t.Errorf("%q is refused: %v", ref, err)
		}
	}
}

func TestShortRefsHaveOneFullName(t *testing.T) {
	for short, full := range map[string]string{
		"main": "refs/heads/main", "a/b": "refs/heads/a/b", "pull/42/head": "refs/pull/42/head", "tags/v1": "refs/tags/v1",
	} {
		if got := sources.FullRef(short); got != full {
			t.Errorf("%q is %s in full, want %s", short, got, full)
		}
		if got := sources.ShortRef(full); got != short {
			t.Errorf("%s is %q, want %q", full, got, short)
		}
	}
}

func TestPositionsPrintAsFarAsTheyAreKnown(t *testing.T) {
	for want, p := range map[string]sources.Position{
		"-": {}, "a.yml": {File: "a.yml"}, "a.yml:3": {File: "a.yml", Line: 3}, "a.yml:3:7": {File: "a.yml", Line: 3, Column: 7},
	} {
		if got := p.String(); got != want {
			t.Errorf("%+v prints as %q, want %q", p, got, want)
		}
	}
}

func TestSignalsSurviveTheLedger(t *testing.T) {
	want := sources.Signal{Repo: sources.Repo{URL: "https://github.com/a/b"}, Ref: "main", PullRequest: 4, Delivery: "x"}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got sources.Signal
	if err := json.Unmarshal(b, &got); err != nil || got != want {
		t.Errorf("%s is read as %+v, %v", b, got, err)
	}
}

// plainLogin is a user of an ssh address that no program takes for an option,
// and that has no password.
var plainLogin = regexp.MustCompile(`^[A-Za-z0-9._][A-Za-z0-9._-]*$`)

func FuzzParseRepo(f *testing.F) {
	for _, raw := range []string{
		"https://github.com/acme/shop.git", "http://localhost/a", "http://[::1]:3000/a", "https://u:p@h/a", "ext::sh", "https://h/a/../b", "HTTPS://H:443//a/",
		"https://h/a.git.git", "https://h/%2e%2e/a", "https://h/a%2fb", "https://[fe80::1%25eth0]/a",
		"git@h:a/b.git", "0@0:0", "git@h:/srv/a", "ssh://git@h:2222/~/a", "ssh://git:p@h/a", "ssh://-oProxyCommand=x@h/a", "git@h:~b/a", "ssh://0@::/0", "https://0/\xff%240", "https://h/%24%c3%bc%2egit/",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		repo, err := sources.ParseRepo(raw)
		if err != nil {
			return
		}
		u, err := url.Parse(repo.URL)
		switch {
		case err != nil:
			t.Fatalf("%q became %q: %v", raw, repo.URL, err)
		case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(repo.URL, " \t\r\n\"'`$;|<>\\"):
			t.Fatalf("%q became %q", raw, repo.URL)
		case u.Scheme == "ssh" && !plainLogin.MatchString(u.User.String()), u.Scheme != "ssh" && u.User != nil:
			t.Fatalf("%q became %q, as user %q", raw, repo.URL, u.User)
		case u.Scheme != "https" && u.Scheme != "ssh" && !(u.Scheme == "http" && sources.IsLoopback(u.Hostname())):
			t.Fatalf("%q became %q", raw, repo.URL)
		case repo.Host() == "" || repo.FullName() == "":
			t.Fatalf("%q has host %q and name %q", raw, repo.Host(), repo.FullName())
		}
		// A key must have one form only.
		if again, err := sources.ParseRepo(repo.URL); err != nil || again != repo {
			t.Fatalf("%q became %q, and that %q, %v", raw, repo.URL, again.URL, err)
		}
	})
}

func FuzzValidRef(f *testing.F) {
	for _, ref := range []string{"main", "pull/42/head", "tags/v1", "a..b", "../../x", "a.lock", "@", "refs/heads/x", "a\xff"} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		if sources.ValidRef(ref) != nil {
			return
		}
		full := sources.FullRef(ref)
		if !strings.HasPrefix(full, "refs/") || strings.Contains(full, "..") || strings.ContainsAny(full, "\x00\n \\") || strings.HasSuffix(full, ".lock") {
			t.Fatalf("%q is %q in full", ref, full)
		}
		if again := sources.FullRef(sources.ShortRef(full)); again != full {
			t.Fatalf("%q is %q in full, and its short form %q", ref, full, again)
		}
	})
}

func FuzzParseRevision(f *testing.F) {
	hash := strings.Repeat("0a", 20)
	f.Add("main@sha1:" + hash)
	f.Add("a@sha1:b@sha1:" + hash)
	f.Add("none")
	f.Fuzz(func(t *testing.T, s string) {
		rev, err := sources.ParseRevision(s)
		if err == nil && (rev.String() != s || rev.IsZero() || !strings.HasPrefix(rev.Hash, rev.Short())) {
			t.Fatalf("%q is read as %+v, which prints as %q", s, rev, rev)
		}
	})
}
