package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"rondo.dev/rondo/sources"
)

// Path is where GitHub delivers to.
const Path = "/hooks/github"

// DefaultMaxBody is the largest delivery that GitHub makes
// (https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap).
const DefaultMaxBody = 25 << 20

// Delivery is what is kept of one delivery.
type Delivery struct {
	ID          string // X-GitHub-Delivery
	Forge       string // "github"
	Event       string // push, pull_request or merge_group
	Repo        sources.Repo
	Ref         string // short
	PullRequest int    // 0: none
	Received    time.Time
}

// Options of [New]. Secret, Deliver, Known and Emit must be set.
type Options struct {
	Secret []byte
	// Deliver commits d before it returns. It is not fresh when a delivery with
	// its id was committed before. On an error nothing is known to be stored,
	// and the sender is asked to try again.
	Deliver func(ctx context.Context, d Delivery) (fresh bool, err error)
	// Known gives the repository as rondo.yaml spells it, so that an address
	// that differs in case is found; false when no application follows it.
	Known func(repo sources.Repo) (sources.Repo, bool)
	// Emit passes the Signal of a committed delivery on, without waiting.
	Emit func(ctx context.Context, s sources.Signal)

	MaxBody     int64         // bytes; 0: DefaultMaxBody
	ReadTimeout time.Duration // of one body; 0: 10 s
	Now         func() time.Time
	Logger      *slog.Logger
	Registerer  prometheus.Registerer // nil: not measured
}

// Handler answers deliveries.
type Handler struct {
	o       Options
	places  *semaphore.Weighted // bodies in flight
	large   *semaphore.Weighted // bytes of bodies above smallBody
	decode  func(event string, body []byte, contentType string) (event, error)
	metrics *metrics
}

// New refuses to serve without a secret: an open webhook would let anybody
// make rondo look at its repositories all day.
func New(o Options) (*Handler, error) {
	switch {
	case len(strings.TrimSpace(string(o.Secret))) == 0:
		return nil, errors.New("the webhook secret is empty")
	case o.Deliver == nil || o.Known == nil || o.Emit == nil:
		return nil, errors.New("webhook: Deliver, Known and Emit must be set")
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	return &Handler{
		o: o, decode: decode, metrics: m,
		places: semaphore.NewWeighted(maxBodies), large: semaphore.NewWeighted(o.MaxBody + 1),
	}, nil
}

// Register adds the route.
func (h *Handler) Register(e *echo.Echo) { e.POST(Path, h.serve) }

// answer is what the sender is told.
type answer struct {
	code    int
	outcome string // for the metrics
	text    string
}

func (h *Handler) serve(c echo.Context) error {
	name := c.Request().Header.Get("X-GitHub-Event")
	a := h.handle(c, name)
	h.metrics.count(name, a.outcome)
	h.o.Logger.Debug("webhook answered", "delivery", short(c.Request().Header.Get("X-GitHub-Delivery")),
		"event", short(name), "code", a.code, "answer", a.text)
	if a.code == http.StatusServiceUnavailable {
		c.Response().Header().Set("Retry-After", "10")
	}
	return c.String(a.code, a.text+"\n")
}

// handle reads from top to bottom as it happens.
func (h *Handler) handle(c echo.Context, name string) answer {
	r := c.Request()
	// On the kernel's clock. It also bounds what the server itself does with a
	// body that was not read to its end.
	if err := http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(h.o.ReadTimeout)); err != nil {
		return hangUp(c, answer{http.StatusInternalServerError, "unreadable", "this server cannot limit the time of a body"})
	}
	want, err := signature(r.Header)
	if err != nil {
		return hangUp(c, answer{http.StatusUnauthorized, "refused", err.Error()})
	}
	body, release, refusal := h.read(r)
	if refusal != nil {
		return hangUp(c, *refusal)
	}
	defer release()
	if !want.matches(h.o.Secret, body) {
		return answer{http.StatusUnauthorized, "refused", "the signature does not match; is the secret the same on both sides?"}
	}
	id := r.Header.Get("X-GitHub-Delivery")
	if !validID(id) {
		return answer{http.StatusBadRequest, "malformed", "the header X-GitHub-Delivery is missing or malformed"}
	}
	if !followed(name) {
		return answer{http.StatusAccepted, "ignored", "ignored: rondo does not need this event"}
	}
	event, err := h.decode(name, body, r.Header.Get("Content-Type"))
	if err != nil {
		return answer{http.StatusBadRequest, "malformed", err.Error()}
	}
	return h.accept(r.Context(), id, event)
}

// hangUp answers without waiting for the rest of the body.
func hangUp(c echo.Context, a answer) answer {
	c.Response().Header().Set("Connection", "close")
	return a
}

// accept commits an understood event and passes it on.
func (h *Handler) accept(ctx context.Context, id string, e event) answer {
	repo, known := e.repo, false
	if repo.URL != "" {
		repo, known = h.o.Known(e.repo)
	}
	switch {
	case e.name == "ping" && (known || e.repo.URL == ""):
		return answer{http.StatusOK, "ping", "pong"}
	case e.name == "ping":
		return answer{http.StatusOK, "ping", fmt.Sprintf("pong; but no application follows %s", e.repo)}
	case !known:
		return answer{http.StatusAccepted, "unknown", fmt.Sprintf("ignored: no application follows %s", e.repo)}
	case e.ignored != "":
		return answer{http.StatusAccepted, "ignored", "ignored: " + e.ignored}
	}
	fresh, err := h.o.Deliver(ctx, Delivery{
		ID: id, Forge: "github", Event: e.name, Repo: repo, Ref: e.ref, PullRequest: e.pullRequest, Received: h.o.Now().UTC(),
	})
	if err != nil {
		h.o.Logger.Error("delivery not stored", "delivery", id, "err", err)
		return answer{http.StatusServiceUnavailable, "not_stored", "not stored; deliver it again"}
	}
	if !fresh {
		return answer{http.StatusAccepted, "duplicate", "duplicate: this delivery was accepted before"}
	}
	h.o.Emit(ctx, sources.Signal{Repo: repo, Ref: e.ref, PullRequest: e.pullRequest, Delivery: id})
	return answer{http.StatusAccepted, "accepted", fmt.Sprintf("accepted: will look at %s of %s", e.ref, repo)}
}

// validID accepts what GitHub sends, a GUID, and what its kin send.
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	})
}

// short keeps a header of a stranger from filling the log.
func short(s string) string { return s[:min(len(s), 64)] }
