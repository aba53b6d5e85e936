package git

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	fetches  *prometheus.CounterVec
	seconds  prometheus.Histogram
	bytes    prometheus.Counter
	resolves *prometheus.CounterVec
}

// newMetrics registers with r, unless r is nil.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rondo_git_fetches_total", Help: "Fetches and clones, by how they ended.",
		}, []string{"result"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rondo_git_fetch_seconds", Help: "Time a fetch or clone took, successful or not.",
			Buckets: []float64{.01, .03, .1, .3, 1, 3, 10, 30, 100, 300, 1000},
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rondo_git_fetched_bytes_total", Help: "Bytes of packs received.",
		}),
		resolves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rondo_git_resolves_total", Help: "Questions what a ref is now, by answer.",
		}, []string{"result"}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.fetches, m.seconds, m.bytes, m.resolves} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
