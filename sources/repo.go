package sources

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Repo names a git repository by its address. The zero value names none.
type Repo struct {
	URL string // as [ParseRepo] returned it: https, ssh, or http to loopback; without credentials
}

// ParseRepo checks a repository address from the operator's configuration and
// brings it into the one form used as a key: lower-case scheme and host, no
// default port, no trailing slash, no ".git".
//
// Accepted are https addresses everywhere, http addresses of loopback hosts, and
// ssh addresses with a user, also in the short form "git@host:acme/shop". That
// one is relative to the user's home, in the long form "/~/acme/shop".
// Everything that git would hand to a helper program, read from disk, or print
// with a password in it is refused (threats T15): ext::, file://, credentials,
// queries, white space, quotes and control characters, and paths that lead
// elsewhere, "%2e%2e" included.
func ParseRepo(raw string) (Repo, error) {
	if raw == "" {
		return Repo{}, errors.New("repository address is empty")
	}
	if i := strings.IndexFunc(raw, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune("\"'`\\<>|;$", r)
	}); i >= 0 {
		return Repo{}, fmt.Errorf("repository address has a forbidden character at byte %d", i)
	}
	if long, ok := longForm(raw); ok {
		raw = long
	}
	u, err := url.Parse(raw)
	if err != nil {
		// The text of a url.Error repeats the address, which may hold a password.
		return Repo{}, errors.New("repository address is not a URL")
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname())
	user := ""
	if scheme == "ssh" {
		if user, err = sshUser(u); err != nil {
			return Repo{}, err
		}
	}
	switch {
	case u.User != nil && scheme != "ssh":
		return Repo{}, errors.New("repository address holds credentials; use token_file")
	case scheme != "https" && scheme != "http" && scheme != "ssh":
		return Repo{}, fmt.Errorf("repository address has scheme %q; use https or ssh", u.Scheme)
	case u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return Repo{}, errors.New("repository address has a query, a fragment or no host")
	case host == "" || strings.Contains(host, "%") || strings.HasPrefix(host, "-") || strings.Contains(host, ":") && !isAddress(host):
		return Repo{}, errors.New("repository address has no usable host")
	case scheme == "http" && !IsLoopback(host):
		return Repo{}, fmt.Errorf("repository address uses http to %s; use https", host)
	}
	path, ok := plainPath(u.EscapedPath())
	if !ok || scheme == "ssh" && !usableOverSSH(path) {
		return Repo{}, errors.New("repository address has no usable path")
	}
	port := u.Port()
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" || scheme == "ssh" && port == "22" {
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return Repo{URL: scheme + "://" + user + host + escape(path)}, nil
}

// isAddress reports whether a host is an IP address; no other has a colon.
func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// longForm turns "git@host:path" into a URL; false for what has another form.
func longForm(raw string) (string, bool) {
	login, path, ok := strings.Cut(raw, ":")
	if strings.HasPrefix(path, ":") || !ok || strings.Contains(raw, "://") || strings.Contains(login, "/") || !strings.Contains(login, "@") {
		return "", false
	}
	if !strings.HasPrefix(path, "/") {
		path = "/~/" + path
	}
	return "ssh://" + login + (&url.URL{Path: path}).EscapedPath(), true
}

// sshUser is the user of an ssh address with the "@" behind it.
func sshUser(u *url.URL) (string, error) {
	if u.User == nil {
		return "", errors.New("repository address has no user; write ssh://git@host/path")
	}
	if _, has := u.User.Password(); has {
		return "", errors.New("repository address holds a password; use git.ssh_key_file")
	}
	name := u.User.Username()
	if name == "" || name[0] == '-' || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}) {
		return "", errors.New("repository address has no usable user")
	}
	return name + "@", nil
}

// usableOverSSH reports whether the other side cannot take the path for an
// option or for somebody else's home.
func usableOverSSH(path string) bool {
	if home, ok := strings.CutPrefix(path, "/~/"); ok {
		return !strings.HasPrefix(home, "-") && !strings.HasPrefix(home, "~")
	}
	return !strings.HasPrefix(path, "/~")
}

// plainPath undoes the escapes of a path, and takes ".git" off its end. False
// when a component would not mean itself to the server that undoes them, too:
// "%2e%2e" is "..", "%2f" a slash.
func plainPath(escaped string) (string, bool) {
	var names []string
	for part := range strings.SplitSeq(strings.TrimRight(escaped, "/"), "/") {
		name, err := url.PathUnescape(part)
		if err != nil || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == '/' || r == '\\'
		}) {
			return "", false
		}
		names = append(names, name)
	}
	path := strings.Join(names, "/")
	for strings.HasSuffix(path, ".git") {
		path = strings.TrimRight(strings.TrimSuffix(path, ".git"), "/")
	}
	rest, rooted := strings.CutPrefix(path, "/")
	for name := range strings.SplitSeq(rest, "/") {
		if name == "" || name == "." || name == ".." {
			return "", false
		}
	}
	return path, rooted && !strings.HasPrefix(rest, "-")
}

// escape is the one way in which a path is written. That of net/url leaves $ and
// ; as they are, which no address may have.
func escape(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("/-._~!&()*+,:=@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// IsLoopback reports whether host, without a port, is this machine for certain:
// "localhost" or an address of the loopback ranges. Names are not looked up.
func IsLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// Host is the host of the address, without its port.
func (r Repo) Host() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// FullName is the path of the address without its leading slash: "acme/shop"
// on GitHub. It is what forges call the repository's full name.
func (r Repo) FullName() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(u.Path, "/"), "~/")
}

// IsSSH reports whether the repository is reached over ssh.
func (r Repo) IsSSH() bool { return strings.HasPrefix(r.URL, "ssh://") }

// SameAs reports whether both addresses lead to one repository of a forge,
// whatever way they go: a webhook names the https address also of what is
// fetched over ssh. Over other ports there may be another forge.
func (r Repo) SameAs(other Repo) bool {
	return r.URL == other.URL || (r.IsSSH() || other.IsSSH()) && r.Host() == other.Host() && strings.EqualFold(r.FullName(), other.FullName())
}

func (r Repo) String() string { return r.URL }
