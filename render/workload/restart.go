package workload

import (
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// byHand has the Pods of a workload left alone when its template changes. Those of
// a Deployment are kept by pausing it when that happens, which package plan does:
// one that is made paused gets no Pods.
func byHand(o *render.Object, svc manifest.Service) {
	if svc.RestartOnDeploy == nil || *svc.RestartOnDeploy {
		return
	}
	metadata(o, "annotations")[render.AnnotationRestart] = "by-hand"
	if spec := o.Body["spec"].(map[string]any); spec["updateStrategy"] != nil {
		spec["updateStrategy"] = map[string]any{"type": "OnDelete"}
	}
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
