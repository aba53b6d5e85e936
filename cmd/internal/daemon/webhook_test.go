package daemon_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"rondo.dev/rondo/cmd/internal/daemontest"
	"rondo.dev/rondo/reconcile"
)

// TestT09_MalformedEventsAreAnswered: signed, as by a forge that has gone mad,
// and unsigned.
func TestT09_MalformedEventsAreAnswered(t *testing.T) {
	w := newWorld(t, settings{})
	const repository = `"repository":{"full_name":"a/b","clone_url":"https://example.org/a/b.git"}`
	for _, event := range []string{"push", "pull_request", "merge_group", "ping", "installation", ""} {
		for _, body := range []string{
			"", "null", "0", `""`, "[]", "[[]]", "{}", "{", `{"repository":null}`, `{"repository":[]}`, `{"repository":{}}`,
			`{"repository":{"full_name":null,"clone_url":null}}`, `{"repository":{"full_name":1,"clone_url":[]}}`,
			`{` + repository + `}`, `{` + repository + `,"ref":null}`, `{` + repository + `,"ref":[],"commits":null}`,
			`{` + repository + `,"ref":"refs/"}`, `{` + repository + `,"ref":"refs/heads/../../x"}`,
			`{` + repository + `,"number":1,"pull_request":null}`, `{` + repository + `,"number":-1,"pull_request":{}}`,
			`{` + repository + `,"number":1e99,"pull_request":[]}`, `{` + repository + `,"merge_group":{}}`,
			`{` + repository + `,"merge_group":[null]}`, strings.Repeat("[", 100_000), strings.Repeat(`{"repository":`, 20_000),
		} {
			code, err := daemontest.Deliver(t.Context(), w.URL(), event, rand.Text(), []byte(body), daemontest.WebhookSecret)
			if code != http.StatusOK && code != http.StatusAccepted && code != http.StatusBadRequest {
				t.Errorf("%s %.60s: %d %v", event, body, code, err)
			}
			if code, err := daemontest.Deliver(t.Context(), w.URL(), event, rand.Text(), []byte(body), "another"); code != http.StatusUnauthorized {
				t.Errorf("%s %.60s, wrongly signed: %d %v", event, body, code, err)
			}
		}
	}
	if log := w.log.String(); strings.Contains(log, "panic") {
		t.Errorf("a handler panicked:\n%s", log)
	}
	w.settles(w.push(manifest(ten)), reconcile.Live)
}

// body is a push to acme/<app> as GitHub would send it, with more in it.
func (w *world) body(before, after string, more map[string]any) []byte {
	w.t.Helper()
	repository := map[string]any{"id": 1, "name": w.app, "full_name": w.repo.Name(), "clone_url": w.repo.URL() + ".git"}
	all := map[string]any{"ref": "refs/heads/main", "before": before, "after": after, "repository": repository}
	for key, value := range more {
		if inner, ok := value.(map[string]any); ok && key == "repository" {
			for key, value := range inner {
				repository[key] = value
			}
			continue
		}
		all[key] = value
	}
	raw, err := json.Marshal(all)
	if err != nil {
		w.t.Fatal(err)
	}
	return raw
}

// TestWebhookBodiesThatAreNotGitHubs are answered through the daemon's public
// listener; the next good delivery is taken.
func TestWebhookBodiesThatAreNotGitHubs(t *testing.T) {
	w := newWorld(t, settings{})
	commit := w.commit(manifest(ten))
	good := w.body("", commit, nil)
	strange := w.body("", commit, map[string]any{"repository": map[string]any{"full_name": "acme/strange", "clone_url": w.Git.URL() + "/acme/strange.git"}})
	signed := func(body []byte, secret string) string { return daemontest.Sign(body, secret) }
	for _, tc := range []struct {
		name   string
		event  string
		body   []byte
		header string // X-Hub-Signature-256; empty: none
		want   string
	}{
		{"unsigned", "push", good, "", "401 the header X-Hub-Signature-256 is missing; set a secret on the webhook"},
		{"signed with another secret", "push", good, signed(good, "another-secret-of-somebody"), "401 the signature does not match; is the secret the same on both sides?"},
		{"signed for another body", "push", good, signed(good[1:], daemontest.WebhookSecret), "401 the signature does not match; is the secret the same on both sides?"},
		{"a SHA-1 signature", "push", good, "sha1=" + strings.Repeat("ab", 20), "401 the header X-Hub-Signature-256 is malformed"},
		{"truncated, but signed", "push", good[:len(good)/2], signed(good[:len(good)/2], daemontest.WebhookSecret), "400 the push event is not a JSON object"},
		{"a list", "push", []byte("[]"), signed([]byte("[]"), daemontest.WebhookSecret), "400 the push event is not a JSON object"},
		{"nothing", "push", nil, signed(nil, daemontest.WebhookSecret), "400 the push event is not a JSON object"},
		{"a repository that nobody follows", "push", strange, signed(strange, daemontest.WebhookSecret), "202 ignored: no application follows " + w.Git.URL() + "/acme/strange"},
		{"a ping", "ping", []byte(`{"zen":"Keep it logically awesome."}`), signed([]byte(`{"zen":"Keep it logically awesome."}`), daemontest.WebhookSecret), "200 pong"},
		{"an event that is not needed", "star", []byte(`{}`), signed([]byte(`{}`), daemontest.WebhookSecret), "202 ignored: rondo does not need this event"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL()+"/hooks/github", bytes.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-GitHub-Event", tc.event)
			req.Header.Set("X-GitHub-Delivery", rand.Text())
			if tc.header != "" {
				req.Header.Set("X-Hub-Signature-256", tc.header)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%d %s", res.StatusCode, strings.TrimSpace(string(text))); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
	t.Run("cut off by the network", func(t *testing.T) {
		conn, err := net.Dial("tcp", w.Daemon().Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: a\r\n"+
			"X-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n%s", signed(good, daemontest.WebhookSecret), len(good), good[:20])
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		conn.Close()
		if err != nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%v %v", res, err)
		}
	})
	if state := w.state(); state.Seen != "" {
		t.Errorf("a body that is no delivery was acted on: %+v", state)
	}
	if _, err := w.Hook(t.Context(), w.URL(), w.repo, "main", "", commit); err != nil {
		t.Fatal(err)
	}
	w.settles(commit, reconcile.Live)
}
