package manifest

import (
	"net/netip"
	"strings"
)

// podOf reads what s says about its workload and Pods. Its kind, ports and
// resources are known by now.
func (r *reader) podOf(s *service, out *Service) {
	r.processOf(s, out)
	r.balancingOf(s, out)
	r.scalingOf(s, out)
	r.rolloutOf(s, out)
	r.disruptionOf(s, out)
	r.stopOf(s, out)
	r.securityOf(s, out)
	r.placementOf(s, out)
}

// processOf reads what concerns the process of a container.
func (r *reader) processOf(s *service, out *Service) {
	for i, item := range items(s.args) {
		if word, ok := r.textOf(item, s.place.key("args").index(i), s); ok {
			out.Pod.Args = append(out.Pod.Args, word)
		}
	}
	if text, ok := r.optional(s.workDir, s.place.key("work_dir"), s); ok {
		if !strings.HasPrefix(text, "/") || strings.ContainsAny(text, "\x00\n") {
			r.fault(s.workDir, s.place.key("work_dir"), "E-VALUE", "is not an absolute path", "write a path that starts with /")
		}
		out.Pod.WorkDir = text
	}
	if s.pull != nil {
		out.Pod.PullPolicy = s.pull.text
	}
	if text, ok := r.optional(s.account, s.place.key("service_account_name"), s); ok && text != "default" {
		if !validHost(text) {
			r.fault(s.account, s.place.key("service_account_name"), "E-VALUE", "is not the name of a ServiceAccount", "use lower-case letters, digits, - and .")
		}
		out.Pod.ServiceAccount = text
	}
	r.dnsOf(s, out)
}

// dnsOf reads dns_config. The numbers are the limits of the API server
// (k8s.io/kubernetes, pkg/apis/core/validation, validatePodDNSConfig).
func (r *reader) dnsOf(s *service, out *Service) {
	const maxServers, maxSearches, maxSearchLength = 3, 32, 2048
	at := s.place.key("dns_config")
	var dns DNS
	for i, item := range items(s.dns.servers) {
		p := at.key("nameservers").index(i)
		text, ok := r.textOf(item, p, s)
		if _, err := netip.ParseAddr(text); ok && err != nil {
			r.fault(item, p, "E-VALUE", "is not an IP address", "write 10.0.0.10 or another address")
		}
		dns.Servers = append(dns.Servers, text)
	}
	if len(dns.Servers) > maxServers {
		r.fault(s.dns.servers, at.key("nameservers"), "E-VALUE", "has more than %d entries", "keep three", maxServers)
	}
	for i, item := range items(s.dns.searches) {
		p := at.key("searches").index(i)
		text, ok := r.textOf(item, p, s)
		if ok && !validHost(strings.TrimSuffix(text, ".")) {
			r.fault(item, p, "E-VALUE", "is not a domain", "write a domain such as svc.cluster.local")
		}
		dns.Searches = append(dns.Searches, text)
	}
	if len(dns.Searches) > maxSearches || len(strings.Join(dns.Searches, " ")) > maxSearchLength {
		r.fault(s.dns.searches, at.key("searches"), "E-VALUE", "is too long", "keep up to 32 domains, together up to 2048 characters")
	}
	r.resolverOf(s.dns.settings, at.key("options"), s, &dns)
	if len(dns.Servers)+len(dns.Searches)+len(dns.Options) > 0 {
		out.Pod.DNS = &dns
	}
}

// resolverOf reads the options of dns_config: a mapping, or a list of name:value,
// of {name, value} and of mappings.
func (r *reader) resolverOf(n *node, at place, s *service, dns *DNS) {
	add := func(n *node, p place, name, value string) {
		if name == "" || strings.ContainsAny(name+value, " \t\r\n:") {
			r.fault(n, p, "E-VALUE", "is not an option of a resolver", "write ndots: 2, or another option of resolv.conf")
			return
		}
		dns.Options = append(dns.Options, DNSOption{name, value})
	}
	pairs := func(n *node, p place) {
		if name, value := n.get("name"), n.get("value"); name != nil && name.shape == Text {
			text, _ := r.optional(value, p.key("value"), s)
			add(name, p, name.text, text)
			return
		}
		for _, f := range n.fields {
			text := ""
			if !f.value.isNull() {
				text, _ = r.textOf(f.value, p.key(f.key), s)
			}
			add(f.value, p.key(f.key), f.key, text)
		}
	}
	if n != nil && n.shape == Mapping {
		pairs(n, at)
		return
	}
	for i, item := range items(n) {
		p := at.index(i)
		if item.shape == Mapping {
			pairs(item, p)
			continue
		}
		if text, ok := r.textOf(item, p, s); ok {
			name, value, _ := strings.Cut(text, ":")
			add(item, p, name, strings.TrimSpace(value))
		}
	}
}

// balancingOf reads load_balancing (spec 2.7).
func (r *reader) balancingOf(s *service, out *Service) {
	if s.balancing == nil || s.balancing.text == "roundrobin" {
		return
	}
	at := s.place.key("load_balancing")
	if len(out.Ports) == 0 && !s.faulty {
		r.fault(s.balancing, at, "W-NOT-APPLICABLE", "has no effect: the service has no ports", "add ports:, or remove it")
		return
	}
	switch s.balancing.text {
	case "sticky":
		out.Pod.Sticky = true
	case "closest":
		out.Pod.Distribution = "PreferSameNode"
		if !r.since(1, 34) {
			out.Pod.Distribution = "PreferClose"
			r.fault(s.balancing, at, "W-CLOSEST-ZONE", "means the same zone here: the cluster is older than Kubernetes 1.34", "upgrade the cluster for the same node")
		}
	}
}

// since reports whether the cluster has this version of Kubernetes; one of
// unknown version has the newest.
func (r *reader) since(major, minor int64) bool {
	first, rest, ok := strings.Cut(strings.TrimPrefix(r.o.Facts.ClusterVersion, "v"), ".")
	a, okA := digits(first)
	second, _, _ := strings.Cut(rest, ".")
	b, okB := digits(strings.TrimRight(second, "+"))
	return !ok || !okA || !okB || a > major || a == major && b >= minor
}

// allowed reports whether the operator lets the application reach the nodes it
// runs on, and else refuses what n asks for.
func (r *reader) allowed(n *node, p place, what string) bool {
	if r.o.Facts.Policy.HostAccess {
		return true
	}
	r.fault(n, p, "E-POLICY-HOST", "%s, which this application may not", "remove it, or ask the operator of rondo to allow host_access in rondo.yaml", what)
	return false
}

// whole reads a whole number from least to most.
func (r *reader) whole(n *node, p place, least, most int64) (int64, bool) {
	v, ok := integer(n)
	if !ok || v < least || v > most {
		fix := "write a number from " + itoa(int(least)) + " to " + itoa(int(most))
		if most > 1<<30 {
			fix = "write " + itoa(int(least)) + " or more"
		}
		r.fault(n, p, "E-VALUE", "is out of range", fix)
		return 0, false
	}
	return v, true
}

// nameOf reads the name of an object of the cluster.
func (r *reader) nameOf(n *node, p place, s *service, what string) string {
	text, ok := r.optional(n, p, s)
	if ok && (!validHost(text) || len(text) > 253) {
		r.fault(n, p, "E-VALUE", "is not the name of %s", "use lower-case letters, digits, - and .", what)
		return ""
	}
	return text
}

// idle tells that what is written has no effect on a service of its kind.
func (r *reader) idle(kind Kind, at place, nodes ...*node) {
	for _, n := range nodes {
		if n != nil {
			r.fault(n, at, "W-NOT-APPLICABLE", "has no effect on type %s", "remove it", kind)
			return
		}
	}
}
