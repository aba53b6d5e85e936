package sources

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Repo names a git repository by its address. The zero value names none.
type Repo struct {
	URL string // as [ParseRepo] returned it: https (or http to loopback), without credentials
}

// ParseRepo checks a repository address from the operator's configuration and
// brings it into the one form used as a key: lower-case scheme and host, no
// default port, no trailing slash, no ".git".
//
// Accepted are https addresses everywhere and http addresses of loopback hosts.
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
	u, err := url.Parse(raw)
	if err != nil {
		// The text of a url.Error repeats the address, which may hold a password.
		return Repo{}, errors.New("repository address is not a URL")
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname())
	switch {
	case u.User != nil:
		return Repo{}, errors.New("repository address holds credentials; use token_file")
	case scheme != "https" && scheme != "http":
		return Repo{}, fmt.Errorf("repository address has scheme %q; use https", u.Scheme)
	case u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return Repo{}, errors.New("repository address has a query, a fragment or no host")
	case host == "" || strings.Contains(host, "%"):
		return Repo{}, errors.New("repository address has no usable host")
	case scheme == "http" && !IsLoopback(host):
		return Repo{}, fmt.Errorf("repository address uses http to %s; use https", host)
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	for strings.HasSuffix(path, ".git") {
		path = strings.TrimRight(strings.TrimSuffix(path, ".git"), "/")
	}
	if !usablePath(path) {
		return Repo{}, errors.New("repository address has no usable path")
	}
	port := u.Port()
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		port = ""
	}
	switch {
	case port != "":
		host = net.JoinHostPort(host, port)
	case strings.Contains(host, ":"):
		host = "[" + host + "]"
	}
	return Repo{URL: scheme + "://" + host + path}, nil
}

// usablePath reports whether every component of an escaped path means itself,
// before and after a server undoes the escapes: "%2e%2e" is "..", "%2f" a slash.
func usablePath(escaped string) bool {
	rest, rooted := strings.CutPrefix(escaped, "/")
	for part := range strings.SplitSeq(rest, "/") {
		name, err := url.PathUnescape(part)
		if err != nil || name == "" || name == "." || name == ".." || strings.ContainsFunc(name, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == '/' || r == '\\'
		}) {
			return false
		}
	}
	return rooted && !strings.HasPrefix(rest, "-")
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
	return strings.TrimPrefix(u.Path, "/")
}

func (r Repo) String() string { return r.URL }
