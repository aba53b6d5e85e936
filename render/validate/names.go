package validate

import (
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
	for key := range annotations {
		size += len(key) + len(str(annotations, key))
	}
	c.each("annotations", meta, func(key, _ string) []string { return validation.IsQualifiedName(strings.ToLower(key)) }, func(key, fault string) {
		c.report("E-OBJECT-NAME", "rename it", "has an annotation %q: %s", shorten(key), fault)
	})
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
	c.each("labels", meta, func(key, value string) []string {
		if faults := validation.IsQualifiedName(key); len(faults) > 0 {
			return faults
		}
		return validation.IsValidLabelValue(value)
	}, func(key, fault string) {
		c.report("E-OBJECT-NAME", "correct it", "has a label %q: %s", shorten(key), fault)
	})
}

// each tells of the entries at fault, in the order of their keys. Most objects
// bear the same labels and annotations; what is in order is looked at once.
func (c *checker) each(field string, meta map[string]any, faults func(key, value string) []string, tell func(key, fault string)) {
	entries := at(meta, field)
	var bad []string
	for key := range entries {
		entry := entry{field, key, str(entries, key)}
		switch {
		case c.good[entry]:
		case len(faults(key, entry.value)) == 0:
			c.good[entry] = true
		default:
			bad = append(bad, key)
		}
	}
	slices.Sort(bad)
	for _, key := range bad {
		tell(key, faults(key, str(entries, key))[0])
	}
}
