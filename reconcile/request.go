package reconcile

import "rondo.dev/rondo/sources"

// Request asks for one pass.
type Request struct {
	App        Application
	Trigger    Trigger
	Refresh    bool // render again also when the input is the same
	AllowPrune bool // releases a held plan
	Attempt    int  // from 1; counts the tries since the last pass that ended well
	// Resolved, when set, is told the revision as soon as it is known.
	Resolved func(sources.Revision)

	drift bool // drift is to be corrected, too
}

// merge combines two requests of which neither has begun.
func merge(a *Request, b Request) *Request {
	if a == nil {
		return &b
	}
	switch {
	case a.Trigger == TriggerRemove:
		return a
	case a.Trigger == TriggerHealth: // made when nothing else is wanted
		return &b
	}
	b.drift = a.drift || b.drift || (a.Trigger == TriggerDrift) != (b.Trigger == TriggerDrift)
	if b.Trigger == TriggerDrift {
		b.Trigger = a.Trigger // a deployment corrects drift as well
	}
	b.Refresh = b.Refresh || a.Refresh
	b.AllowPrune = b.AllowPrune || a.AllowPrune
	return &b
}
