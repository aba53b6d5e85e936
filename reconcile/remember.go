package reconcile

import (
	"maps"
	"time"

	"rondo.dev/rondo/reconcile/plan"
)

// remember adds values to what later renderings find in Facts.Once, and reports
// whether any is new. The next revision then renders once more, since its facts
// are others; a pass without a new revision does not look.
func (s *State) remember(values map[string]string) (news bool) {
	for name, value := range values {
		if had, ok := s.Once[name]; ok && had == value {
			continue
		}
		if !news {
			s.Once, news = maps.Clone(s.Once), true
		}
		if s.Once == nil {
			s.Once = map[string]string{}
		}
		s.Once[name] = value
	}
	return news
}

// Orphan is a data group that left git and is kept (spec 3.7).
type Orphan struct {
	Since time.Time `json:"since"`
	Stops time.Time `json:"stops,omitzero"` // when its pods stop; zero: they have
}

// orphans notes which data groups are kept, from the newest plan.
func (s *State) orphans(p *plan.Plan) {
	if p == nil || p.Held != "" || len(p.Refused) > 0 {
		return
	}
	s.Orphans = nil
	for _, change := range p.Changes {
		if change.Group == "" || change.Since == 0 {
			continue
		}
		if s.Orphans == nil {
			s.Orphans = map[string]Orphan{}
		}
		o := s.Orphans[change.Group]
		o.Since = time.Unix(change.Since, 0).UTC()
		if entry, _ := p.Inventory.Find(change.ID); plan.Stoppable(change.ID) && !change.Stop && !entry.Stopped {
			o.Stops = o.Since.Add(plan.OrphanGrace)
		}
		s.Orphans[change.Group] = o
	}
}

// Stop reports whether the pods of an orphan are to be stopped at now; a pass
// that corrects drift does it.
func (s State) Stop(now time.Time) bool {
	for _, o := range s.Orphans {
		if !o.Stops.IsZero() && !now.Before(o.Stops) {
			return true
		}
	}
	return false
}
