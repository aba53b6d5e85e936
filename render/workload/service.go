package workload

import (
	"fmt"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

const (
	tcp = "TCP"
	udp = "UDP"

	// The range of node ports that a cluster has unless told otherwise.
	minNodePort, maxNodePort = 30000, 32767
)

// port is one port of a container, with its name there and in the Service.
type port struct {
	name     string
	number   int
	protocol string
}

// containerPorts lists the ports of svc's container, each number and protocol
// once. A port is TCP unless the manifest opens it for UDP alone.
func containerPorts(svc manifest.Service) []port {
	var ports []port
	seen := make(map[port]bool)
	add := func(number int, protocol string) {
		key := port{number: number, protocol: protocol}
		if seen[key] {
			return
		}
		seen[key] = true
		name := fmt.Sprintf("c-%d", number)
		if seen[port{name: name}] {
			name = fmt.Sprintf("c-%d-udp", number)
		}
		seen[port{name: name}] = true
		ports = append(ports, port{name, number, protocol})
	}
	for _, p := range svc.Ports {
		if p.UDP == 0 || p.HTTP+p.HTTPS+p.TCP > 0 {
			add(p.Container, tcp)
		}
	}
	for _, p := range svc.Ports {
		if p.UDP > 0 {
			add(p.Container, udp)
		}
	}
	return ports
}

// service makes the Service inside the cluster: the container's ports, and the
// HTTP number where no container port has it (spec 2.6 rule 6).
func (m *maker) service(svc manifest.Service) render.Object {
	var ports []any
	taken := make(map[int]bool)
	for _, p := range containerPorts(svc) {
		ports = append(ports, servicePort(p.name, p.number, p.number, p.protocol))
		if p.protocol == tcp {
			taken[p.number] = true
		}
	}
	for _, p := range svc.Ports {
		if p.HTTP > 0 && !taken[p.HTTP] {
			taken[p.HTTP] = true
			ports = append(ports, servicePort(fmt.Sprintf("http-%d", p.HTTP), p.HTTP, p.Container, tcp))
		}
	}
	return object("v1", "Service", svc.Name, map[string]any{
		"spec": map[string]any{"selector": selector(m.app, svc), "ports": ports}})
}

// external makes the Services for tcp and udp from outside. There are two where
// both are used: not every provider opens both on one address.
func (m *maker) external(svc manifest.Service) []render.Object {
	var objects []render.Object
	for _, protocol := range [...]string{tcp, udp} {
		var ports []any
		nodePorts := m.facts.NodePorts
		for _, p := range svc.Ports {
			number := p.TCP
			if protocol == udp {
				number = p.UDP
			}
			if number == 0 {
				continue
			}
			name := fmt.Sprintf("tcp-%d", number)
			if protocol == udp {
				name = fmt.Sprintf("udp-%d", number)
			}
			ports = append(ports, servicePort(name, number, p.Container, protocol))
			nodePorts = nodePorts && minNodePort <= number && number <= maxNodePort
		}
		if len(ports) == 0 {
			continue
		}
		name := render.Name(svc.Name, "ext")
		if len(objects) > 0 {
			name = render.Name(svc.Name, "ext", "udp")
		}
		kind := "LoadBalancer"
		if nodePorts {
			kind = "NodePort"
			for _, p := range ports {
				p := p.(map[string]any)
				p["nodePort"] = p["port"]
			}
		}
		objects = append(objects, object("v1", "Service", name, map[string]any{"spec": map[string]any{
			"type":                  kind,
			"externalTrafficPolicy": "Local", // keeps the client's address
			"selector":              selector(m.app, svc),
			"ports":                 ports,
		}}))
	}
	return objects
}

func servicePort(name string, number, target int, protocol string) map[string]any {
	return map[string]any{"name": name, "port": int64(number), "targetPort": int64(target), "protocol": protocol}
}

// budget keeps a node that is emptied from taking more than one Pod at a time.
func (m *maker) budget(svc manifest.Service) render.Object {
	return object("policy/v1", "PodDisruptionBudget", svc.Name, map[string]any{"spec": map[string]any{
		"maxUnavailable":             int64(1),
		"unhealthyPodEvictionPolicy": "AlwaysAllow",
		"selector":                   map[string]any{"matchLabels": selector(m.app, svc)},
	}})
}
