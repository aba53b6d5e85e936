package workload

import (
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

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
