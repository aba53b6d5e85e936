package poll

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	looks   *prometheus.CounterVec
	watched prometheus.Gauge
}

// newMetrics registers with r, unless r is nil.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		looks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rondo_poll_looks_total", Help: "Looks at refs, by what they found.",
		}, []string{"result"}),
		watched: prometheus.NewGauge(prometheus.GaugeOpts{Name: "rondo_poll_refs", Help: "Refs that are watched."}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.looks, m.watched} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
