package cluster

import (
	"context"
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/render"
)

var eventResource = schema.GroupVersionResource{Version: "v1", Resource: "events"}

// explain gives the first object that is not well its last warning event, or
// that of what it owns. Not to know it is no reason to fail.
func (w *waiting) explain(ctx context.Context, report health.Report) health.Report {
	at := -1
	for i, item := range report.Items {
		if item.Status == report.Worst && item.Status != health.Current {
			at = i
			break
		}
	}
	if at < 0 {
		return report
	}
	id := report.Items[at].ID
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	list, err := w.api.dynamic.Resource(eventResource).Namespace(w.t.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "type=Warning", Limit: 500})
	if err != nil {
		w.log.Debug("events are not known", "app", w.t.App, "object", id.String(), "err", err)
		return report
	}
	report.Items[at].Event = lastEvent(list.Items, id)
	return health.Summarize(report.Items)
}

// lastEvent is the newest of the events about id, its ReplicaSets and its pods.
func lastEvent(events []unstructured.Unstructured, id render.ID) string {
	var newest time.Time
	var text string
	for _, e := range events {
		name, _, _ := unstructured.NestedString(e.Object, "involvedObject", "name")
		kind, _, _ := unstructured.NestedString(e.Object, "involvedObject", "kind")
		owned := (kind == "Pod" || kind == "ReplicaSet") && strings.HasPrefix(name, id.Name+"-")
		if !owned && (kind != id.Kind || name != id.Name) {
			continue
		}
		at := eventTime(e)
		if text != "" && at.Before(newest) {
			continue
		}
		reason, _, _ := unstructured.NestedString(e.Object, "reason")
		message, _, _ := unstructured.NestedString(e.Object, "message")
		newest, text = at, strings.TrimSuffix(reason+": "+tame(reason, message), ": ")
	}
	return text
}

func eventTime(e unstructured.Unstructured) time.Time {
	for _, field := range []string{"lastTimestamp", "eventTime", "firstTimestamp"} {
		text, _, _ := unstructured.NestedString(e.Object, field)
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return at
		}
	}
	return e.GetCreationTimestamp().Time
}

// probeAnswer is what may be told of a probe that failed; the output of a
// command may hold anything.
var probeAnswer = regexp.MustCompile(`^(?:Readiness|Liveness|Startup) probe failed|statuscode: \d{3}|connection refused|context deadline exceeded|no such host`)

// tame is one line of an event's message, without what a container printed.
func tame(reason, message string) string {
	message, _, _ = strings.Cut(message, "\n")
	if reason == "Unhealthy" {
		message = strings.Join(probeAnswer.FindAllString(message, -1), ", ")
	}
	if runes := []rune(message); len(runes) > 160 {
		message = string(runes[:159]) + "…"
	}
	return message
}
