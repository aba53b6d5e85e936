package workload

import (
	"strings"

	"rondo.dev/rondo/render"
)

// preferences gives workloads what the application says about all of them
// (spec 1.7).
func (m *maker) preferences() {
	s := m.app.Settings
	ours := make(map[string]bool, len(m.app.Services))
	for i := range m.app.Services {
		ours[m.app.Services[i].Name] = true
	}
	for i := range m.objects {
		o := &m.objects[i]
		kind, _ := o.Body["kind"].(string)
		name, _ := o.Body["metadata"].(map[string]any)["name"].(string)
		spec, _ := o.Body["spec"].(map[string]any)
		if kind != "Deployment" && kind != "DaemonSet" && kind != "StatefulSet" || !ours[name] {
			continue
		}
		if _, has := spec["revisionHistoryLimit"]; has && s.Keep != nil {
			spec["revisionHistoryLimit"] = *s.Keep
		}
		if _, has := spec["progressDeadlineSeconds"]; kind == "Deployment" && !has && s.Checked[name] {
			spec["progressDeadlineSeconds"] = int64(s.Deadline.Seconds())
		}
		if len(s.LogPaths) > 0 {
			metadata(o, "annotations")[render.AnnotationLogPaths] = strings.Join(s.LogPaths, ",")
		}
	}
}
