package plan

import (
	"fmt"
	"strings"

	"rondo.dev/rondo/render"
)

// CodeForbidden is the code of what the application's account may not do.
const CodeForbidden = "E-API-FORBIDDEN"

// immutable reports whether the API server's answer says that a field cannot
// change. The words are those of its validations (tried on 1.36): "field is
// immutable", of Services "may not change once set", of RoleBindings "cannot
// change roleRef", and of StatefulSets "updates to statefulset spec for fields
// other than …".
func immutable(answer string) bool {
	for _, words := range []string{"immutable", "may not change once set", "cannot change roleRef", "for fields other than"} {
		if strings.Contains(answer, words) {
			return true
		}
	}
	return false
}

// refuseAnswer turns the API server's answer to a dry-run into a Problem.
func (c *computation) refuseAnswer(o render.Object, found LiveObject) {
	if found.Exists && immutable(found.Refused) {
		c.refuse(o, "E-API-IMMUTABLE", fmt.Sprintf("%s cannot be changed in place: %s", o.ID, found.Refused), recreation(o.ID))
		return
	}
	if found.Forbidden {
		c.refuse(o, CodeForbidden, fmt.Sprintf("%s: %s", o.ID, found.Refused), "")
		return
	}
	c.refuse(o, "E-API-REFUSED", fmt.Sprintf("the API server refuses %s: %s", o.ID, found.Refused), "")
}

// recreation is how a person replaces an object that cannot be changed.
func recreation(id render.ID) string {
	resource := strings.ToLower(id.Kind)
	switch id.Group {
	case "", "apps", "batch", "policy", "autoscaling", "networking.k8s.io", "rbac.authorization.k8s.io":
	default:
		resource += "." + id.Group
	}
	command := "kubectl delete " + resource + " " + id.Name
	if id.Namespace != "" {
		command += " -n " + id.Namespace
	}
	switch id.Kind {
	case "PersistentVolumeClaim", "Namespace", "CustomResourceDefinition":
		return "restore the old value, since deleting it deletes data"
	case "StatefulSet":
		return "restore the old value, or run: " + command + " --cascade=orphan (its pods and data stay), then rondo sync"
	}
	return "restore the old value, or run: " + command + " and then rondo sync"
}
