package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"rondo.dev/rondo/sources"
)

// agent is how rondo names itself to servers. Some answer only programs whose name begins like this.
const agent = "git/rondo"

// remote is how one repository's server wants to be spoken to.
type remote struct {
	base    string // address to which /git-upload-pack is appended
	version int    // of the git protocol: 2, or 0 for a server that knows no other
	known   bool   // the server itself said so; otherwise it is a guess
}

// indirectError says that a guess about a server may have been wrong: ask it.
type indirectError struct{ err error }

func (e *indirectError) Error() string { return e.err.Error() }
func (e *indirectError) Unwrap() error { return e.err }

// remote is what is known of the server of repo; at first the guess that it speaks version 2 at the address itself.
func (s *Store) remote(repo sources.Repo) remote {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.remotes[repo.URL]; ok {
		return r
	}
	return remote{base: repo.URL, version: 2}
}

func (s *Store) learn(repo sources.Repo, r remote) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remotes[repo.URL] = r
}

// post sends one request to git-upload-pack. The caller closes the body.
func (s *Store) post(ctx context.Context, repo sources.Repo, r remote, body []byte) (io.ReadCloser, error) {
	if repo.IsSSH() {
		return s.sendSSH(ctx, repo, r, body)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+"/git-upload-pack", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	req.Header.Set("Accept", "application/x-git-upload-pack-result")
	res, err := s.do(req, repo, r.version)
	if err != nil {
		return nil, err
	}
	err = statusError(res)
	if err == nil && res.Header.Get("Content-Type") != "application/x-git-upload-pack-result" {
		err = errors.New("the answer is no answer of a git server")
	}
	if err == nil {
		return res.Body, nil
	}
	res.Body.Close()
	if !r.known && !errors.Is(err, sources.ErrAuth) && res.StatusCode != http.StatusTooManyRequests && res.StatusCode < 500 {
		return nil, &indirectError{err}
	}
	return nil, err
}

// do sends a request with the credentials of repo.
func (s *Store) do(req *http.Request, repo sources.Repo, version int) (*http.Response, error) {
	req.Header.Set("User-Agent", agent)
	if version == 2 {
		req.Header.Set("Git-Protocol", "version=2")
	}
	if s.o.Credentials != nil {
		user, token, err := s.o.Credentials(req.Context(), repo)
		if err != nil {
			return nil, fmt.Errorf("credentials: %w", err)
		}
		if token != "" {
			req.SetBasicAuth(user, token)
		}
	}
	res, err := s.client.Do(req)
	if err != nil {
		// The text of a url.Error repeats an address that may come from the server.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		if errors.Is(err, io.EOF) {
			err = errClosed
		}
		return nil, cause(req.Context(), err)
	}
	return res, nil
}

// errClosed is what net/http calls EOF: a connection without an answer.
var errClosed = errors.New("the server closed the connection")

// cause prefers the reason a context ended for over what a read made of it.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// checkRedirect follows only the first question of git's protocol, and only to the same scheme, host and port, so that
// credentials stay with the host they are for (threats T15).
func checkRedirect(req *http.Request, via []*http.Request) error {
	from := via[0]
	switch {
	case from.Method != http.MethodGet:
		return http.ErrUseLastResponse
	case req.URL.Scheme != from.URL.Scheme || req.URL.Host != from.URL.Host:
		return fmt.Errorf("the server redirects to another host, %q; name the repository by its present address", req.URL.Host)
	case len(via) > 5:
		return errors.New("more than 5 redirects")
	}
	return nil
}

func statusError(res *http.Response) error {
	switch code := res.StatusCode; code {
	case http.StatusOK:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (%d)", sources.ErrAuth, code)
	case http.StatusNotFound, http.StatusGone:
		return fmt.Errorf("%w (%d)", sources.ErrNotFound, code)
	default:
		return fmt.Errorf("the server answered %d %s", code, http.StatusText(code))
	}
}

// maxAdvert bounds what a server may say about its refs, in bytes.
const maxAdvert = 256 << 20

// discover asks the server which protocol it speaks, and where. To one that speaks version 0 the answer is the list of
// all its refs: each is given to visit, with the capabilities of the server. A peeled tag comes as its name and "^{}".
func (s *Store) discover(ctx context.Context, repo sources.Repo, visit func(name, hash string)) (r remote, caps string, err error) {
	if repo.IsSSH() {
		return s.discoverSSH(ctx, repo, visit)
	}
	const path = "/info/refs"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, repo.URL+path+"?service=git-upload-pack", nil)
	if err != nil {
		return remote{}, "", err
	}
	res, err := s.do(req, repo, 2)
	if err != nil {
		return remote{}, "", err
	}
	defer res.Body.Close()
	if err := statusError(res); err != nil {
		return remote{}, "", err
	}
	if res.Header.Get("Content-Type") != "application/x-git-upload-pack-advertisement" {
		return remote{}, "", errors.New("the answer is no answer of a git server")
	}
	at := *res.Request.URL
	at.RawQuery = ""
	base, ok := strings.CutSuffix(at.String(), path)
	if !ok {
		return remote{}, "", errors.New("the server redirects to an address that is no git repository")
	}
	version, caps, err := readAdvert(newPackets(io.LimitReader(res.Body, maxAdvert)), visit)
	if err != nil {
		return remote{}, "", cause(ctx, err)
	}
	r = remote{base: base, version: version, known: true}
	s.learn(repo, r)
	return r, caps, nil
}

// readAdvert reads the answer to the first question, in either version.
func readAdvert(p *packets, visit func(name, hash string)) (version int, caps string, err error) {
	first, service := true, false
	for {
		k, line, err := p.line()
		switch {
		case err == io.EOF:
			return 0, "", errTruncated
		case err != nil:
			return 0, "", err
		case first && k == data && line == "# service=git-upload-pack":
			service = true
			continue
		case service && k == flush:
			service = false
			continue
		case k != data:
			return 0, caps, nil
		case first && line == "version 2":
			return 2, "", nil
		case line == "version 1":
			continue
		}
		if first {
			line, caps, _ = strings.Cut(line, "\x00")
			first = false
		}
		if strings.HasPrefix(line, "shallow ") {
			continue
		}
		hash, name, ok := strings.Cut(line, " ")
		if !ok || !sources.IsHash(hash) {
			return 0, "", errors.New("the list of refs has a line that is no ref")
		}
		if name != "capabilities^{}" {
			visit(name, hash)
		}
	}
}
