package manifest

import (
	"strings"
	"time"
)

// defaultDeadline is the time after which Kubernetes calls a rollout failed
// (apps/v1, progressDeadlineSeconds), and the one of the reference.
const defaultDeadline = 10 * time.Minute

// rolloutOf reads strategy and the pace of updates of constraints, which it
// wins over (spec 2.9, 2.11 rule 4).
func (r *reader) rolloutOf(s *service, out *Service) {
	at, kind := s.place.key("strategy"), out.Pod.Kind
	constraints := s.place.key("constraints")
	unavailable, surge := either(s.unavailable, s.moved[2]), either(s.surge, s.moved[3])
	out.MaxUnavailable = r.share(unavailable, constraints.key("max_unavailable"), 100)
	out.MaxSurge = r.share(surge, constraints.key("max_surge"), 1000)
	pace := constraints
	if s.strategy.unavailable != nil {
		unavailable, pace = s.strategy.unavailable, at
		out.MaxUnavailable = r.share(unavailable, at.key("max_unavailable"), 100)
	}
	if s.strategy.surge != nil {
		surge, pace = s.strategy.surge, at
		out.MaxSurge = r.share(surge, at.key("max_surge"), 1000)
	}
	out.Pod.Recreate = s.strategy.kind != nil && s.strategy.kind.text == "Recreate"
	if out.Pod.Recreate && kind != KindDeployment {
		r.fault(s.strategy.kind, at, "E-VALUE", "cannot be Recreate with type %s", "remove it; such pods are always replaced one after another", kind)
	}
	if kind == KindDaemonSet {
		r.daemonPace(unavailable, surge, pace, out)
	}
	switch {
	case out.Pod.Recreate:
		for _, f := range []struct {
			n    *node
			name string
		}{{s.strategy.unavailable, "max_unavailable"}, {s.strategy.surge, "max_surge"}} {
			if f.n != nil {
				r.fault(f.n, at.key(f.name), "W-NOT-APPLICABLE", "has no effect beside type Recreate", "remove it")
			}
		}
	case kind == KindDeployment || kind == KindDaemonSet:
		if none(out.MaxUnavailable) && none(out.MaxSurge) {
			r.fault(either(surge, unavailable), pace, "E-STRATEGY-ZERO", "has max_unavailable and max_surge at 0, so no update could begin", "raise one of the two")
		}
	default:
		r.idle(kind, pace.key("max_unavailable"), unavailable)
		r.idle(kind, pace.key("max_surge"), surge)
	}
	if kind.Ends() {
		r.idle(kind, at, s.strategy.minReady, s.strategy.deadline)
		return
	}
	out.Pod.MinReady = time.Duration(r.seconds(s.strategy.minReady, at.key("min_ready"), 0, 0)) * time.Second
	out.Pod.ProgressDeadline = time.Duration(r.seconds(s.strategy.deadline, at.key("progress_deadline"), 0, 1)) * time.Second
	if kind != KindDeployment {
		r.idle(kind, at.key("progress_deadline"), s.strategy.deadline)
	} else if deadline := max(out.Pod.ProgressDeadline, 0); out.Pod.MinReady > 0 && out.Pod.MinReady >= orElse(deadline, defaultDeadline) {
		r.fault(s.strategy.minReady, at.key("min_ready"), "E-VALUE", "is not less than progress_deadline, so every rollout would fail", "raise progress_deadline")
	}
}

// daemonPace is the pace of a DaemonSet: either Pods go first, or new ones come
// first, since Kubernetes does not do both (spec 2.11 rule 4).
func (r *reader) daemonPace(unavailable, surge *node, at place, out *Service) {
	switch {
	case surge == nil:
		out.MaxSurge = "0"
	case none(out.MaxSurge):
	case unavailable == nil:
		out.MaxUnavailable = "0"
	case !none(out.MaxUnavailable):
		r.fault(surge, at.key("max_surge"), "E-VALUE", "cannot stand beside max_unavailable with type daemon_set", "set max_unavailable: 0, or remove one of the two")
	}
}

func orElse(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// none reports whether a number or a percentage is zero.
func none(share string) bool { return strings.Trim(strings.TrimSuffix(share, "%"), "0") == "" }

// disruptionOf reads disruption.
func (r *reader) disruptionOf(s *service, out *Service) {
	at := s.place.key("disruption")
	unavailable, available := s.disruption.unavailable, s.disruption.available
	switch {
	case unavailable == nil && available == nil:
	case !out.Pod.Kind.Counted():
		r.idle(out.Pod.Kind, at, unavailable, available)
	case unavailable != nil && available != nil:
		r.fault(available, at, "E-VALUE", "has max_unavailable and min_available", "keep one of the two")
	case unavailable != nil:
		out.Pod.Disruption = &Disruption{MaxUnavailable: r.share(unavailable, at.key("max_unavailable"), 100)}
	default:
		out.Pod.Disruption = &Disruption{MinAvailable: r.share(available, at.key("min_available"), 100)}
	}
}

// settleStorage decides what depends on the volumes of a service: two Pods cannot
// share one that only a single node may mount.
func (r *reader) settleStorage(s *service, out *Service) {
	switch {
	case out.Pod.Kind == KindStatefulSet && !out.Pod.Persistent:
		r.fault(s.kind, s.place.key("type"), "W-STATEFUL-EMPTY", "keeps nothing without a persistent volume", "add one, or write type: service")
	case out.Pod.Kind == KindDeployment && out.Pod.Exclusive && s.strategy.kind == nil:
		out.Pod.Recreate = true
		r.fault(s.self, s.place, "I-STRATEGY-RECREATE", "is stopped during an update: only one pod at a time can use its volume", "write strategy: {type: Recreate}, or use a shared volume")
	}
}
