package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// stage is what the daemon's own metrics say of one step of its passes so far.
type stage struct {
	count   uint64
	seconds float64
}

// stages reads them from the internal listener.
func stages(ctx context.Context, url string) (map[string]stage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		return nil, err
	}
	out := map[string]stage{}
	var metrics []*dto.Metric
	if family := families["rondo_pass_stage_seconds"]; family != nil {
		metrics = family.GetMetric()
	}
	for _, m := range metrics {
		for _, label := range m.GetLabel() {
			if label.GetName() == "stage" {
				out[label.GetValue()] = stage{m.GetHistogram().GetSampleCount(), m.GetHistogram().GetSampleSum()}
			}
		}
	}
	return out, nil
}

// means is the mean time of each step between two readings, in the order of a pass.
func means(before, after map[string]stage) string {
	var parts []string
	for _, name := range [...]string{"resolve", "fetch", "render", "bootstrap", "read", "apply", "wait"} {
		n := after[name].count - before[name].count
		if n == 0 {
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %.1f", name, (after[name].seconds-before[name].seconds)/float64(n)*1000))
	}
	return strings.Join(parts, ", ") + " ms"
}
