package poll

import "github.com/prometheus/client_golang/prometheus"

// queue is a heap of items, the next to look at first.
type queue []*item

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].next.Before(q[j].next) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	it := x.(*item)
	it.index = len(*q)
	*q = append(*q, it)
}

func (q *queue) Pop() any {
	last := len(*q) - 1
	it := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	it.index = -1
	return it
}

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
