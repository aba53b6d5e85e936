package workload

import (
	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

const (
	annotationServiceName = render.Domain + "/service-name" // the name as written
	annotationConfigHash  = render.Domain + "/config-hash"

	// keepRevisions is the default of image_keep_count (spec 1.7).
	keepRevisions = 2
)

// workload makes the object that keeps the Pods of svc: the kind that it asks
// for, around its one container.
func (m *maker) workload(svc manifest.Service, e *environment) render.Object {
	var o render.Object
	switch svc.Pod.Kind {
	case manifest.KindDaemonSet:
		o = m.daemonSet(svc, e)
	case manifest.KindStatefulSet:
		o = m.statefulSet(svc, e)
	case manifest.KindJob:
		o = m.jobOf(svc, e)
	case manifest.KindCronJob:
		o = m.cronJobOf(svc, e)
	default:
		o = m.deployment(svc, e)
	}
	o.Wave = svc.Wave
	for name, value := range svc.Tags {
		metadata(&o, "labels")[name] = value
	}
	for name, value := range svc.Annotations {
		metadata(&o, "annotations")[name] = value
	}
	metadata(&o, "annotations")[annotationServiceName] = svc.RawName
	return o
}

// template makes the template of the Pods of svc around their spec.
func (m *maker) template(svc manifest.Service, e *environment, pod map[string]any) map[string]any {
	labels := selector(m.app, svc)
	for name, value := range svc.Tags {
		labels[name] = value
	}
	meta := map[string]any{"labels": labels}
	annotations := m.restarts(svc, e)
	for name, value := range svc.Annotations {
		if name != render.AnnotationPrune { // about the object, not about its Pods
			annotations[name] = value
		}
	}
	if svc.Mount.Logs != nil {
		annotations[annotationLogFolder] = svc.Mount.Logs.Path
	}
	if len(annotations) > 0 {
		meta["annotations"] = annotations
	}
	return map[string]any{"metadata": meta, "spec": pod}
}

// count says how many Pods o keeps: so many, or what is live as long as it is
// within the range of svc. Under autoscaling the number is never rondo's.
func count(o *render.Object, svc manifest.Service) {
	if svc.MinCount == svc.MaxCount && svc.MaxCount > 0 && svc.Pod.Scaling == nil {
		o.Body["spec"].(map[string]any)["replicas"] = svc.MinCount
		return
	}
	o.Replicas = &render.Range{Min: svc.MinCount, Max: svc.MaxCount}
}

// minReady adds how long a Pod must be ready to count as available.
func minReady(spec map[string]any, svc manifest.Service) {
	if svc.Pod.MinReady > 0 {
		spec["minReadySeconds"] = int64(svc.Pod.MinReady.Seconds())
	}
}
