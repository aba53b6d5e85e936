package render

import "slices"

// AnnotationDeployment stands in the pod template of a service with
// "restart_on_deploy: true" and holds the revision, so that each one restarts it.
const AnnotationDeployment = Domain + "/deployment"

// AnnotationRestart stands on a workload with "restart_on_deploy: false", and is
// "by-hand": Pods keep the template they have until somebody restarts them.
const AnnotationRestart = Domain + "/restart"

// RestartsByHand reports whether o leaves its Pods alone when its template changes.
func (o Object) RestartsByHand() bool { return o.Annotations()[AnnotationRestart] == "by-hand" }

// Running is b without the Commands, which end and are waited for one by one.
func (b Bundle) Running() Bundle {
	b.Objects = slices.DeleteFunc(slices.Clone(b.Objects), func(o Object) bool { return o.Command })
	return b
}

// EachRevision reports whether an object of b is bound to the revision it was
// rendered from. A new revision of such an application renders again even where
// [InputDigest] is the same.
func (b Bundle) EachRevision() bool {
	for _, o := range b.Objects {
		at := any(o.Body)
		for _, field := range [...]string{"spec", "template", "metadata", "annotations", AnnotationDeployment} {
			m, _ := at.(map[string]any)
			at = m[field]
		}
		if at != nil {
			return true
		}
	}
	return false
}
