package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/render"
)

// parallel is how many addresses are asked at once.
const parallel = 8

// pause is what lies between two tries of one address.
const pause = time.Second

// slow is the time from which an answer is worth a warning (spec 5.1.1).
const slow = time.Second

// Options of a [Prober]. The zero value asks nobody on this machine.
type Options struct {
	AllowLoopback bool // addresses of this machine may be asked, too
	UserAgent     string
	// ConnectTo is asked instead of what host names resolve to, with its own port
	// where it has one: the Ingress controller, where the public address cannot be
	// reached from inside. Empty: names are resolved.
	ConnectTo string
	// Remotes ask the same from elsewhere. A check passes when all do.
	Remotes []Remote
	Pause   time.Duration // between two tries; default 1 s
}

// Prober asks addresses.
type Prober struct{ o Options }

// New makes a Prober.
func New(o Options) *Prober {
	if o.Pause == 0 {
		o.Pause = pause
	}
	if o.UserAgent == "" {
		o.UserAgent = "rondo"
	}
	return &Prober{o}
}

// Probe asks all addresses of c at once, from here and from each of the remotes,
// each as often as it may be tried. It
// ends early, with the cause of ctx, when ctx does.
func (p *Prober) Probe(ctx context.Context, c render.Check) (health.Check, error) {
	client := p.client(c)
	defer client.CloseIdleConnections()
	out := health.Check{Passed: true, Answers: make([]health.Answer, len(c.URLs)*(1+len(p.o.Remotes)))}
	var g errgroup.Group
	g.SetLimit(parallel)
	for i := range out.Answers {
		address := c.URLs[i%len(c.URLs)]
		from, ask := "", func() (int, time.Duration, string) { return p.request(ctx, client, c, address) }
		if region := i / len(c.URLs); region > 0 {
			remote := p.o.Remotes[region-1]
			from, ask = remote.Name, func() (int, time.Duration, string) { return remote.request(ctx, c, address) }
		}
		g.Go(func() error {
			out.Answers[i] = p.try(ctx, c, health.Answer{URL: shown(address), Region: from}, ask)
			return nil
		})
	}
	_ = g.Wait() // what went wrong is in the answers
	if ctx.Err() != nil {
		return health.Check{}, context.Cause(ctx)
	}
	summarize(&out)
	return out, nil
}

// summarize says of a check what a commit status holds.
func summarize(c *health.Check) {
	var slowest time.Duration
	failed := 0
	for _, a := range c.Answers {
		slowest = max(slowest, a.Took)
		if a.Error == "" {
			continue
		}
		if failed++; failed == 1 {
			c.Passed, c.Sentence = false, a.URL+" "+a.Error
			if a.Region != "" {
				c.Sentence += ", from " + a.Region
			}
		}
	}
	switch {
	case failed > 1:
		c.Sentence += fmt.Sprintf(" (and %d more of %d)", failed-1, len(c.Answers))
	case failed == 1 && len(c.Answers) > 1:
		c.Sentence += fmt.Sprintf(" (1 of %d)", len(c.Answers))
	case failed == 1:
	case slowest > slow:
		c.Sentence = fmt.Sprintf("answers come slowly: after up to %s", slowest.Round(10*time.Millisecond))
	case len(c.Answers) == 1:
		c.Sentence = fmt.Sprintf("%s answered %d in %s", c.Answers[0].URL, c.Answers[0].Status, slowest.Round(time.Millisecond))
	default:
		c.Sentence = fmt.Sprintf("%d addresses answered, the slowest in %s", len(c.Answers), slowest.Round(time.Millisecond))
	}
}

// client is made for one check: its connections end with it.
func (p *Prober) client(c render.Check) *http.Client {
	dialer := &net.Dialer{Timeout: c.Timeout, Control: p.gate}
	return &http.Client{
		Timeout: c.Timeout, // of one request, redirects included
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, p.target(address))
			},
			TLSClientConfig:        &tls.Config{InsecureSkipVerify: !c.VerifyCertificates, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if c.MaxRedirects == 0 {
				return http.ErrUseLastResponse
			}
			if len(via) > c.MaxRedirects {
				return errRedirects
			}
			return nil
		},
	}
}

// target is where a connection to an address of a URL is really made to.
func (p *Prober) target(address string) string {
	_, port, err := net.SplitHostPort(address)
	switch _, _, own := net.SplitHostPort(p.o.ConnectTo); {
	case p.o.ConnectTo == "" || err != nil:
		return address
	case own == nil:
		return p.o.ConnectTo
	}
	return net.JoinHostPort(p.o.ConnectTo, port)
}

var (
	errRedirects = errors.New("too many redirects")
	errGate      = errors.New("its address may not be asked")
)

// gate refuses a connection by where it really leads.
func (p *Prober) gate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errGate
	}
	ip := at.Addr().Unmap()
	switch {
	case ip.IsLoopback() && p.o.AllowLoopback:
		return nil
	case ip.IsLoopback(), ip.IsUnspecified(), ip.IsMulticast(), ip.IsLinkLocalUnicast(), slices.Contains(metadata, ip):
		return errGate
	}
	return nil
}

// metadata are the addresses of metadata services outside the link-local range
// (Amazon, Alibaba, Azure and Oracle as their manuals have them).
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"),
}

// try asks until the answer passes or the tries are used up.
func (p *Prober) try(ctx context.Context, c render.Check, out health.Answer, ask func() (int, time.Duration, string)) health.Answer {
	for {
		out.Tries++
		out.Status, out.Took, out.Error = ask()
		if out.Error == "" || out.Tries > c.Retries || ctx.Err() != nil {
			return out
		}
		timer := time.NewTimer(p.o.Pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return out
		}
	}
}

// request is one GET. The body is left unread.
func (p *Prober) request(ctx context.Context, client *http.Client, c render.Check, address string) (status int, took time.Duration, fault string) {
	start := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return 0, 0, "is no http or https address"
	}
	req.URL.User = nil
	req.Header.Set("User-Agent", p.o.UserAgent)
	res, err := client.Do(req)
	if err != nil {
		return 0, time.Since(start), why(err, c)
	}
	if err := res.Body.Close(); err != nil {
		return res.StatusCode, time.Since(start), "broke off its answer"
	}
	return res.StatusCode, time.Since(start), judge(res.StatusCode, c)
}

// judge says what is wrong with a status; empty: nothing.
func judge(status int, c render.Check) string {
	for _, r := range c.Accept {
		if status >= r.From && status <= r.To {
			return ""
		}
	}
	return fmt.Sprintf("answered %d, want %s", status, ranges(c.Accept))
}

// why says in a few words why no answer came, without addresses of redirects:
// these are the answer's own, and may hold anything.
func why(err error, c render.Check) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.Is(err, errRedirects):
		return fmt.Sprintf("redirects more than %d times", c.MaxRedirects)
	case errors.Is(err, errGate):
		return "leads to an address that may not be asked: this machine's, or a metadata service's"
	case errors.As(err, &cert):
		return "has a certificate that is not valid for it"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "has no address"
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("did not answer within %s", c.Timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses connections"
	}
	return "cannot be reached"
}

func ranges(accept []render.StatusRange) string {
	var out string
	for i, r := range accept {
		if i > 0 {
			out += ", "
		}
		out += fmt.Sprint(r.From)
		if r.To != r.From {
			out += fmt.Sprintf("-%d", r.To)
		}
	}
	return out
}

// shown is an address without what may be a secret in it.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
