package reconcile

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rondo.dev/rondo/reconcile/plan"
)

// Metrics counts what passes do.
type Metrics struct {
	passes  *prometheus.CounterVec
	stages  *prometheus.HistogramVec
	deploys prometheus.Histogram
	changes *prometheus.CounterVec
	running prometheus.Gauge
}

// NewMetrics registers the metrics; nil registers nowhere.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	buckets := []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 120, 600}
	m := &Metrics{
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rondo_passes_total", Help: "Passes that ended, by trigger and condition.",
		}, []string{"trigger", "condition"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rondo_pass_stage_seconds", Help: "Time of each step of a pass.", Buckets: buckets,
		}, []string{"stage"}),
		deploys: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rondo_deployment_seconds", Help: "Time from the start of a deployment to its end, health included.", Buckets: buckets,
		}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rondo_changes_total", Help: "Changes carried out in the cluster, by action and result.",
		}, []string{"action", "result"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rondo_queue_running_applications", Help: "Applications with a pass under way, waiting for health included.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.passes, m.stages, m.deploys, m.changes, m.running)
	}
	return m
}

func (m *Metrics) stage(name string, took time.Duration) {
	m.stages.WithLabelValues(name).Observe(took.Seconds())
}

func (m *Metrics) pass(r Result) {
	m.passes.WithLabelValues(string(r.Trigger), string(r.Condition)).Inc()
	if r.Deployment() {
		m.deploys.Observe(r.Ended.Sub(r.Started).Seconds())
	}
}

func (m *Metrics) writes(o plan.Outcome) {
	for _, d := range o.Done {
		result := "done"
		if d.Error != "" {
			result = "error"
		}
		m.changes.WithLabelValues(string(d.Action), result).Inc()
	}
}
