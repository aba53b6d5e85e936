package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// authorizer gives the token of one request and hears when it was refused.
type authorizer interface {
	token(ctx context.Context) (string, error)
	refused()
}

// transport adds the token to requests to the API's own host, and to no others:
// an http.Client follows redirects, and asks its transport for every hop.
type transport struct {
	base *url.URL
	next http.RoundTripper
	auth authorizer
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != t.base.Host || req.URL.Scheme != t.base.Scheme {
		closeBody(req)
		return nil, fmt.Errorf("the API of %s redirects to another host, which is not followed", t.base.Host)
	}
	token, err := t.auth.token(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	req = req.Clone(req.Context()) // a RoundTripper must not change its request
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := t.next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		t.auth.refused()
	}
	return resp, err
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// fileToken is the token of the file as it is now.
type fileToken struct{ c *Credentials }

func (f fileToken) token(context.Context) (string, error) { return f.c.readToken() }
func (f fileToken) refused()                              {}

// clean takes the address out of a network error: it is of no use to a reader
// and, through a proxy, may hold a password.
func clean(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
