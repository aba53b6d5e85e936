package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

const (
	smallBody = 64 << 10 // bytes that a place includes
	maxBodies = 256      // places
)

// read gives the whole body, and release to call when it is no longer used.
func (h *Handler) read(r *http.Request) (body []byte, release func(), refusal *answer) {
	if r.ContentLength > h.o.MaxBody {
		return nil, nil, h.tooLarge()
	}
	if !h.places.TryAcquire(1) {
		return nil, nil, &answer{http.StatusServiceUnavailable, "busy", "too many deliveries at once; deliver it again"}
	}
	// The connection's deadline ends a read that hangs; ctx a wait for budget.
	ctx, cancel := context.WithTimeout(r.Context(), h.o.ReadTimeout)
	defer cancel()
	body, budget, err := h.readAll(ctx, r)
	release = func() { h.large.Release(budget); h.places.Release(1) }
	if err == nil {
		return body, release, nil
	}
	release()
	switch {
	case errors.Is(err, errTooLarge):
		return nil, nil, h.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil, &answer{http.StatusRequestTimeout, "slow", fmt.Sprintf("the body did not arrive in %s", h.o.ReadTimeout)}
	case errors.Is(err, errBusy):
		return nil, nil, &answer{http.StatusServiceUnavailable, "busy", "too many large deliveries at once; deliver it again"}
	default:
		return nil, nil, &answer{http.StatusBadRequest, "unreadable", "the body is truncated or cannot be read"}
	}
}

var (
	errTooLarge = errors.New("too large")
	errBusy     = errors.New("no budget for a large body")
)

// readAll reads up to MaxBody bytes. budget is what it took of h.large, also on
// an error.
func (h *Handler) readAll(ctx context.Context, r *http.Request) (body []byte, budget int64, err error) {
	size := r.ContentLength // -1: chunked
	first := make([]byte, smallBody)
	if 0 <= size && size < smallBody {
		first = first[:size]
	}
	n, err := io.ReadFull(r.Body, first)
	switch {
	case size < 0 && (err == io.EOF || err == io.ErrUnexpectedEOF):
		return first[:n], 0, nil
	case err != nil:
		return nil, 0, err
	case size == int64(n):
		return first, 0, nil
	}
	budget = size
	if size < 0 {
		budget = h.o.MaxBody + 1 // one more tells that it is too large
	}
	if h.large.Acquire(ctx, budget) != nil {
		return nil, 0, errBusy
	}
	body = make([]byte, budget)
	copy(body, first)
	rest, err := io.ReadFull(r.Body, body[n:])
	switch n += rest; {
	case size >= 0:
		return body, budget, err
	case err == nil:
		return nil, budget, errTooLarge
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return body[:n], budget, nil
	default:
		return nil, budget, err
	}
}

func (h *Handler) tooLarge() *answer {
	return &answer{http.StatusRequestEntityTooLarge, "too_large",
		fmt.Sprintf("the body is larger than %d MiB", h.o.MaxBody>>20)}
}
