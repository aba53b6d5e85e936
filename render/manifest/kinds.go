package manifest

// longest is the longest name of a kind, in bytes, where that is less than what
// objects may have. A StatefulSet puts its name and a hash of eleven characters
// into a label of its Pods.
var longest = map[Kind]int{KindStatefulSet: 52, KindCronJob: maxCronJob}

// kindOf reads type, and schedule of a CronJob (spec 2.1).
func (r *reader) kindOf(s *service, out *Service) {
	if s.kind != nil && s.kind.text != "service" && s.kind.text != "deployment" {
		out.Pod.Kind = Kind(s.kind.text)
	}
	kind := out.Pod.Kind
	if most := longest[kind]; most > 0 && len(s.name) > most {
		r.fault(s.self, s.place, "E-NAME-SYNTAX", "has a name too long for type %s", "use at most "+itoa(most)+" characters", kind)
	}
	if kind != KindCronJob {
		for name, n := range map[string]*node{"schedule": s.schedule, "time_zone": s.timeZone} {
			if n != nil {
				r.fault(n, s.place.key(name), "E-VALUE", "is for type cron_job", "write type: cron_job, or remove it")
			}
		}
		return
	}
	if s.schedule == nil {
		r.fault(s.kind, s.place.key("type"), "E-VALUE", "is cron_job, but there is no schedule", `add schedule: "0 3 * * *"`)
		return
	}
	out.Pod.Schedule = r.schedule(s.schedule, s.place.key("schedule"))
	out.Pod.TimeZone = r.timeZone(s.timeZone, s.place.key("time_zone"))
}

// suit tells what of a service does not suit its kind, and takes it away.
func (r *reader) suit(s *service, out *Service) {
	kind := out.Pod.Kind
	constraints := s.place.key("constraints")
	if !kind.Counted() {
		r.idle(kind, constraints.key("min_count"), s.minCount, s.moved[0])
		r.idle(kind, constraints.key("max_count"), s.maxCount, s.moved[1])
		out.MinCount, out.MaxCount = 1, 1
	}
	if kind == KindDaemonSet {
		r.hostPorts(s, out)
	}
	if !kind.Ends() {
		return
	}
	if !s.ports.isEmpty() {
		r.idle(kind, s.place.key("ports"), s.ports)
	}
	out.Ports, out.Hosts = nil, nil
	if s.health != nil && s.health.text != "none" {
		r.fault(s.health, s.place.key("health"), "E-HEALTH-JOB", "cannot be checked: type %s runs to its end", "remove it", kind)
	}
}

// hostPorts checks the ports that a DaemonSet opens on each node: one for each of
// the container's, and none that the node itself answers on, whose traffic it
// would take.
func (r *reader) hostPorts(s *service, out *Service) {
	type end struct {
		container int
		protocol  string
	}
	opened := map[end]int{}
	hostNetwork, _ := boolean(s.security.network)
	for _, port := range out.Ports {
		for _, e := range []struct {
			protocol string
			number   int
		}{{"tcp", port.TCP}, {"udp", port.UDP}} {
			n, at := &node{pos: port.Pos}, s.place.key("ports")
			switch key := (end{port.Container, e.protocol}); {
			case e.number == 0:
			case hostNetwork && e.number != port.Container:
				r.fault(n, at, "E-PORT-CONFLICT", "opens container port %d as another, which host_network cannot", "use one number for both", port.Container)
			case opened[key] != 0:
				r.fault(n, at, "E-PORT-CONFLICT", "opens container port %d twice for %s, which type daemon_set cannot", "keep one of the two", port.Container, e.protocol)
			default:
				opened[key] = e.number
				if e.number == 22 || e.number == 6443 || e.number >= 2379 && e.number <= 2380 || e.number >= 10248 && e.number <= 10260 {
					r.allowed(n, at, "takes a port of the node itself")
				}
			}
		}
	}
}
