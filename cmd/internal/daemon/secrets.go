package daemon

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"

	"rondo.dev/rondo/cmd/internal/config"
	"rondo.dev/rondo/sources"
	"rondo.dev/rondo/sources/github"
)

// minSecret is the shortest secret accepted, in bytes: GitHub's guidance asks
// for high entropy, and eight letters are not that.
const minSecret = 16

// readSecret reads a file that holds one secret; white space around it, which
// editors add, does not count.
func readSecret(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	secret := bytes.TrimSpace(raw)
	if len(secret) < minSecret {
		return nil, fmt.Errorf("%s holds %d bytes; at least %d are needed", path, len(secret), minSecret)
	}
	return secret, nil
}

// token is one entry of access, its secret hashed so that comparing takes the
// same time for all lengths.
type token struct {
	name, role string
	sum        [sha256.Size]byte
}

func readTokens(access []config.Access) ([]token, error) {
	tokens := make([]token, 0, len(access))
	for _, a := range access {
		secret, err := readSecret(a.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("token of %s: %w", a.Name, err)
		}
		tokens = append(tokens, token{name: a.Name, role: a.Role, sum: sha256.Sum256(secret)})
	}
	return tokens, nil
}

// subkey derives an independent key for one use from the key file (RFC 5869).
func subkey(key []byte, use string) []byte {
	out, err := hkdf.Key(sha256.New, key, nil, "rondo "+use, 32)
	if err != nil {
		// Only a length beyond 255 hashes can fail, and 32 bytes is one.
		return nil
	}
	return out
}

// credentials gives git the right token for a host, and none to a stranger.
type credentials struct {
	github *github.Credentials
	git    config.Git
}

// For is what [git.Options.Credentials] asks for.
func (c credentials) For(ctx context.Context, repo sources.Repo) (user, secret string, err error) {
	u, err := url.Parse(repo.URL)
	if err != nil {
		return "", "", errors.New("repository address is not a URL")
	}
	if slices.Contains(c.git.Hosts, u.Host) && c.git.TokenFile != "" {
		raw, err := os.ReadFile(c.git.TokenFile)
		if err != nil {
			return "", "", fmt.Errorf("git token: %w", err)
		}
		return "token", string(bytes.TrimSpace(raw)), nil
	}
	return c.github.GitCredentials(ctx, repo)
}

// leaseNamespace is where the Lease lives: as configured, the pod's own, or "default".
func leaseNamespace(configured string) string {
	if configured != "" {
		return configured
	}
	if raw, err := os.ReadFile("/var/run/secrets/kubernetes.io/serviceaccount/namespace"); err == nil {
		return string(bytes.TrimSpace(raw))
	}
	return "default"
}
