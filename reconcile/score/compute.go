package score

import (
	"sort"

	"rondo.dev/rondo/render"
)

// Compute judges in.
func Compute(in Input) Score {
	j := &judge{in: in, app: survey(in.Bundle)}
	for _, w := range j.app.workloads {
		j.code05(w)
		j.conn11(w)
		j.conn12(w)
		j.perf02(w)
		j.sec06(w)
	}
	for _, host := range j.app.hosts {
		j.sec03(host)
	}
	if in.Observed != nil {
		j.conn03(*in.Observed)
		j.conn09(*in.Observed)
		j.perf10(*in.Observed)
	}
	s := Score{Version: Version, Grades: map[Metric]Grade{}, Checks: j.checks}
	sort.SliceStable(s.Checks, func(a, b int) bool { return before(s.Checks[a], s.Checks[b]) })
	for _, m := range Metrics {
		if g := grade(m, s.Checks); g != "" {
			s.Grades[m] = g
			s.Overall = worse(s.Overall, g)
		}
	}
	return s
}

// Met reports whether s reaches target (empty: C). E and F never do (spec 6.1
// rule 7), and a score without any check has nothing to miss.
func Met(s Score, target Grade) bool {
	if target == "" {
		target = C
	}
	return s.Overall <= target && s.Overall < E
}

// judge collects the checks of one Compute.
type judge struct {
	in     Input
	app    application
	checks []Check
}

func (j *judge) add(c Check) { j.checks = append(j.checks, c) }

func (j *judge) pass(id string, m Metric, object string) {
	j.add(Check{ID: id, Metric: m, Result: Pass, Object: object})
}

func (j *judge) fail(id string, m Metric, worst Grade, object, reason, fix string) {
	j.add(Check{ID: id, Metric: m, Result: Fail, Cap: worst, Object: object, Reason: reason, Fix: fix})
}

// before orders checks: the worst first, then by metric, id and object.
func before(a, b Check) bool {
	switch {
	case a.Cap != b.Cap:
		return a.Cap > b.Cap // passed checks have none and come last
	case a.Metric != b.Metric:
		return place(a.Metric) < place(b.Metric)
	case a.ID != b.ID:
		return a.ID < b.ID
	case a.Object != b.Object:
		return a.Object < b.Object
	default:
		return a.Reason < b.Reason
	}
}

func place(m Metric) int {
	for i, known := range Metrics {
		if m == known {
			return i
		}
	}
	return len(Metrics)
}

// grade is the lowest cap of m's checks, one step lower where many gather
// (spec 6.1 rule 2); empty when none ran.
func grade(m Metric, checks []Check) Grade {
	var lowest Grade
	count := map[Grade]int{}
	for _, c := range checks {
		switch {
		case c.Metric != m || c.Result == NotApplicable:
		case c.Cap == "":
			lowest = worse(lowest, A)
		default:
			lowest = worse(lowest, c.Cap)
			count[c.Cap]++
		}
	}
	switch {
	case lowest == B && count[B] >= 5:
		return C
	case lowest == C && count[C] >= 3:
		return D
	case lowest == D && count[D] >= 3:
		return E
	}
	return lowest
}

// worse is the lower of two grades; the empty grade is none.
func worse(a, b Grade) Grade { return max(a, b) }

// application is what the checks need to know of a Bundle.
type application struct {
	workloads []workload
	services  []service
	hosts     []host
}

// workload is an object that runs pods.
type workload struct {
	name       string
	kind       string
	replicas   int64 // 1 where nothing is written; the lower end of a range
	spec       map[string]any
	containers []container
	labels     map[string]string // of its pods
	http       bool              // answers on an http or https number of the manifest
}

type container struct {
	name string
	init bool
	body map[string]any
}

type service struct {
	name     string
	selector map[string]string
	http     bool
}

type host struct {
	name, ingress string
	secure        bool
	noRedirect    bool
}

func survey(b render.Bundle) application {
	var app application
	routed := map[string]bool{}
	for _, o := range b.Objects {
		if o.ID.Kind == "Ingress" {
			app.hosts = append(app.hosts, hostsOf(o)...)
			backends(o.Body, routed)
		}
	}
	for _, o := range b.Objects {
		if o.ID.Group == "" && o.ID.Kind == "Service" {
			app.services = append(app.services, serviceOf(o, routed[o.ID.Name]))
		}
	}
	for _, o := range b.Objects {
		w, ok := workloadOf(o)
		if !ok {
			continue
		}
		for _, s := range app.services {
			w.http = w.http || s.http && selects(s.selector, w.labels)
		}
		app.workloads = append(app.workloads, w)
	}
	return app
}

func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return len(selector) > 0
}
