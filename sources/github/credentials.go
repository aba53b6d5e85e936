package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"

	"rondo.dev/rondo/sources"
)

// DefaultBaseURL is the API of github.com.
const DefaultBaseURL = "https://api.github.com/"

// callTimeout bounds one call of this package's own, its answer included.
const callTimeout = 20 * time.Second

// Options of [New]. An App or a token is required, not both.
type Options struct {
	AppID          int64
	PrivateKeyFile string // PEM, as GitHub lets one download it
	TokenFile      string // holds a personal or machine token
	// BaseURL is the API; empty: [DefaultBaseURL]. For GitHub Enterprise it is
	// https://<host>/api/v3/.
	BaseURL string
	// Transport carries the requests; nil: http.DefaultTransport.
	Transport http.RoundTripper
}

// Credentials lends access to repositories of one GitHub. Its methods may be
// called from many goroutines.
type Credentials struct {
	o       Options
	base    *url.URL // with a trailing slash
	gitHost string   // of the repositories' addresses
	token   *github.Client

	mu    sync.Mutex
	slots map[string]*slot // by owner, lower case
}

// New checks o, reads the key or the token once, and calls nobody.
func New(o Options) (*Credentials, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	base, err := baseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	c := &Credentials{o: o, base: base, gitHost: base.Hostname(), slots: make(map[string]*slot)}
	if c.gitHost == "api.github.com" {
		c.gitHost = "github.com"
	}
	switch app := o.AppID != 0 || o.PrivateKeyFile != ""; {
	case app && o.TokenFile != "":
		return nil, errors.New("a GitHub App and a token file exclude each other")
	case app && (o.AppID <= 0 || o.PrivateKeyFile == ""):
		return nil, errors.New("a GitHub App needs both its id and its private key file")
	case app:
		_, err = c.appClient()
	case o.TokenFile != "":
		_, err = c.readToken()
		c.token = c.client(fileToken{c})
	default:
		return nil, errors.New("neither a GitHub App nor a token file is given")
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

func baseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("GitHub's API address is not a URL") // err repeats it
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Hostname() == "":
		return nil, errors.New("GitHub's API address has credentials, a query or no host")
	case u.Scheme != "https" && (u.Scheme != "http" || !sources.IsLoopback(u.Hostname())):
		return nil, fmt.Errorf("GitHub's API address uses %q to %s; use https", u.Scheme, u.Hostname())
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	return u, nil
}

// Serves reports whether repo lies on this GitHub. Ports are not compared: that
// of the API tells nothing about that of git.
func (c *Credentials) Serves(repo sources.Repo) bool { return repo.Host() == c.gitHost }

// Client gives a client that acts on repo. It is shared; do not change it.
// The context of a call bounds it, nothing else does. An error that wraps [sources.ErrAuth] is the operator's to clear.
func (c *Credentials) Client(ctx context.Context, repo sources.Repo) (*github.Client, error) {
	if !c.Serves(repo) {
		return nil, fmt.Errorf("%s is not on %s: %w", repo, c.gitHost, sources.ErrAuth)
	}
	// go-github puts both names into the path of a request as they are.
	if _, _, err := ownerName(repo); err != nil {
		return nil, err
	}
	if c.token != nil {
		return c.token, nil
	}
	in, err := c.installation(ctx, repo)
	if err != nil {
		return nil, err
	}
	return in.client, nil
}

// GitCredentials gives the user name and password with which git fetches repo; both empty
// for a repository of another host. The password is valid for minutes at
// least; ask again for each fetch.
func (c *Credentials) GitCredentials(ctx context.Context, repo sources.Repo) (user, password string, err error) {
	if !c.Serves(repo) {
		return "", "", nil
	}
	if c.token != nil {
		password, err = c.readToken()
	} else {
		var in *installation
		if in, err = c.installation(ctx, repo); err == nil {
			password, err = in.token(ctx)
		}
	}
	if err != nil {
		return "", "", err
	}
	return "x-access-token", password, nil // GitHub looks at the password only
}

// ownerName splits the full name of a repository on GitHub. Names that GitHub
// does not give are refused, so that they may stand in the path of a request.
func ownerName(repo sources.Repo) (owner, name string, err error) {
	owner, name, _ = strings.Cut(repo.FullName(), "/")
	for _, part := range []string{owner, name} {
		if part == "" || part == "." || part == ".." || strings.Trim(part, nameLetters) != "" {
			return "", "", fmt.Errorf("%s does not name a repository as owner/name", repo)
		}
	}
	return owner, name, nil
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// client makes a client whose every request gets its token from a.
func (c *Credentials) client(a authorizer) *github.Client {
	client := github.NewClient(&http.Client{Transport: &transport{base: c.base, next: c.o.Transport, auth: a}})
	client.BaseURL, client.UserAgent = c.base, "rondo"
	return client
}

// readToken reads the token file.
func (c *Credentials) readToken() (string, error) {
	content, err := os.ReadFile(c.o.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read GitHub's token: %w: %w", err, sources.ErrAuth)
	}
	token := strings.TrimSpace(string(content))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s does not hold one token: %w", c.o.TokenFile, sources.ErrAuth)
	}
	return token, nil
}
