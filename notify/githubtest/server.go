package githubtest

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options of a [Server]. The zero value answers anybody who brings a token,
// knows no App, and does not validate.
type Options struct {
	// Validate checks against GitHub's API description, which needs npm once.
	Validate bool
	// Token is the only personal token accepted; empty: any.
	Token string
	// AppID and AppKey are those of the one App known; a nil AppKey: none.
	AppID  int64
	AppKey *rsa.PublicKey
	// OnStatus is called with each status, in the order they arrive, before the
	// receipt is sent; nil: nobody is told.
	OnStatus func(Status)
	Now      func() time.Time // nil: time.Now
	Out      io.Writer        // told what is fetched; nil: os.Stderr
}

// Status is a commit status as it was received.
type Status struct {
	ID          int64
	Repo        string // "acme/shop"
	Commit      string
	Context     string
	State       string
	Description string
	TargetURL   string
	Created     time.Time
}

// Server is a stand-in for api.github.com. Its methods may be called at any
// time from any goroutine.
type Server struct {
	o           Options
	http        *httptest.Server
	description *description // nil: not validated
	closing     chan struct{}

	mu       sync.Mutex
	statuses []Status
	calls    []string
	faults   []*Fault
	problems []error
	apps     apps
}

// Start serves on a loopback port until Close.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Out == nil {
		o.Out = os.Stderr
	}
	s := &Server{o: o, closing: make(chan struct{})}
	s.apps.init()
	s.http = httptest.NewUnstartedServer(s)
	if o.Validate {
		f, err := Fetch(ctx, o.Out)
		if err != nil {
			s.http.Listener.Close()
			return nil, err
		}
		s.description, err = describe(f.Description)
		if err != nil {
			s.http.Listener.Close()
			return nil, err
		}
	}
	s.http.Start()
	return s, nil
}

// New starts a validating server for a test and ends it with the test, which
// fails when a call was unexpected or invalid.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	o.Validate, o.Out = true, t.Output()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		for _, err := range s.Problems() {
			t.Error(err)
		}
	})
	return s
}

// URL is the base address of the API, with a trailing slash.
func (s *Server) URL() string { return s.http.URL + "/" }

// Client is an HTTP client whose connections Close closes.
func (s *Server) Client() *http.Client { return s.http.Client() }

// Close ends the calls that hang and frees the port.
func (s *Server) Close() {
	close(s.closing)
	s.http.Close()
}

// Statuses are all statuses received so far, oldest first.
func (s *Server) Statuses() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Status(nil), s.statuses...)
}

// Calls are all calls so far, those hit by a fault too: "POST /repos/…".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.calls...)
}

// Problems are the calls that GitHub would not have understood.
func (s *Server) Problems() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]error(nil), s.problems...)
}

func (s *Server) problem(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, err)
}

// answer is what a call is answered with.
type answer struct {
	code   int
	header http.Header
	body   []byte
}

func ok(code int, v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return refuse(http.StatusInternalServerError, err.Error())
	}
	return answer{code: code, body: body}
}

func refuse(code int, message string) answer {
	body, _ := json.Marshal(map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest"})
	return answer{code: code, body: body}
}

// ServeHTTP records the call, lets a fault take it, or validates and answers it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	fault, hit := s.fault(r)
	switch {
	case hit && fault.Hang:
		select {
		case <-r.Context().Done():
		case <-s.closing:
		}
		return
	case hit && fault.Status != 0:
		write(w, answer{code: fault.Status, header: fault.Header, body: []byte(fault.Body)})
		return
	}
	a := s.validated(r)
	if hit && fault.Drop {
		if err := drop(w); err != nil {
			s.problem(err)
		}
		return
	}
	write(w, a)
}

func (s *Server) validated(r *http.Request) answer {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return refuse(http.StatusBadRequest, "unreadable body")
	}
	bad := func(err error) answer {
		s.problem(fmt.Errorf("%s %s %s", r.Method, r.URL.Path, err))
		return refuse(http.StatusUnprocessableEntity, err.Error())
	}
	if s.description == nil {
		return s.route(r, body, bad)
	}
	in, err := s.description.request(r, body)
	if err != nil {
		return bad(err)
	}
	a := s.route(r, body, bad)
	if err := s.description.response(in, withType(a)); err != nil {
		s.problem(fmt.Errorf("the stand-in answers %s %s wrongly: %w", r.Method, r.URL.Path, err))
	}
	return a
}

// route is the table of calls.
func (s *Server) route(r *http.Request, body []byte, bad func(error) answer) answer {
	if r.UserAgent() == "" {
		return bad(errors.New("has no User-Agent, which GitHub refuses"))
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var repo string
	if len(parts) > 3 && parts[0] == "repos" {
		repo, parts = parts[1]+"/"+parts[2], parts[3:]
	}
	switch {
	case repo != "" && r.Method == "POST" && len(parts) == 2 && parts[0] == "statuses":
		return s.createStatus(r, repo, parts[1], body, bad)
	case repo != "" && r.Method == "GET" && len(parts) == 3 && parts[0] == "commits" && parts[2] == "statuses":
		return s.listStatuses(r, repo, parts[1])
	case repo != "" && r.Method == "GET" && len(parts) == 1 && parts[0] == "installation":
		return s.installation(r, repo)
	case repo == "" && r.Method == "POST" && len(parts) == 4 && parts[0] == "app" && parts[3] == "access_tokens":
		return s.accessToken(r, parts[2])
	default:
		return bad(errors.New("is not a call that is answered here"))
	}
}

func withType(a answer) answer {
	header := a.header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	header.Set("Content-Type", "application/json; charset=utf-8")
	a.header = header
	return a
}

func write(w http.ResponseWriter, a answer) {
	for name, values := range withType(a).header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.code)
	_, _ = io.Copy(w, bytes.NewReader(a.body)) // the client may have gone
}

// drop closes the connection without an answer.
func drop(w http.ResponseWriter) error {
	hijacker, is := w.(http.Hijacker)
	if !is {
		return errors.New("this connection cannot be dropped")
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		return err
	}
	if tcp, is := conn.(*net.TCPConn); is {
		_ = tcp.SetLinger(0) // the client sees a reset, not a polite end
	}
	return conn.Close()
}
