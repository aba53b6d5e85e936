package manifest

import (
	"math"
	"strings"
	"time"
)

const (
	// maxScaled is the most Pods that autoscaling asks for unless the operator
	// allows more, maxStep the most at a time (spec 2.15).
	maxScaled, maxStep = 20, 10
	defaultCooldown    = 20 * time.Minute
	// maxCooldown is the limit of the API server (autoscaling/v2,
	// stabilizationWindowSeconds).
	maxCooldown = time.Hour
	queueURL    = "RABBITMQ_URL"
)

// scalingOf reads autoscaling, whose counts then are those of the service (spec
// 2.15).
func (r *reader) scalingOf(s *service, out *Service) {
	raw, at := &s.scaling, s.place.key("autoscaling")
	var first *node
	for _, n := range []*node{raw.min, raw.max, raw.cpu, raw.memory, raw.response, raw.queue, raw.perPod, raw.vhost, raw.up, raw.down, raw.cooldown} {
		if first == nil {
			first = n
		}
	}
	if first == nil {
		return
	}
	if !out.Pod.Kind.Counted() {
		r.idle(out.Pod.Kind, at, first)
		return
	}
	scaling := &Scaling{StepUp: 1, StepDown: 1, Cooldown: defaultCooldown}
	scaling.CPU = r.utilisation(raw.cpu, at.key("cpu"), out.Resources.RequestCPU, "cpu")
	scaling.Memory = r.utilisation(raw.memory, at.key("memory"), out.Resources.RequestMemory, "memory")
	if raw.response != nil {
		text := strings.TrimSpace(strings.TrimSuffix(raw.response.text, "ms"))
		scaling.ResponseTime, _ = r.whole(&node{pos: raw.response.pos, shape: Text, text: text}, at.key("response_time"), 1, 3_600_000)
		switch {
		case r.o.Facts.ResponseTime == "":
			r.fault(raw.response, at.key("response_time"), "E-HPA-METRIC", "cannot be measured: the cluster has no metric for it", "use cpu, or ask the operator of rondo to name a metric in rondo.yaml")
		case raw.queue != nil:
			r.fault(raw.response, at.key("response_time"), "E-HPA-METRIC", "cannot stand beside queue, which KEDA measures", "keep one of the two")
		}
	}
	r.queueOf(s, scaling, at.key("queue"))
	for _, f := range []struct {
		name string
		n    *node
		to   *int64
	}{{"up", raw.up, &scaling.StepUp}, {"down", raw.down, &scaling.StepDown}} {
		if f.n != nil {
			if v, ok := r.whole(f.n, at.key("step").key(f.name), 1, maxStep); ok {
				*f.to = v
			}
		}
	}
	if raw.cooldown != nil {
		d, ok := duration(raw.cooldown.text)
		switch {
		case !ok:
			r.fault(raw.cooldown, at.key("cooldown"), "E-VALUE", "is not a duration", "write 20m")
		case d > maxCooldown:
			r.fault(raw.cooldown, at.key("cooldown"), "I-TRANSLATED", "becomes one hour, the longest that Kubernetes knows", "write 1h")
			d = maxCooldown
		}
		scaling.Cooldown = d
	}
	if raw.cpu == nil && raw.memory == nil && raw.response == nil && raw.queue == nil {
		r.fault(first, at, "E-VALUE", "names nothing to scale by", "add cpu: 70")
		return
	}
	r.scaledCounts(s, out, at)
	out.Pod.Scaling = scaling
}

// scaledCounts gives the service the counts of autoscaling.
func (r *reader) scaledCounts(s *service, out *Service, at place) {
	raw := &s.scaling
	most := int64(maxScaled)
	if r.o.Facts.Policy.MaxPods > 0 {
		most = r.o.Facts.Policy.MaxPods
	}
	least := int64(1)
	if raw.queue != nil {
		least = 0 // KEDA starts the first Pod when a message comes
	}
	if raw.min != nil {
		out.MinCount, _ = r.whole(raw.min, at.key("min"), least, most)
	} else if out.MinCount < least {
		r.fault(either(s.minCount, s.moved[0]), at, "E-VALUE", "cannot scale from min_count 0 by what pods use", "set autoscaling.min: 1")
	}
	switch {
	case raw.max != nil:
		v, ok := r.whole(raw.max, at.key("max"), 1, most)
		if ok && v < out.MinCount {
			r.fault(raw.max, at.key("max"), "E-VALUE", "is less than the fewest pods", "raise it")
		}
		out.MaxCount = v
	case out.MaxCount == 0:
		r.fault(s.scaling.any(), at, "E-VALUE", "has no upper end", "add max: 5")
	case out.MaxCount > most:
		r.fault(either(s.maxCount, s.moved[1]), s.place.key("constraints").key("max_count"), "E-VALUE", "is more than autoscaling may ask for", "write "+itoa(int(most))+" or less")
	case out.MaxCount < out.MinCount:
		r.fault(raw.min, at.key("min"), "E-VALUE", "is more than constraints.max_count", "lower it, or set autoscaling.max")
	}
}

// any is the first metric that is written.
func (o *rawScaling) any() *node {
	return either(either(o.cpu, o.memory), either(o.response, o.queue))
}

// utilisation reads a percentage of a request, which there must be.
func (r *reader) utilisation(n *node, p place, request, name string) int64 {
	if n == nil {
		return 0
	}
	text := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(n.text), "%"))
	v, ok := digits(text)
	if !ok || v < 1 || v > 1000 {
		r.fault(n, p, "E-VALUE", "is not a percentage of the request", "write 70")
		return 0
	}
	if request == "" {
		r.fault(n, p, "E-HPA-NOREQUEST", "is a percentage of a request that the service does not make", "add constraints: {resources: {requests: {"+name+": …}}}")
	}
	return v
}

// queueOf reads queue.
func (r *reader) queueOf(s *service, scaling *Scaling, at place) {
	raw := &s.scaling
	if raw.queue == nil {
		if n := either(raw.perPod, raw.vhost); n != nil {
			r.fault(n, at, "E-VALUE", "does not say which queue", "add name:")
		}
		return
	}
	q := &Queue{}
	q.Name, _ = r.textOf(raw.queue, at.key("name"), s)
	q.VHost, _ = r.optional(raw.vhost, at.key("vhost"), s)
	switch {
	case raw.perPod == nil:
		r.fault(raw.queue, at, "E-VALUE", "does not say how many messages a pod is good for", "add per_pod:")
	default:
		q.PerPod, _ = r.whole(raw.perPod, at.key("per_pod"), 1, math.MaxInt32)
	}
	switch {
	case !r.o.Facts.KEDA:
		r.fault(raw.queue, at, "E-HPA-METRIC", "cannot be measured: KEDA is not installed in the cluster", "use cpu, or install KEDA")
	case !r.defined(queueURL, s):
		// It may come from a Secret that somebody made by hand.
		r.fault(raw.queue, at, "W-QUEUE-ADDRESS", "cannot be measured unless a Secret sets "+queueURL, "use the database rabbitmq, or define the variable")
	}
	scaling.Queue = q
}
