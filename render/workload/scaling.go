package workload

import (
	"strconv"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// scaler makes what counts the Pods of svc instead of rondo: a ScaledObject
// where a queue is looked at, which KEDA makes an autoscaler of, or else a
// HorizontalPodAutoscaler (spec 2.15).
func (m *maker) scaler(svc manifest.Service, workload render.Object) render.Object {
	s := *svc.Pod.Scaling
	target := map[string]any{"apiVersion": workload.Body["apiVersion"], "kind": workload.Body["kind"], "name": svc.Name}
	if s.Queue != nil {
		return object("keda.sh/v1alpha1", "ScaledObject", svc.Name, map[string]any{"spec": map[string]any{
			"scaleTargetRef":  target,
			"minReplicaCount": svc.MinCount,
			"maxReplicaCount": svc.MaxCount,
			"triggers":        triggers(s),
			"advanced": map[string]any{"horizontalPodAutoscalerConfig": map[string]any{
				"name": svc.Name, "behavior": behavior(s)}},
		}})
	}
	return object("autoscaling/v2", "HorizontalPodAutoscaler", svc.Name, map[string]any{"spec": map[string]any{
		"scaleTargetRef": target,
		"minReplicas":    svc.MinCount,
		"maxReplicas":    svc.MaxCount,
		"metrics":        m.metrics(s),
		"behavior":       behavior(s),
	}})
}

// metrics are what a HorizontalPodAutoscaler looks at; it follows the one that
// asks for most Pods.
func (m *maker) metrics(s manifest.Scaling) []any {
	var out []any
	for _, r := range []struct {
		name    string
		percent int64
	}{{"cpu", s.CPU}, {"memory", s.Memory}} {
		if r.percent > 0 {
			out = append(out, map[string]any{"type": "Resource", "resource": map[string]any{
				"name": r.name, "target": map[string]any{"type": "Utilization", "averageUtilization": r.percent}}})
		}
	}
	if s.ResponseTime > 0 {
		out = append(out, map[string]any{"type": "Pods", "pods": map[string]any{
			"metric": map[string]any{"name": m.facts.ResponseTime},
			"target": map[string]any{"type": "AverageValue", "averageValue": strconv.FormatInt(s.ResponseTime, 10)}}})
	}
	return out
}

// triggers are what a ScaledObject looks at. The address of the broker is that
// which the container has (keda.sh, scaler rabbitmq, hostFromEnv).
func triggers(s manifest.Scaling) []any {
	meta := map[string]any{"protocol": "amqp", "mode": "QueueLength", "hostFromEnv": "RABBITMQ_URL",
		"queueName": s.Queue.Name, "value": strconv.FormatInt(s.Queue.PerPod, 10)}
	if s.Queue.VHost != "" {
		meta["vhostName"] = s.Queue.VHost
	}
	out := []any{map[string]any{"type": "rabbitmq", "metadata": meta}}
	for _, r := range []struct {
		name    string
		percent int64
	}{{"cpu", s.CPU}, {"memory", s.Memory}} {
		if r.percent > 0 {
			out = append(out, map[string]any{"type": r.name, "metricType": "Utilization",
				"metadata": map[string]any{"value": strconv.FormatInt(r.percent, 10)}})
		}
	}
	return out
}

// behavior is the pace: so many Pods a minute, and none fewer before the load
// was low for so long.
func behavior(s manifest.Scaling) map[string]any {
	pace := func(pods int64) []any {
		return []any{map[string]any{"type": "Pods", "value": pods, "periodSeconds": int64(60)}}
	}
	return map[string]any{
		"scaleUp":   map[string]any{"policies": pace(s.StepUp)},
		"scaleDown": map[string]any{"policies": pace(s.StepDown), "stabilizationWindowSeconds": int64(s.Cooldown.Seconds())},
	}
}
