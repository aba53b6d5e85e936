package workload

import (
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

const (
	annotationServiceName = render.Domain + "/service-name" // the name as written
	annotationConfigHash  = render.Domain + "/config-hash"

	// keepRevisions is the default of image_keep_count (spec 1.7).
	keepRevisions = 2
	// drainSeconds is the time between leaving the load balancers and TERM (spec 4.3 rule 7).
	drainSeconds = 5
)

// deployment makes the Deployment of svc around its one container.
func (m *maker) deployment(svc manifest.Service, e *environment) render.Object {
	pod := m.pod(svc, e)
	podMeta := map[string]any{"labels": selector(m.app, svc)}
	spec := map[string]any{
		"revisionHistoryLimit": int64(keepRevisions),
		"selector":             map[string]any{"matchLabels": selector(m.app, svc)},
		"strategy": map[string]any{"type": "RollingUpdate", "rollingUpdate": map[string]any{
			"maxUnavailable": number(svc.MaxUnavailable), "maxSurge": number(svc.MaxSurge)}},
		"template": map[string]any{"metadata": podMeta, "spec": pod},
	}
	o := object("apps/v1", "Deployment", svc.Name, map[string]any{"spec": spec})
	o.Wave = svc.Wave
	if svc.MinCount == svc.MaxCount && svc.MaxCount > 0 {
		spec["replicas"] = svc.MinCount
	} else {
		o.Replicas = &render.Range{Min: svc.MinCount, Max: svc.MaxCount}
	}

	podLabels := podMeta["labels"].(map[string]any)
	for name, value := range svc.Tags {
		metadata(&o, "labels")[name] = value
		podLabels[name] = value
	}
	podAnnotations := m.restarts(svc, e)
	for name, value := range svc.Annotations {
		metadata(&o, "annotations")[name] = value
		if name != render.AnnotationPrune { // about the object, not about its Pods
			podAnnotations[name] = value
		}
	}
	metadata(&o, "annotations")[annotationServiceName] = svc.RawName
	if len(podAnnotations) > 0 {
		podMeta["annotations"] = podAnnotations
	}
	return o
}

// restarts gives the annotations whose change restarts the Pods of svc.
func (m *maker) restarts(svc manifest.Service, e *environment) map[string]any {
	annotations := make(map[string]any)
	if svc.RestartOnDeploy != nil && !*svc.RestartOnDeploy {
		return annotations
	}
	if h := strings.Trim(m.commonHash+"-"+e.own.hash(m.key), "-"); h != "" {
		annotations[annotationConfigHash] = h
	}
	// A folder has no revision: rendering it stays the same on every run.
	if svc.RestartOnDeploy != nil && !m.revision.IsZero() {
		annotations[render.AnnotationDeployment] = m.revision.Hash
	}
	return annotations
}

// drains reports whether svc must leave load balancers before it stops.
func drains(svc manifest.Service) bool {
	if svc.StopGrace <= 0 {
		return false
	}
	for _, p := range svc.Ports {
		if p.HTTP+p.HTTPS+p.TCP+p.UDP > 0 {
			return true
		}
	}
	return false
}
