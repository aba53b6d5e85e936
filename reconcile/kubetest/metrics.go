package kubetest

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/client-go/kubernetes"
)

// RequestCounts returns how many requests the API server has answered since it started, by "VERB resource" or "VERB
// resource/subresource": "POST configmaps", "APPLY deployments", "PUT pods/status". A dry run has " (dry run)" after it.
// Everybody's requests are in it, with every answer; compare two calls, and let Audit say whose they were. A server-side apply is
// APPLY, a read GET, LIST or WATCH; requests for no object (/version) are not in it.
func (cp *ControlPlane) RequestCounts(ctx context.Context) (map[string]float64, error) {
	client, err := kubernetes.NewForConfig(cp.Config())
	if err != nil {
		return nil, err
	}
	text, err := client.Discovery().RESTClient().Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("read /metrics: %w", err)
	}
	return parseRequestCounts(text)
}

var (
	sample = regexp.MustCompile(`^apiserver_request_total\{(.*)\} (\S+)`)
	label  = regexp.MustCompile(`(\w+)="([^"]*)"`) // none of these labels' values is ever escaped
)

func parseRequestCounts(text []byte) (map[string]float64, error) {
	counts := map[string]float64{}
	for line := range bytes.Lines(text) {
		match := sample.FindSubmatch(line)
		if match == nil {
			continue
		}
		value, err := strconv.ParseFloat(string(match[2]), 64)
		if err != nil {
			return nil, fmt.Errorf("metrics: %w in %s", err, line)
		}
		labels := map[string]string{}
		for _, pair := range label.FindAllSubmatch(match[1], -1) {
			labels[string(pair[1])] = string(pair[2])
		}
		if labels["resource"] == "" {
			continue
		}
		key := strings.TrimSuffix(labels["verb"]+" "+labels["resource"]+"/"+labels["subresource"], "/")
		if labels["dry_run"] != "" {
			key += " (dry run)"
		}
		counts[key] += value
	}
	return counts, nil
}
