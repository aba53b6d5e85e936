package webhook

import "github.com/prometheus/client_golang/prometheus"

type metrics struct{ deliveries *prometheus.CounterVec }

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rondo_webhook_deliveries_total",
		Help: "Webhook deliveries by event and by how they were answered.",
	}, []string{"event", "outcome"})}
	if r == nil {
		return m, nil
	}
	return m, r.Register(m.deliveries)
}

// count files events that are not followed under one name: the header is a stranger's.
func (m *metrics) count(event, outcome string) {
	if !followed(event) {
		event = "other"
	}
	m.deliveries.WithLabelValues(event, outcome).Inc()
}
