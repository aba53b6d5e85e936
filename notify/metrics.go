package notify

import "github.com/prometheus/client_golang/prometheus"

type metrics struct{ messages *prometheus.CounterVec }

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{messages: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rondo_notify_messages_total",
		Help: "Attempts to send a message, by how they ended: sent, already_shown, deferred, dropped.",
	}, []string{"outcome"})}
	if r == nil {
		return m, nil
	}
	return m, r.Register(m.messages)
}
