package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rondo.dev/rondo/render"
)

// site is a real server: each path does what its name says.
func site(t *testing.T) (server *httptest.Server, hits *atomic.Int64) {
	hits = &atomic.Int64{}
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/second", func(w http.ResponseWriter, _ *http.Request) {
		if hits.Load() == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	mux.HandleFunc("/once", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/twice", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/once", http.StatusFound) })
	mux.HandleFunc("/metadata", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/", http.StatusFound)
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	})
	counted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		mux.ServeHTTP(w, r)
	})
	server = httptest.NewServer(counted)
	t.Cleanup(server.Close)
	return server, hits
}

func check(urls ...string) render.Check {
	return render.Check{URLs: urls, Accept: []render.StatusRange{{From: 200, To: 200}}, Timeout: 2 * time.Second, MaxRedirects: 3, VerifyCertificates: true}
}

func TestProbe(t *testing.T) {
	for name, tc := range map[string]struct {
		path   string
		change func(*render.Check)
		passed bool
		want   string // in the sentence
		hits   int64
	}{
		"the status is right":                        {path: "/ok", passed: true, want: "/ok answered 200 in ", hits: 1},
		"credentials and the query are not repeated": {path: "/ok?token=secret", passed: true, want: "/ok answered 200", hits: 1},
		"another status fails":                       {path: "/broken", want: "/broken answered 503, want 200", hits: 1},
		"it is tried again":                          {path: "/second", change: func(c *render.Check) { c.Retries = 2 }, passed: true, want: "answered 200", hits: 2},
		"but not for ever":                           {path: "/broken", change: func(c *render.Check) { c.Retries = 2 }, want: "answered 503", hits: 3},
		"redirects are followed":                     {path: "/twice", passed: true, want: "answered 200", hits: 3},
		"up to their number":                         {path: "/twice", change: func(c *render.Check) { c.MaxRedirects = 1 }, want: "redirects more than 1 times", hits: 2},
		"without redirects the redirect is judged": {path: "/once", change: func(c *render.Check) {
			c.MaxRedirects, c.Accept = 0, []render.StatusRange{{From: 301, To: 302}}
		}, passed: true, want: "answered 302", hits: 1},
		"ranges are named": {path: "/broken", change: func(c *render.Check) {
			c.Accept = []render.StatusRange{{From: 200, To: 200}, {From: 300, To: 399}}
		}, want: "answered 503, want 200, 300-399", hits: 1},
		"a timeout fails": {path: "/slow", change: func(c *render.Check) { c.Timeout = 50 * time.Millisecond }, want: "did not answer within 50ms", hits: 1},
	} {
		t.Run(name, func(t *testing.T) {
			server, hits := site(t)
			c := check(strings.Replace(server.URL, "http://", "http://user:password@", 1) + tc.path)
			if tc.change != nil {
				tc.change(&c)
			}
			got, err := New(Options{AllowLoopback: true, Pause: time.Millisecond}).Probe(t.Context(), c)
			if err != nil || got.Passed != tc.passed || !strings.Contains(got.Sentence, tc.want) || hits.Load() != tc.hits {
				t.Errorf("got %+v, %v, after %d requests", got, err, hits.Load())
			}
			if text := fmt.Sprintf("%+v", got); strings.Contains(text, "password") || strings.Contains(text, "secret") {
				t.Errorf("repeats a secret: %s", text)
			}
		})
	}
}

func TestCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ErrorLog = nil
	defer server.Close()
	c := check(server.URL + "/")
	p := New(Options{AllowLoopback: true})
	if got, err := p.Probe(t.Context(), c); err != nil || got.Passed || !strings.Contains(got.Sentence, "certificate") {
		t.Errorf("verified: %+v, %v", got, err)
	}
	c.VerifyCertificates = false
	if got, err := p.Probe(t.Context(), c); err != nil || !got.Passed {
		t.Errorf("not verified: %+v, %v", got, err)
	}
}

// Threats T14: no address of the repository's choice leads into this machine or
// to a metadata service.
func TestT14_AddressesOfThisMachineAreNotAsked(t *testing.T) {
	server, hits := site(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	closed := New(Options{})
	for _, host := range []string{"127.0.0.1", "localhost", "127.1.2.3", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		got, err := closed.Probe(t.Context(), check("http://"+host+":"+port+"/ok"))
		if err != nil || got.Passed || got.Answers[0].Status != 0 {
			t.Errorf("%s: got %+v, %v", host, got, err)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests came through", hits.Load())
	}
	open := New(Options{AllowLoopback: true})
	for _, url := range []string{server.URL + "/metadata", "http://169.254.169.254/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://100.100.100.200/", "ftp://example.org/", "file:///etc/passwd"} {
		got, err := open.Probe(t.Context(), check(url))
		if err != nil || got.Passed || !strings.Contains(got.Sentence, "may not be asked") && !strings.Contains(got.Sentence, "no http") {
			t.Errorf("%s: got %+v, %v", url, got, err)
		}
	}
}

func TestConnectTo(t *testing.T) {
	server, _ := site(t)
	at := strings.TrimPrefix(server.URL, "http://")
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	for to, url := range map[string]string{at: "http://shop.example.org/ok", host: "http://shop.example.org:" + port + "/ok"} {
		got, err := New(Options{AllowLoopback: true, ConnectTo: to}).Probe(t.Context(), check(url))
		if err != nil || !got.Passed || !strings.HasPrefix(got.Sentence, url) {
			t.Errorf("%s by way of %s: got %+v, %v", url, to, got, err)
		}
	}
	if got, err := New(Options{ConnectTo: at}).Probe(t.Context(), check("http://shop.example.org/ok")); err != nil || got.Passed {
		t.Errorf("the gate is passed by: %+v, %v", got, err)
	}
}

func TestSeveralAddresses(t *testing.T) {
	server, _ := site(t)
	p := New(Options{AllowLoopback: true})
	got, err := p.Probe(t.Context(), check(server.URL+"/ok", server.URL+"/once"))
	if err != nil || !got.Passed || !strings.HasPrefix(got.Sentence, "2 addresses answered") {
		t.Errorf("got %+v, %v", got, err)
	}
	got, err = p.Probe(t.Context(), check(server.URL+"/broken", server.URL+"/ok", server.URL+"/broken"))
	if err != nil || got.Passed || !strings.HasSuffix(got.Sentence, "/broken answered 503, want 200 (and 1 more of 3)") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	server, _ := site(t)
	stop := errors.New("superseded")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
	c := check(server.URL + "/slow")
	c.Retries, c.Timeout = 5, 10*time.Second
	if _, err := New(Options{AllowLoopback: true}).Probe(ctx, c); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}

// Every region has to pass, and each has the same order from us.
func TestRemotesAskToo(t *testing.T) {
	page, _ := site(t)
	for name, tc := range map[string]struct {
		answer        string // of the checker
		status        int
		passed        bool
		sentence      string
		fromElsewhere int
	}{
		"passes":                {`{"status": 200, "milliseconds": 140}`, 200, true, "2 addresses answered, the slowest in 140ms", 200},
		"is slow":               {`{"status": 200, "milliseconds": 1500}`, 200, true, "answers come slowly: after up to 1.5s", 200},
		"has another answer":    {`{"status": 503}`, 200, false, "/ok answered 503, want 200, from eu (1 of 2)", 503},
		"cannot reach it":       {`{"error": "no\nroute"}`, 200, false, "/ok no route, from eu (1 of 2)", 0},
		"is broken":             {``, 500, false, "/ok the checker answered 500, from eu (1 of 2)", 0},
		"speaks something else": {`<html>`, 200, false, "/ok the checker's answer is not understood, from eu (1 of 2)", 0},
	} {
		t.Run(name, func(t *testing.T) {
			orders := make(chan string, 1)
			checker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order, err := io.ReadAll(r.Body)
				if err != nil || r.Method != http.MethodPost {
					t.Errorf("%s: %v", r.Method, err)
				}
				orders <- string(order)
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.answer)
			}))
			defer checker.Close()
			p := New(Options{AllowLoopback: true, Remotes: []Remote{{Name: "eu", URL: checker.URL}}})
			got, err := p.Probe(t.Context(), check(page.URL+"/ok"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Passed != tc.passed || !strings.HasSuffix(got.Sentence, tc.sentence) {
				t.Errorf("passed %t: %q", got.Passed, got.Sentence)
			}
			if len(got.Answers) != 2 || got.Answers[0].Region != "" || got.Answers[1].Region != "eu" || got.Answers[1].Status != tc.fromElsewhere {
				t.Errorf("answers: %+v", got.Answers)
			}
			if want := `{"redirects_to_follow":3,"timeout":2,"url":"` + page.URL + `/ok","verify_certs":true}`; <-orders != want {
				t.Errorf("the checker was not told %s", want)
			}
		})
	}
}
