package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/client-go/util/flowcontrol"

	"rondo.dev/rondo/reconcile/plan"
)

// client makes the calls of one identity.
type client struct {
	dynamic  dynamic.Interface
	metadata metadata.Interface
}

// clients gives out clients. They differ in a header and share one transport,
// so that a thousand applications are one connection.
type clients struct {
	config       *rest.Config
	own          client
	ownHTTP      *http.Client
	base         http.RoundTripper
	metrics      *metrics
	singleTenant bool
	version      string                // "1.36"
	lease        atomic.Pointer[lease] // nil: Lead was not called

	mu sync.Mutex
	as map[string]client // by user name
}

func newClients(ctx context.Context, o Options, m *metrics) (*clients, error) {
	config := rest.CopyConfig(o.Config)
	if config.WarningHandler == nil && config.WarningHandlerWithContext == nil {
		config.WarningHandler = rest.NoWarnings{} // deprecations are for validation to tell, once, not for every apply
	}
	shared, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	c := &clients{config: config, base: shared.Transport, metrics: m, singleTenant: o.SingleTenant, as: map[string]client{}}
	if c.base == nil {
		c.base = http.DefaultTransport
	}
	c.base = &fenced{next: c.base, lease: &c.lease}
	c.ownHTTP = &http.Client{Transport: &counting{next: c.base, identity: "rondo", metrics: m}}
	fair, err := c.greet(ctx)
	if err != nil {
		return nil, err
	}
	config.QPS, config.RateLimiter = -1, nil
	if !fair {
		// Nothing on the server keeps us from crowding others out: one bucket for
		// all identities, as kubectl has.
		config.QPS, config.RateLimiter = 0, flowcontrol.NewTokenBucketRateLimiter(50, 300)
	}
	c.own, err = c.client(c.ownHTTP)
	return c, err
}

// greet asks for the version, and learns from the answer whether the server
// runs Priority and Fairness, as cli-utils does.
func (c *clients) greet(ctx context.Context) (fair bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var version struct{ Major, Minor string }
	header, err := c.get(ctx, "version", "application/json", 1<<20, &version)
	if err != nil {
		return false, err
	}
	c.version = version.Major + "." + version.Minor
	return header.Get("X-Kubernetes-Pf-Flowschema-Uid") != "", nil
}

// get reads JSON of at most so many bytes from a path of the API server that no
// client has, as rondo itself.
func (c *clients) get(ctx context.Context, path, accept string, most int64, into any) (http.Header, error) {
	host, _, err := rest.DefaultServerUrlFor(c.config)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, host.JoinPath(path).String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	resp, err := c.ownHTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET /%s: %s", path, resp.Status)
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, resp.Body, most)).Decode(into); err != nil {
		return nil, fmt.Errorf("GET /%s: %w", path, err)
	}
	return resp.Header, nil
}

func (c *clients) client(h *http.Client) (client, error) {
	d, err := dynamic.NewForConfigAndClient(c.config, h)
	if err != nil {
		return client{}, err
	}
	m, err := metadata.NewForConfigAndClient(c.config, h)
	if err != nil {
		return client{}, err
	}
	return client{dynamic: d, metadata: m}, nil
}

// errNoAccount keeps a forgotten service account from meaning rondo's own rights.
var errNoAccount = errors.New("no service account to impersonate; name one, or set single_tenant")

// user is whom the calls for t are made as.
func user(t plan.Target) string {
	return "system:serviceaccount:" + t.Namespace + ":" + t.ServiceAccount
}

// For is the client of the application's identity. Every call about an
// application's objects goes through it.
func (c *clients) For(t plan.Target) (client, error) {
	if t.ServiceAccount == "" {
		if !c.singleTenant {
			return client{}, fmt.Errorf("%s: %w", t.App, errNoAccount)
		}
		return c.own, nil
	}
	name := user(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.as[name]; ok {
		return known, nil
	}
	made, err := c.client(&http.Client{Transport: transport.NewImpersonatingRoundTripper(
		transport.ImpersonationConfig{UserName: name},
		&counting{next: c.base, identity: "application", metrics: c.metrics})})
	if err != nil {
		return client{}, err
	}
	c.as[name] = made
	return made, nil
}

// bounded is a context for one request that goes on when ctx ends: used for
// writes, whose end must be known.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(context.WithoutCancel(ctx), requestTimeout,
		fmt.Errorf("the API server did not answer within %s", requestTimeout))
}
