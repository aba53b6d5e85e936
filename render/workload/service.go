package workload

import (
	"fmt"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

const (
	tcp = "TCP"
	udp = "UDP"

	// stickySeconds is how long a client stays with a Pod.
	stickySeconds = 60

	// The range of node ports that a cluster has unless told otherwise.
	minNodePort, maxNodePort = 30000, 32767
)

// port is one port of a container, with its name there and in the Service.
type port struct {
	name     string
	number   int
	protocol string
	host     int // of a DaemonSet: the number on each node; 0: none
}

// containerPorts lists the ports of svc's container, each number and protocol
// once. A port is TCP unless the manifest opens it for UDP alone. On a DaemonSet
// tcp and udp are opened on the nodes (spec 2.6 rule 9).
func containerPorts(svc manifest.Service) []port {
	var ports []port
	index := make(map[port]int) // by number and protocol
	named := make(map[string]bool)
	add := func(number, host int, protocol string) {
		if svc.Pod.Kind != manifest.KindDaemonSet {
			host = 0
		}
		key := port{number: number, protocol: protocol}
		if i, seen := index[key]; seen {
			ports[i].host = max(ports[i].host, host)
			return
		}
		name := fmt.Sprintf("c-%d", number)
		if named[name] {
			name = fmt.Sprintf("c-%d-udp", number)
		}
		index[key], named[name] = len(ports), true
		ports = append(ports, port{name, number, protocol, host})
	}
	for _, p := range svc.Ports {
		if p.UDP == 0 || p.HTTP+p.HTTPS+p.TCP > 0 {
			add(p.Container, p.TCP, tcp)
		}
	}
	for _, p := range svc.Ports {
		if p.UDP > 0 {
			add(p.Container, p.UDP, udp)
		}
	}
	return ports
}

// service makes the Service inside the cluster, which spreads callers as svc asks
// for (spec 2.7).
func (m *maker) service(svc manifest.Service) render.Object {
	spec := map[string]any{"selector": selector(m.app, svc), "ports": m.servicePorts(svc)}
	if svc.Pod.Sticky {
		spec["sessionAffinity"] = "ClientIP"
		spec["sessionAffinityConfig"] = map[string]any{"clientIP": map[string]any{"timeoutSeconds": int64(stickySeconds)}}
	}
	if svc.Pod.Distribution != "" {
		spec["trafficDistribution"] = svc.Pod.Distribution
	}
	return object("v1", "Service", svc.Name, map[string]any{"spec": spec})
}

// servicePorts are the container's ports, and the HTTP number where no container
// port has it (spec 2.6 rule 6).
func (m *maker) servicePorts(svc manifest.Service) []any {
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
	return ports
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

// budget keeps a node that is emptied from taking more Pods at a time than svc
// allows: one, unless it says otherwise.
func (m *maker) budget(svc manifest.Service) render.Object {
	spec := map[string]any{
		"unhealthyPodEvictionPolicy": "AlwaysAllow",
		"selector":                   map[string]any{"matchLabels": selector(m.app, svc)},
	}
	switch d := svc.Pod.Disruption; {
	case d == nil:
		spec["maxUnavailable"] = int64(1)
	case d.MinAvailable != "":
		spec["minAvailable"] = number(d.MinAvailable)
	default:
		spec["maxUnavailable"] = number(d.MaxUnavailable)
	}
	return object("policy/v1", "PodDisruptionBudget", svc.Name, map[string]any{"spec": spec})
}
