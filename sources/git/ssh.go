package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"rondo.dev/rondo/sources"
)

// SSH is how rondo logs in to servers over ssh. Both files are read anew for each connection, so that they can be
// exchanged; nothing else is asked: no agent, no file in a home.
type SSH struct {
	KeyFile        string // private key, PEM or OpenSSH, without a passphrase
	KnownHostsFile string // host keys, as in OpenSSH's known_hosts; the only ones that are trusted
}

// sshConn is one run of git-upload-pack on a server.
type sshConn struct {
	client  *ssh.Client
	session *ssh.Session
	in      io.WriteCloser
	packets *packets // what the server says
	said    *words   // what it says beside the protocol
	stop    func() bool
}

// Read goes on where the packets that were read so far end.
func (c *sshConn) Read(b []byte) (int, error) { return c.packets.r.Read(b) }

// Close ends the program on the server with the connection; how it fares then does not matter.
func (c *sshConn) Close() error {
	c.stop()
	return c.client.Close()
}

// dialSSH runs git-upload-pack for repo. With version 2 it asks for that protocol; a server that does not take
// variables of the environment answers in version 0.
func (s *Store) dialSSH(ctx context.Context, repo sources.Repo, version int) (*sshConn, error) {
	u, err := url.Parse(repo.URL)
	if err != nil {
		return nil, errors.New("repository address is not a URL")
	}
	address := net.JoinHostPort(u.Hostname(), "22")
	if port := u.Port(); port != "" {
		address = net.JoinHostPort(u.Hostname(), port)
	}
	config, err := s.o.SSH.config(u.User.Username(), address)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, cause(ctx, err)
	}
	// The library knows no contexts: the end of this one closes the connection under it.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	c, err := runSSH(conn, address, config, sshCommand(u.Path), version)
	if err != nil {
		stop()
		conn.Close()
		return nil, cause(ctx, loginError(u.Host, err))
	}
	c.stop = stop
	return c, nil
}

func runSSH(conn net.Conn, address string, config *ssh.ClientConfig, command string, version int) (*sshConn, error) {
	transport, channels, requests, err := ssh.NewClientConn(conn, address, config)
	if err != nil {
		return nil, err
	}
	c := &sshConn{client: ssh.NewClient(transport, channels, requests), said: &words{}}
	if c.session, err = c.client.NewSession(); err != nil {
		return nil, err
	}
	c.session.Stderr = c.said
	if c.in, err = c.session.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if version == 2 {
		_ = c.session.Setenv("GIT_PROTOCOL", "version=2") // refused: the server answers in version 0
	}
	if err := c.session.Start(command); err != nil {
		return nil, err
	}
	c.packets = newPackets(out)
	return c, nil
}

// sshCommand is what the shell of the server, or a forge that plays one, is told: the path is quoted as git does it
// (quote.c, sq_quote_buf), so that nothing in it is more than a path.
func sshCommand(path string) string {
	path = strings.TrimPrefix(path, "/~/") // a path without a slash begins at home
	return "git-upload-pack '" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(path) + "'"
}

// sendSSH sends one request, once the server has said what it can.
func (s *Store) sendSSH(ctx context.Context, repo sources.Repo, r remote, body []byte) (io.ReadCloser, error) {
	c, err := s.dialSSH(ctx, repo, r.version)
	if err != nil {
		return nil, err
	}
	version, err := c.greeting(func(string, string) {}, nil)
	if err == nil && version != r.version {
		err = &indirectError{errors.New("the server speaks another version of git's protocol")}
	}
	if err == nil {
		_, err = c.in.Write(body)
	}
	if err == nil {
		err = c.in.Close()
	}
	if err != nil {
		c.Close()
		return nil, cause(ctx, err)
	}
	return c, nil
}

// discoverSSH is discover over ssh.
func (s *Store) discoverSSH(ctx context.Context, repo sources.Repo, visit func(name, hash string)) (remote, string, error) {
	c, err := s.dialSSH(ctx, repo, 2)
	if err != nil {
		return remote{}, "", err
	}
	defer c.Close()
	var caps string
	version, err := c.greeting(visit, &caps)
	if err != nil {
		return remote{}, "", cause(ctx, err)
	}
	_, _ = io.WriteString(c.in, "0000") // nothing is wanted
	r := remote{base: repo.URL, version: version, known: true}
	s.learn(repo, r)
	return r, caps, nil
}

// greeting reads what the server says first: all its refs in version 0, what it can in version 2.
func (c *sshConn) greeting(visit func(name, hash string), caps *string) (version int, err error) {
	bounded := &io.LimitedReader{R: c.packets.r, N: maxAdvert}
	p := newPackets(bounded)
	version, found, err := readAdvert(p, visit)
	for err == nil && version == 2 {
		var k kind
		if k, _, err = p.line(); k == flush {
			break
		}
	}
	if err != nil {
		return 0, c.refusal(err)
	}
	if caps != nil {
		*caps = found
	}
	// The server is silent until it is asked, so nothing of what follows was read ahead.
	return version, nil
}

// refusal is what a server said instead of speaking git's protocol.
func (c *sshConn) refusal(err error) error {
	_ = c.client.Close()
	_ = c.session.Wait() // for its last words
	text := c.said.String()
	if text == "" || !errors.Is(err, errTruncated) {
		return err
	}
	said := &serverError{text}
	lower := strings.ToLower(text)
	for _, word := range []string{"not found", "does not exist", "not appear to be a git repository", "no such"} {
		if strings.Contains(lower, word) {
			return fmt.Errorf("%w: %w", sources.ErrNotFound, said)
		}
	}
	for _, word := range []string{"denied", "not allowed", "unauthorized", "permission"} {
		if strings.Contains(lower, word) {
			return fmt.Errorf("%w: %w", sources.ErrAuth, said)
		}
	}
	return said
}

// words keeps the first of what a server says beside the protocol.
type words struct {
	mu   sync.Mutex
	text strings.Builder
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b[:min(len(b), 1024-min(1024, w.text.Len()))])
	return len(b), nil
}

func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(w.text.String())
}
