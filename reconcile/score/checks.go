package score

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Checks lists the checks of [Version]. Those that need a cluster are left out
// when [Input] has no Observed.
var Checks = [...]string{
	"CODE-05", "CONN-03", "CONN-09", "CONN-11", "CONN-12", "PERF-02", "PERF-10", "SEC-03", "SEC-06",
}

// code05: every image has a tag other than latest, or a digest.
func (j *judge) code05(w workload) {
	for _, c := range w.containers {
		image := textAt(c.body, "image")
		if fixedTag(image) {
			j.pass("CODE-05", Code, w.title(c))
			continue
		}
		j.fail("CODE-05", Code, C, w.title(c), fmt.Sprintf("%s uses %s without a fixed tag", w.title(c), image),
			"name a version or digest")
	}
}

func fixedTag(image string) bool {
	if strings.Contains(image, "@") {
		return true
	}
	_, tag, ok := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	return ok && tag != "" && tag != "latest"
}

// conn03: every Service that selects pods has a ready endpoint.
func (j *judge) conn03(seen Observed) {
	for _, s := range j.app.services {
		if len(s.selector) == 0 {
			continue // its endpoints are somebody else's
		}
		switch n, known := seen.Endpoints[s.name]; {
		case !known:
			j.add(Check{ID: "CONN-03", Metric: Connectivity, Result: NotKnown, Cap: C, Object: s.name,
				Reason: "the endpoints of " + s.name + " are not known", Fix: "look again when the cluster answers"})
		case n == 0:
			j.fail("CONN-03", Connectivity, F, s.name, s.name+" has no ready endpoint", "look at pod events")
		default:
			j.pass("CONN-03", Connectivity, s.name)
		}
	}
}

// conn09: no pod is in a crash loop, was killed for memory, or restarts often.
func (j *judge) conn09(seen Observed) {
	for _, p := range seen.Pods {
		reason := fmt.Sprintf("%s restarted %d times", p.Name, p.Restarts)
		if p.Reason != "" {
			reason += " (" + p.Reason + ")"
		}
		switch {
		case p.Reason == "CrashLoopBackOff":
			j.fail("CONN-09", Connectivity, F, p.Service, reason, "check its logs")
		case p.Reason == "OOMKilled":
			j.fail("CONN-09", Connectivity, C, p.Service, reason, "raise its memory")
		case p.Restarts > 5:
			j.fail("CONN-09", Connectivity, C, p.Service, reason, "check its logs")
		default:
			j.pass("CONN-09", Connectivity, p.Service)
		}
	}
}

// conn11: what answers http runs more than once.
func (j *judge) conn11(w workload) {
	if !w.http || w.kind != "Deployment" && w.kind != "StatefulSet" || w.replicas == 0 {
		return
	}
	if w.replicas > 1 {
		j.pass("CONN-11", Connectivity, w.name)
		return
	}
	j.fail("CONN-11", Connectivity, C, w.name, w.name+" runs once", "set constraints.min_count to 2")
}

// conn12: what has ports has a readiness and a liveness probe, and not the same twice.
func (j *judge) conn12(w workload) {
	if w.kind == "Job" || w.kind == "CronJob" {
		return
	}
	for _, c := range w.containers {
		if c.init || len(listAt(c.body, "ports")) == 0 {
			continue
		}
		name := w.title(c)
		ready, alive := at(c.body, "readinessProbe"), at(c.body, "livenessProbe")
		switch {
		case ready == nil:
			j.fail("CONN-12", Connectivity, C, name, name+" has no readiness probe", "add health.ready")
		case alive == nil:
			j.fail("CONN-12", Connectivity, B, name, name+" has no liveness probe", "add health.alive")
		case reflect.DeepEqual(ready, alive):
			j.fail("CONN-12", Connectivity, B, name, name+" asks the same for ready and alive", "make health.alive milder")
		default:
			j.pass("CONN-12", Connectivity, name)
		}
	}
}

// perf02: every container requests CPU and memory. A limit without a request
// counts: Kubernetes then requests the limit.
func (j *judge) perf02(w workload) {
	for _, c := range w.containers {
		var lacks []string
		for _, resource := range []string{"cpu", "memory"} {
			if at(c.body, "resources", "requests", resource) == nil && at(c.body, "resources", "limits", resource) == nil {
				lacks = append(lacks, resource)
			}
		}
		if len(lacks) == 0 {
			j.pass("PERF-02", Performance, w.title(c))
			continue
		}
		what := "nothing"
		if len(lacks) == 1 {
			what = "no " + lacks[0]
		}
		j.fail("PERF-02", Performance, C, w.title(c), w.title(c)+" requests "+what, "set constraints.resources.requests")
	}
}

// perf10: every rollout ended within its deadline.
func (j *judge) perf10(seen Observed) {
	for _, w := range j.app.workloads {
		if slices.Contains(seen.RolloutExceeded, w.name) {
			j.fail("PERF-10", Performance, F, w.name, w.name+" did not finish rolling out", "look at pod events")
			continue
		}
		j.pass("PERF-10", Performance, w.name)
	}
}

// sec03: every http host has https, and sends browsers there.
func (j *judge) sec03(h host) {
	name := h.name
	if name == "" {
		name = "any host"
	}
	switch {
	case !h.secure:
		j.fail("SEC-03", Security, C, h.ingress, name+" is served in clear", "add an https port")
	case h.noRedirect:
		j.fail("SEC-03", Security, B, h.ingress, name+" does not redirect to https", "remove ssl-redirect: \"false\"")
	default:
		j.pass("SEC-03", Security, h.ingress)
	}
}

// sec06: no container may run as root. What the container says wins over its pod.
func (j *judge) sec06(w workload) {
	for _, c := range w.containers {
		pod, own := at(w.spec, "securityContext"), at(c.body, "securityContext")
		nonRoot, ok := at(own, "runAsNonRoot").(bool)
		if !ok {
			nonRoot, _ = at(pod, "runAsNonRoot").(bool)
		}
		user, ok := numberAt(own, "runAsUser")
		if !ok {
			user, _ = numberAt(pod, "runAsUser")
		}
		if nonRoot || user > 0 {
			j.pass("SEC-06", Security, w.title(c))
			continue
		}
		j.fail("SEC-06", Security, C, w.title(c), w.title(c)+" may run as root", "set security_context.run_as_non_root or run_as_user")
	}
}
