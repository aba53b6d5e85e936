package cluster

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"rondo.dev/rondo/reconcile/plan"
)

type metrics struct {
	requests *prometheus.CounterVec
	apply    prometheus.Histogram
	drift    prometheus.Counter
	writes   *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, c *Cluster) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rondo_cluster_requests_total", Help: "Requests to the Kubernetes API, by identity and verb."}, []string{"identity", "verb"}),
		apply: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rondo_cluster_apply_seconds", Help: "Time from claiming the inventory to having written it again.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14)}),
		drift: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rondo_cluster_drift_total", Help: "Objects found changed by somebody else."}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rondo_cluster_writes_total", Help: "Changes of a plan that were carried out, by action."}, []string{"action"}),
	}
	if r == nil {
		return m
	}
	watched := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rondo_cluster_watched_objects", Help: "Objects in memory: applied by rondo, or bearing its label."},
		func() float64 {
			c.mu.Lock()
			defer c.mu.Unlock()
			return float64(len(c.objects))
		})
	r.MustRegister(m.requests, m.apply, m.drift, m.writes, watched)
	return m
}

func (m *metrics) wrote(done []plan.Done) {
	for _, d := range done {
		if d.Error == "" {
			m.writes.WithLabelValues(string(d.Action)).Inc()
		}
	}
}

func (m *metrics) applied(took time.Duration) { m.apply.Observe(took.Seconds()) }

// counting counts requests.
type counting struct {
	next     http.RoundTripper
	identity string
	metrics  *metrics
}

func (c *counting) RoundTrip(req *http.Request) (*http.Response, error) {
	c.metrics.requests.WithLabelValues(c.identity, verb(req)).Inc()
	return c.next.RoundTrip(req)
}

// verb is Kubernetes' word for the request. Lists count as get: they differ in
// the path only.
func verb(req *http.Request) string {
	switch req.Method {
	case http.MethodGet:
		if watch := req.URL.Query().Get("watch"); watch == "true" || watch == "1" {
			return "watch"
		}
		return "get"
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		if strings.HasPrefix(req.Header.Get("Content-Type"), string(types.ApplyYAMLPatchType)) ||
			strings.HasPrefix(req.Header.Get("Content-Type"), "application/apply-patch") {
			return "apply"
		}
		return "patch"
	default:
		return strings.ToLower(req.Method)
	}
}
