package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
	outbox  prometheus.GaugeFunc
	undo    []func() bool // of what was registered
}

func newMetrics(r prometheus.Registerer, depth func(context.Context) (int, error)) (*metrics, error) {
	m := &metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rondo_ledger_seconds", Help: "Time an operation of the ledger took, the wait for its commit included.",
			Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5, 1, 5},
		}, []string{"op"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rondo_ledger_errors_total", Help: "Operations of the ledger that failed.",
		}, []string{"op"}),
		outbox: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rondo_ledger_outbox_messages", Help: "Messages waiting to be sent; NaN: the ledger cannot be read.",
		}, func() float64 {
			ctx, cancel := context.WithTimeoutCause(context.Background(), time.Second, errors.New("count the outbox for a scrape"))
			defer cancel()
			n, err := depth(ctx)
			if err != nil {
				return math.NaN()
			}
			return float64(n)
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.seconds, m.errors, m.outbox} {
		if err := r.Register(c); err != nil {
			m.unregister()
			return nil, fmt.Errorf("register metrics: %w", err)
		}
		m.undo = append(m.undo, func() bool { return r.Unregister(c) })
	}
	return m, nil
}

func (m *metrics) unregister() {
	if m == nil {
		return
	}
	for _, undo := range m.undo {
		undo()
	}
}

// observe ends the measurement of op. The wall clock is meant: it measures disks.
func (m *metrics) observe(op string, start time.Time, err *error) {
	m.seconds.WithLabelValues(op).Observe(time.Since(start).Seconds())
	if *err != nil && !errors.Is(*err, ErrNotWaiting) && !errors.Is(*err, context.Canceled) {
		m.errors.WithLabelValues(op).Inc()
	}
}
