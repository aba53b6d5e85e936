package validate

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// maxAnnotations is the size of all annotations of an object together, in bytes
// (k8s.io/apimachinery/pkg/api/validation, TotalAnnotationSizeLimitB).
const maxAnnotations = 256 << 10

// metadata checks names, labels and annotations.
func (c *checker) metadata(meta map[string]any) {
	if faults := nameFaults(str(c.object.Body, "kind"), str(meta, "name")); len(faults) > 0 {
		c.report("E-OBJECT-NAME", "rename it", "has a name that Kubernetes refuses: %s", faults[0])
	}
	c.labels(meta)
	size := 0
	annotations := at(meta, "annotations")
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if faults := validation.IsQualifiedName(strings.ToLower(key)); len(faults) > 0 {
			c.report("E-OBJECT-NAME", "rename it", "has an annotation %q: %s", shorten(key), faults[0])
		}
		size += len(key) + len(str(annotations, key))
	}
	if size > maxAnnotations {
		c.report("E-OBJECT-NAME", "shorten them", "has annotations of %d KiB together, more than %d", size>>10, maxAnnotations>>10)
	}
}

// nameFaults says what is wrong with the name of an object of that kind.
func nameFaults(kind, name string) []string {
	switch kind {
	case "Service":
		return validation.IsDNS1035Label(name)
	case "Namespace":
		return validation.IsDNS1123Label(name)
	case "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding":
		// Their names are any single component of an address: "system:node".
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/%") {
			return []string{`may not be "." or "..", nor contain "/" or "%"`}
		}
		return nil
	case "CronJob":
		// Its Jobs get 11 characters more (k8s.io/kubernetes/pkg/apis/batch/validation).
		if len(name) > 52 {
			return []string{"must be no more than 52 characters"}
		}
	}
	return validation.IsDNS1123Subdomain(name)
}

func (c *checker) labels(meta map[string]any) {
	labels := at(meta, "labels")
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		faults := validation.IsQualifiedName(key)
		if len(faults) == 0 {
			faults = validation.IsValidLabelValue(str(labels, key))
		}
		if len(faults) > 0 {
			c.report("E-OBJECT-NAME", "correct it", "has a label %q: %s", shorten(key), faults[0])
		}
	}
}
