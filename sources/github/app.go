package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"

	"rondo.dev/rondo/sources"
)

// slot holds the installation of one owner. Whoever has put a value into turn
// may look at it and fill it, so that an owner is looked up once however many
// ask.
type slot struct {
	turn chan struct{}
	in   *installation // nil: not looked up
}

// installation is the App on one owner's repositories.
type installation struct {
	c      *Credentials
	slot   *slot
	id     int64
	tokens *ghinstallation.Transport
	client *github.Client
}

// installation finds the installation that repo belongs to.
func (c *Credentials) installation(ctx context.Context, repo sources.Repo) (*installation, error) {
	owner, name, err := ownerName(repo)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	s := c.slots[strings.ToLower(owner)]
	if s == nil {
		s = &slot{turn: make(chan struct{}, 1)}
		c.slots[strings.ToLower(owner)] = s
	}
	c.mu.Unlock()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("find the installation for %s: %w", repo, context.Cause(ctx))
	}
	c.mu.Lock()
	in := s.in
	c.mu.Unlock()
	if in != nil {
		return in, nil
	}
	in, err = c.find(ctx, s, owner, name)
	if err != nil {
		return nil, fmt.Errorf("find the installation for %s: %w", repo, err)
	}
	c.mu.Lock()
	s.in = in
	c.mu.Unlock()
	return in, nil
}

func (c *Credentials) find(ctx context.Context, s *slot, owner, name string) (*installation, error) {
	app, err := c.appClient()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, fmt.Errorf("GitHub gave no answer in %s", callTimeout))
	defer cancel()
	found, resp, err := app.Apps.FindRepositoryInstallation(ctx, owner, name)
	switch {
	case err != nil && resp != nil && resp.Response != nil && resp.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("the GitHub App %d is not installed there: %w", c.o.AppID, sources.ErrAuth)
	case err != nil && resp != nil && resp.Response != nil && resp.StatusCode == http.StatusUnauthorized:
		return nil, fmt.Errorf("GitHub does not accept the key of App %d: %w", c.o.AppID, sources.ErrAuth)
	case err != nil:
		return nil, clean(err)
	}
	key, err := c.appTransport()
	if err != nil {
		return nil, err
	}
	in := &installation{c: c, slot: s, id: found.GetID(), tokens: ghinstallation.NewFromAppsTransport(key, found.GetID())}
	// A token can do what rondo does, whatever else the App was granted.
	in.tokens.InstallationTokenOptions = &github.InstallationTokenOptions{Permissions: &github.InstallationPermissions{
		Contents: github.String("read"), Statuses: github.String("write"),
	}}
	in.client = c.client(in)
	return in, nil
}

// appClient acts as the App itself.
func (c *Credentials) appClient() (*github.Client, error) {
	key, err := c.appTransport()
	if err != nil {
		return nil, err
	}
	client := github.NewClient(&http.Client{
		Transport: key,
		CheckRedirect: func(req *http.Request, _ []*http.Request) error {
			if req.URL.Host != c.base.Host || req.URL.Scheme != c.base.Scheme {
				return http.ErrUseLastResponse
			}
			return nil
		},
	})
	client.BaseURL, client.UserAgent = c.base, "rondo"
	return client, nil
}

// appTransport reads the key anew, so that a rotated one is found.
func (c *Credentials) appTransport() (*ghinstallation.AppsTransport, error) {
	key, err := os.ReadFile(c.o.PrivateKeyFile)
	if err != nil {
		return nil, fmt.Errorf("read the GitHub App's key: %w: %w", err, sources.ErrAuth)
	}
	t, err := ghinstallation.NewAppsTransport(c.o.Transport, c.o.AppID, key)
	if err != nil {
		// err tells what the parser saw of the key.
		return nil, fmt.Errorf("%s does not hold an RSA key in PEM: %w", c.o.PrivateKeyFile, sources.ErrAuth)
	}
	t.BaseURL = strings.TrimRight(c.base.String(), "/")
	return t, nil
}

// token gives a token that is valid for a minute at least.
func (in *installation) token(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, callTimeout, fmt.Errorf("GitHub gave no token in %s", callTimeout))
	defer cancel()
	token, err := in.tokens.Token(ctx)
	if err == nil {
		return token, nil
	}
	var answered *ghinstallation.HTTPError
	if !errors.As(err, &answered) {
		return "", fmt.Errorf("get a token of installation %d: GitHub's answer cannot be read", in.id)
	}
	resp := answered.Response
	if resp == nil {
		return "", fmt.Errorf("get a token of installation %d: %w", in.id, clean(answered.RootCause))
	}
	resp.Body.Close()
	limited := resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-Ratelimit-Remaining") == "0"
	if resp.StatusCode == http.StatusUnprocessableEntity {
		in.refused()
		return "", fmt.Errorf("the GitHub App %d lacks a permission on installation %d; it needs contents: read and statuses: write: %w",
			in.c.o.AppID, in.id, sources.ErrAuth)
	}
	if resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusTooManyRequests && !limited {
		in.refused()
		return "", fmt.Errorf("get a token of installation %d: GitHub answers %d: %w", in.id, resp.StatusCode, sources.ErrAuth)
	}
	return "", fmt.Errorf("get a token of installation %d: GitHub answers %d", in.id, resp.StatusCode)
}

// refused forgets the installation: the App may have been reinstalled, or its
// key rotated.
func (in *installation) refused() {
	in.c.mu.Lock()
	defer in.c.mu.Unlock()
	if in.slot.in == in {
		in.slot.in = nil
	}
}
