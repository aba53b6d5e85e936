package gittest

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Server serves the repositories below one folder. Its methods may be called from several goroutines.
type Server struct {
	dir  string
	git  string // path of the git program
	url  string
	http *http.Server
	done chan struct{}
	// fatal ends the test; where there is no test, it panics.
	fatal func(error)

	requests, received, sent atomic.Int64

	mu        sync.Mutex
	repos     map[string]*Repo
	intercept func(http.ResponseWriter, *http.Request) bool
	user      string
	token     string
}

// Start serves the repositories in dir, which may be empty, until Close. It is for the demo; tests call New.
func Start(dir string) (*Server, error) {
	return listen(dir, func(err error) { panic(err) })
}

// New serves repositories in a temporary folder until the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := listen(t.TempDir(), func(err error) {
		t.Helper()
		t.Fatal(err)
	})
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

func listen(dir string, fatal func(error)) (*Server, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, fmt.Errorf("start a git server: %w; install git", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a git server: %w", err)
	}
	s := &Server{
		dir: dir, git: git, url: "http://" + l.Addr().String(), fatal: fatal,
		done: make(chan struct{}), repos: map[string]*Repo{},
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(counted{l, s}) // always ErrServerClosed, after Close
	}()
	return s, nil
}

// Close ends running requests and stops listening. The repositories stay where they are.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	return err
}

// URL is the address of the server, without a slash at its end.
func (s *Server) URL() string { return s.url }

// RequireAuth makes every request need basic authentication with user and token from now on. An empty token ends it.
func (s *Server) RequireAuth(user, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user, s.token = user, token
}

// Intercept hands every request to f first, before authentication is checked; if f returns true, it has answered. Nil
// ends it. A handler that blocks must watch the request's context.
func (s *Server) Intercept(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Traffic is what clients have cost so far, headers included.
type Traffic struct {
	Requests int64
	Received int64 // bytes that clients sent
	Sent     int64 // bytes that clients were sent
}

// Sub is what was added since an earlier reading.
func (t Traffic) Sub(earlier Traffic) Traffic {
	return Traffic{t.Requests - earlier.Requests, t.Received - earlier.Received, t.Sent - earlier.Sent}
}

// Traffic reads the counters. A request counts when it begins, a byte when it passes the socket.
func (s *Server) Traffic() Traffic {
	return Traffic{s.requests.Load(), s.received.Load(), s.sent.Load()}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	s.mu.Lock()
	intercept, user, token := s.intercept, s.user, s.token
	s.mu.Unlock()

	if intercept != nil && intercept(w, r) {
		return
	}
	if token != "" {
		u, p, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(u+":"+p), []byte(user+":"+token)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="gittest"`)
			http.Error(w, "authentication required", http.StatusUnauthorized)
			return
		}
	}
	if len(r.TransferEncoding) > 0 { // a large push; CGI wants to know the length
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "truncated body", http.StatusBadRequest)
			return
		}
		r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	}
	backend := &cgi.Handler{
		Path:   s.git,
		Args:   []string{"http-backend"},
		Dir:    s.dir,
		Env:    append(s.env(), "GIT_PROJECT_ROOT="+s.dir, "GIT_HTTP_EXPORT_ALL=1"),
		Stderr: io.Discard,
	}
	if repo := s.pushTo(r); repo != nil {
		repo.watchPush(func() { backend.ServeHTTP(w, r) })
		return
	}
	backend.ServeHTTP(w, r)
}

// pushTo is the repository that r pushes to, if somebody wants to know.
func (s *Server) pushTo(r *http.Request) *Repo {
	name, ok := strings.CutSuffix(r.URL.Path, "/git-receive-pack")
	if !ok || r.Method != http.MethodPost {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	repo := s.repos[strings.TrimSuffix(strings.Trim(name, "/"), ".git")]
	if repo == nil || repo.onPush == nil {
		return nil
	}
	return repo
}

// env keeps the user's and the machine's git configuration out, and the dates fixed.
func (s *Server) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_AUTHOR_NAME=" + authorName, "GIT_AUTHOR_EMAIL=" + authorEmail,
		"GIT_COMMITTER_NAME=" + authorName, "GIT_COMMITTER_EMAIL=" + authorEmail,
	}
}

// run calls git in dir and returns what it printed, without the last newline.
func (s *Server) run(dir string, stdin []byte, args ...string) (string, error) {
	out, err := s.output(dir, stdin, args...)
	return strings.TrimSuffix(string(out), "\n"), err
}

func (s *Server) output(dir string, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(context.Background(), s.git, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, s.env(), bytes.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
		}
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return out, nil
}

// counted counts the bytes of every connection.
type counted struct {
	net.Listener
	s *Server
}

func (l counted) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c, l.s}, nil
}

type countedConn struct {
	net.Conn
	s *Server
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.s.received.Add(int64(n))
	return n, err
}

// Write counts before it writes: a client that has the bytes may read the counter at once.
func (c countedConn) Write(p []byte) (int, error) {
	c.s.sent.Add(int64(len(p)))
	n, err := c.Conn.Write(p)
	c.s.sent.Add(int64(n - len(p)))
	return n, err
}
