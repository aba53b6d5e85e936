package validate

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
)

// template checks the Pods that a workload makes.
func (c *checker) template(template map[string]any) {
	c.labels(at(template, "metadata"))
	if selector := at(c.object.Body, "spec", "selector", "matchLabels"); selector != nil && !selects(selector, at(template, "metadata", "labels")) {
		c.report("E-OBJECT-REF", "give both the same labels", "does not select its own Pods")
	}
	volumes := map[string]bool{}
	for _, v := range slices.Concat(items(template, "spec", "volumes"), c.claimed()) {
		volumes[str(v, "name")] = true
	}
	names, ports := map[string]bool{}, map[string]bool{}
	for _, v := range items(template, "spec", "volumes") {
		if faults := validation.IsDNS1123Label(str(v, "name")); len(faults) > 0 && str(v, "name") != "" {
			c.report("E-OBJECT-NAME", "rename it", "has a volume %q: %s", shorten(str(v, "name")), faults[0])
		}
	}
	initial := len(items(template, "spec", "initContainers"))
	for i, container := range slices.Concat(items(template, "spec", "initContainers"), items(template, "spec", "containers")) {
		name := str(container, "name")
		// Twice in one of the lists is told by the schema.
		if i >= initial && names[name] {
			c.report("E-OBJECT-DUP", "rename one", "has a container and an init container %q", shorten(name))
		}
		if i < initial {
			names[name] = true
		}
		c.container(container, volumes, ports)
	}
}

// claimed are the volumes that a StatefulSet claims for each Pod.
func (c *checker) claimed() (volumes []map[string]any) {
	for _, claim := range items(c.object.Body, "spec", "volumeClaimTemplates") {
		volumes = append(volumes, at(claim, "metadata"))
	}
	return volumes
}

// container checks one container. It adds the names of its ports to those of the Pod.
func (c *checker) container(container map[string]any, volumes, ports map[string]bool) {
	name := str(container, "name")
	// One without a name lacks a field, which the schema tells.
	if faults := validation.IsDNS1123Label(name); len(faults) > 0 && name != "" {
		c.report("E-OBJECT-NAME", "rename it", "has a container %q: %s", shorten(name), faults[0])
	}
	for _, p := range items(container, "ports") {
		portName := str(p, "name")
		if portName == "" {
			continue
		}
		if ports[portName] {
			c.report("E-OBJECT-DUP", "rename one", "has the container port name %s twice", shorten(portName))
		}
		ports[portName] = true
		if faults := validation.IsValidPortName(portName); len(faults) > 0 {
			c.report("E-OBJECT-NAME", "rename it", "has a port %q: %s", shorten(portName), faults[0])
		}
	}
	for _, list := range [...]string{"volumeMounts", "volumeDevices"} {
		for _, m := range items(container, list) {
			if volume := str(m, "name"); volume != "" && !volumes[volume] {
				c.report("E-OBJECT-REF", "add the volume or correct the name", "mounts the volume %q in container %s, which is not there", shorten(volume), shorten(name))
			}
		}
	}
	for _, probe := range [...]string{"readinessProbe", "livenessProbe", "startupProbe"} {
		for _, way := range [...]string{"httpGet", "tcpSocket"} {
			port, named := at(container, probe, way)["port"].(string)
			if named && !containerHasPort(container, port) {
				c.report("E-OBJECT-REF", "declare the port or give its number", "has a %s on port %q, which container %s does not have", probe, shorten(port), shorten(name))
			}
		}
	}
}
