// Package client is the daemon's API as programs see it: the shapes that
// travel, and an HTTP client for them. The daemon answers in these types and
// the terminal asks in them, so the two cannot drift apart.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rondo.dev/rondo/reconcile"
	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/score"
)

// App is one application as GET /api/v1/apps shows it.
type App struct {
	Name        string               `json:"name"`
	Repository  string               `json:"repository"`
	Ref         string               `json:"ref"`
	Environment string               `json:"environment"`
	Namespace   string               `json:"namespace"`
	Condition   reconcile.Condition  `json:"condition"` // empty: not deployed yet
	Sentence    string               `json:"sentence,omitempty"`
	Live        string               `json:"live,omitempty"`    // revision; empty: none yet
	Applied     string               `json:"applied,omitempty"` // what the loop holds
	Seen        string               `json:"seen,omitempty"`    // newest revision answered
	Score       string               `json:"score,omitempty"`
	Health      string               `json:"health,omitempty"`  // now, in one sentence
	Trouble     string               `json:"trouble,omitempty"` // why the remote could not be asked
	Invalid     string               `json:"invalid,omitempty"` // why its entry in rondo.yaml is refused
	Paused      *reconcile.Pause     `json:"paused,omitempty"`
	Drifted     []string             `json:"drifted,omitempty"` // objects that are not as applied, and not put back yet
	Orphaned    bool                 `json:"orphaned,omitempty"`
	Kept        map[string]time.Time `json:"kept,omitempty"` // data that left git, since when
	Changed     time.Time            `json:"changed,omitzero"`
	Pass        int64                `json:"pass,omitempty"`
}

// Detail is one application with what its newest pass saw.
type Detail struct {
	App
	Report *health.Report    `json:"report,omitempty"`
	Newest *reconcile.Result `json:"newest,omitempty"`
	Graded *score.Score      `json:"graded,omitempty"`
}

// Action is the body of a POST to an application.
type Action struct {
	AllowPrune bool   `json:"allow_prune,omitempty"` // sync
	Refresh    bool   `json:"refresh,omitempty"`     // sync: render again
	Confirm    string `json:"confirm,omitempty"`     // remove: the application's name
}

// Answer is what a POST gives back, and the body of every error.
type Answer struct {
	Message string `json:"message"`
}

// Client speaks to one daemon. Token may be empty for a daemon on loopback
// that asks for none.
type Client struct {
	Server string // "https://rondo.example.org"
	Token  string
	HTTP   *http.Client // nil: a client with a timeout of 30 s
}

// Apps lists all applications by name.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	var out []App
	return out, c.do(ctx, http.MethodGet, "/api/v1/apps", nil, &out)
}

// App gives one application.
func (c *Client) App(ctx context.Context, name string) (Detail, error) {
	var out Detail
	return out, c.do(ctx, http.MethodGet, "/api/v1/apps/"+url.PathEscape(name), nil, &out)
}

// Do carries out an action: sync, pause, resume, remove.
func (c *Client) Do(ctx context.Context, name, action string, a Action) (Answer, error) {
	var out Answer
	return out, c.do(ctx, http.MethodPost, "/api/v1/apps/"+url.PathEscape(name)+"/"+action, a, &out)
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

func (c *Client) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.Server, "/")+path, body)
	if err != nil || req.URL.Host == "" || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return errors.New("the server's address is no http or https address; set it with --server or RONDO_SERVER")
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	client := c.HTTP
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	res, err := client.Do(req)
	if err != nil {
		var failed *url.Error // its text has the address, and in it perhaps a password
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return fmt.Errorf("no daemon answers at %s://%s: %w; set its address with --server or RONDO_SERVER", req.URL.Scheme, req.URL.Host, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	if res.StatusCode >= 300 {
		var answer Answer
		if json.Unmarshal(raw, &answer) == nil && answer.Message != "" {
			return errors.New(answer.Message)
		}
		return fmt.Errorf("the daemon answered %s", res.Status)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("the daemon's answer is no JSON: %w", err)
	}
	return nil
}
