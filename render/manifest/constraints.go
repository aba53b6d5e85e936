package manifest

import (
	"math"
	"strings"
)

// constrain reads resources and counts (spec 2.11); rolloutOf reads the rest.
func (r *reader) constrain(s *service, out *Service) {
	at := s.place.key("constraints")
	r.resourcesOf(s, out, at.key("resources"))
	out.MinCount = r.count(either(s.minCount, s.moved[0]), at.key("min_count"), 1)
	maximum := either(s.maxCount, s.moved[1])
	out.MaxCount = r.count(maximum, at.key("max_count"), 0)
	switch {
	case maximum == nil:
	case out.MaxCount == 0:
		r.fault(maximum, at.key("max_count"), "E-VALUE", "is no upper end", "write 1 or more; min_count: 0 lets the service be scaled to zero")
	case out.MaxCount < out.MinCount:
		r.fault(maximum, at.key("max_count"), "E-VALUE", "is less than min_count", "raise it, or lower min_count")
	}
}

func either(n, other *node) *node {
	if n != nil {
		return n
	}
	return other
}

// count reads a number of pods.
func (r *reader) count(n *node, p place, def int64) int64 {
	if n == nil {
		return def
	}
	v, ok := integer(n)
	if !ok || v < 0 || v > math.MaxInt32 {
		r.fault(n, p, "E-VALUE", "is not a number of pods", "write 0 or more")
		return def
	}
	return v
}

// share reads a number or a percentage of pods; most is the highest percentage.
func (r *reader) share(n *node, p place, most int64) string {
	if n == nil {
		return "50%"
	}
	number, percent := strings.CutSuffix(strings.TrimSpace(n.text), "%")
	v, ok := digits(number)
	switch {
	case !ok || v < 0 || v > math.MaxInt32:
		r.fault(n, p, "E-VALUE", "is neither a number nor a percentage", `write 1 or "25%"`)
	case percent && v > most:
		r.fault(n, p, "E-VALUE", "is more than %d%%", "lower it", most)
	case percent:
		return number + "%"
	default:
		return number
	}
	return "50%"
}

// resourcesOf reads requests and limits; a limit alone is the request as well.
func (r *reader) resourcesOf(s *service, out *Service, at place) {
	requests, limits := at.key("requests"), at.key("limits")
	if s.shortMemory != nil && s.limitMemory != nil {
		r.fault(s.shortMemory, at.key("memory"), "W-NOT-APPLICABLE", "has no effect beside limits.memory", "remove it")
	}
	if s.shortCPU != nil && s.requestCPU != nil {
		r.fault(s.shortCPU, at.key("cpu"), "W-NOT-APPLICABLE", "has no effect beside requests.cpu", "remove it")
	}
	requestMemory := r.memory(s.requestMemory, requests.key("memory"), s)
	limitMemory := r.memory(s.limitMemory, limits.key("memory"), s)
	requestCPU := r.cpu(s.requestCPU, requests.key("cpu"), s)
	limitCPU := r.cpu(s.limitCPU, limits.key("cpu"), s)
	if s.shortMemory != nil && s.limitMemory == nil {
		limitMemory = r.memory(s.shortMemory, at.key("memory"), s)
	}
	if s.shortCPU != nil && s.requestCPU == nil {
		// 1024 shares are the weight of one core.
		shares, ok := integer(s.shortCPU)
		if !ok || shares < 1 || shares > 64*1024 {
			r.fault(s.shortCPU, at.key("cpu"), "E-VALUE", "is not a number of CPU shares", "write requests: {cpu: 500m} instead")
		}
		requestCPU = cores((shares*1000 + 1023) / 1024)
	}
	r.ordered(&requestMemory, limitMemory, s.requestMemory, requests.key("memory"))
	if s.requestCPU != nil {
		r.ordered(&requestCPU, limitCPU, s.requestCPU, requests.key("cpu"))
	} else {
		r.ordered(&requestCPU, limitCPU, s.shortCPU, at.key("cpu"))
	}
	out.Resources = Resources{RequestCPU: requestCPU.text, RequestMemory: requestMemory.text, LimitCPU: limitCPU.text, LimitMemory: limitMemory.text}
}

// ordered checks that a request is within its limit, and copies the limit to a
// request that is not set.
func (r *reader) ordered(request *quantity, limit quantity, n *node, p place) {
	switch {
	case limit.text == "":
	case request.text == "":
		*request = limit
	case request.amount > limit.amount && n != nil:
		r.fault(n, p, "E-RESOURCES-ORDER", "is more than the limit", "lower it, or raise limits")
	}
}

func (r *reader) memory(n *node, p place, s *service) quantity {
	const least = 4_000_000
	text, ok := r.optional(n, p, s)
	if !ok {
		return quantity{}
	}
	q, ok := memoryQuantity(text)
	switch {
	case !ok:
		r.fault(n, p, "E-VALUE", "is not an amount of memory", "write 512M or 512Mi")
	case q.amount < least:
		r.fault(n, p, "E-VALUE", "is less than 4M", "write at least 4M, with a unit")
	case q.old:
		r.fault(n, p, "W-QUANTITY-V1", "has a lower-case unit; it is read as %s", "write "+q.text, q.text)
	}
	return q
}

func (r *reader) cpu(n *node, p place, s *service) quantity {
	const most = 64_000
	text, ok := r.optional(n, p, s)
	if !ok {
		return quantity{}
	}
	q, ok := cpuQuantity(text)
	switch {
	case !ok:
		r.fault(n, p, "E-VALUE", "is not an amount of CPU", "write 250m, 1.5 or 2")
	case q.amount > most && !strings.HasSuffix(text, "m"):
		r.fault(n, p, "E-CPU-UNIT", "is more than 64 cores", "write it with m for thousandths of a core, as in 250m")
	case q.amount == 0:
		r.fault(n, p, "E-VALUE", "is zero", "write 10m or more, or remove it")
	}
	return q
}

// optional is textOf for a value that may be missing.
func (r *reader) optional(n *node, p place, s *service) (string, bool) {
	if n == nil {
		return "", false
	}
	return r.textOf(n, p, s)
}
