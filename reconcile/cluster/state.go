package cluster

import (
	"slices"
	"time"
	"unique"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"rondo.dev/rondo/reconcile/health"
	"rondo.dev/rondo/reconcile/plan"
	"rondo.dev/rondo/render"
)

// app is what is known of one application.
type app struct {
	target   plan.Target
	followed bool
	known    bool // its inventory was read by this process
	paused   bool
	busy     int           // applies that run; drift is judged after them
	applies  int           // counts those that began
	drifts   int           // counts what OnDrift was told of
	planned  int           // drifts that the newest Live knew of
	objects  []*object     // those in its inventory
	parts    []string      // further ConfigMaps of its inventory
	changed  chan struct{} // closed and replaced when anything of it changes
}

// object is what is known of one object: what was recorded at its last apply,
// and what was last seen of it.
type object struct {
	id       render.ID
	owner    *app // whose inventory has it; nil: nobody's
	recorded plan.Mark
	version  string // API version it was applied in
	// seeded is the range of a count that is not ours; nil: none.
	seeded *render.Range

	written time.Time // by this process; zero: it did not
	// finishes: a Job that goes by itself when it has ended.
	finishes bool
	// made: a generated Secret, of which only its loss matters. command: a Job of
	// a deployment, which nobody misses. orphan: kept, and no longer followed.
	made, command, orphan bool
	copy                  *render.Copy // of what it is one; nil: of nothing

	now     sight
	drift   *drifting // nil: it is as it was applied
	checked time.Time // last GET of a suspect
}

// drifting is an object that is not as it was applied.
type drifting struct {
	since time.Time
	told  sight // what OnDrift was called for
}

// sight is what the watch, or a read of metadata, says of an object.
type sight struct {
	mark     plan.Mark // without Values
	app      string    // label rondo.dev/app
	foreign  string    // hash of what listed managers have; empty: nothing
	replicas int64     // -1: unknown
	status   health.Status
	message  string
	gone     bool
	source   string // of a copy: version of what it is made of; empty: as when it was made
}

// seen reports whether anything was ever seen of the object.
func (s sight) seen() bool { return s.mark.Version != "" }

// same compares all that drift is told by.
func (s sight) same(t sight) bool {
	return s.gone == t.gone && s.mark.UID == t.mark.UID && s.mark.Fields == t.mark.Fields &&
		s.mark.Generation == t.mark.Generation && s.foreign == t.foreign && s.source == t.source
}

// newer compares resourceVersions of one kind; versions that are not numbers,
// which only strange API servers give, count as newer.
func newer(a, b string) bool {
	if b == "" {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

type verdict int

const (
	fine    verdict = iota
	suspect         // something moved; a GET tells whether it was ours
	changed
	missing
)

// judge compares what is seen with what was recorded.
func (o *object) judge() verdict {
	now, was := o.now, o.recorded
	outside := o.seeded != nil && now.replicas >= 0 && o.seeded.Clamp(now.replicas) != now.replicas
	switch {
	case was.Version == "" || !now.seen() || o.command || o.orphan:
		return fine // never applied, or never seen, or not to be healed
	case outside && now.mark.Version == was.Version, now.source != "" && now.source != was.Source:
		return changed // settled before the range was known; what it is a copy of has changed
	case !newer(now.mark.Version, was.Version):
		return fine // seen before our own write
	case now.gone && now.mark.UID == was.UID && !o.finishes:
		return missing
	case now.gone, o.made:
		return fine // a predecessor went, or a Job that had ended; values that were made are not compared
	case now.mark.UID != was.UID, now.mark.Fields != was.Fields,
		now.foreign != "", outside:
		return changed
	case now.mark.Generation != was.Generation:
		return suspect
	case was.Generation == 0 && now.mark.Version != was.Version:
		return suspect
	default:
		return fine
	}
}

// app is the record of t, made when new. The caller holds mu.
func (c *Cluster) app(t plan.Target) *app {
	a := c.apps[t.App]
	if a == nil {
		a = &app{changed: make(chan struct{})}
		c.apps[t.App] = a
	}
	a.target = t
	return a
}

// wake tells those who wait for a. The caller holds mu.
func (a *app) wake() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// object is the record of id, made when new. The caller holds mu.
func (c *Cluster) object(id render.ID) *object {
	o := c.objects[id]
	if o == nil {
		id = intern(id)
		o = &object{id: id, now: sight{replicas: -1}}
		c.objects[id] = o
	}
	return o
}

// intern makes equal strings one: most of an ID is the same as in others.
func intern(id render.ID) render.ID {
	return render.ID{
		Group: unique.Make(id.Group).Value(), Kind: unique.Make(id.Kind).Value(),
		Namespace: unique.Make(id.Namespace).Value(), Name: unique.Make(id.Name).Value(),
	}
}

// record notes what an apply made of an object. The caller holds mu.
func (c *Cluster) record(a *app, id render.ID, version string, mark plan.Mark) *object {
	o := c.object(id)
	a.own(o)
	o.recorded, o.version, o.drift, o.now.source = mark, unique.Make(version).Value(), nil, ""
	return o
}

// own makes o one of a's. The caller holds mu.
func (a *app) own(o *object) {
	if o.owner == a {
		return
	}
	if o.owner != nil {
		o.owner.disown(o)
	}
	o.owner = a
	a.objects = append(a.objects, o)
}

func (a *app) disown(o *object) {
	a.objects = slices.DeleteFunc(a.objects, func(other *object) bool { return other == o })
	o.owner = nil
}

// owned is the record of id if it is one of a's, else nil. The caller holds mu.
func (c *Cluster) owned(a *app, id render.ID) *object {
	if o := c.objects[id]; o != nil && o.owner == a {
		return o
	}
	return nil
}

// wants takes over from the object of the bundle what drift is told by. The
// caller holds mu.
func (o *object) wants(object *render.Object) {
	o.seeded, o.finishes = object.Replicas, finishes(object)
	o.made, o.command, o.orphan = object.Generate != nil, object.Command, false
	o.copy = object.Copy
}

// orphaned notes that an object is kept and no longer followed. The caller holds mu.
func (c *Cluster) orphaned(a *app, id render.ID) {
	if o := c.owned(a, id); o != nil {
		o.orphan, o.drift = true, nil
	}
}

// forget drops an object from the inventory of a. The caller holds mu.
func (c *Cluster) forget(a *app, id render.ID) {
	o := c.owned(a, id)
	if o == nil {
		return
	}
	a.disown(o)
	o.recorded, o.drift = plan.Mark{}, nil
	if !o.now.seen() || o.now.gone {
		delete(c.objects, id)
	}
}

// see takes in what was seen of an object, and gives the drift to tell, if it is one.
// The caller holds mu.
func (c *Cluster) see(id render.ID, s sight) (app string, drift []plan.Drift) {
	o := c.objects[id]
	if o == nil {
		if s.gone {
			return "", nil
		}
		o = c.object(id)
	}
	if o.now.seen() && !newer(s.mark.Version, o.now.mark.Version) {
		return "", nil
	}
	// The same text is in the mark already.
	if s.mark.UID == o.recorded.UID {
		s.mark.UID = o.recorded.UID
	}
	if s.mark.Fields == o.recorded.Fields {
		s.mark.Fields = o.recorded.Fields
	}
	wakes := o.now.status != s.status || o.now.message != s.message || o.now.gone != s.gone ||
		!o.now.seen() || newer(o.recorded.Version, o.now.mark.Version)
	s.source = o.now.source
	o.now = s
	if o.owner == nil {
		if s.gone {
			delete(c.objects, id)
		}
		return "", nil
	}
	drift = c.assess(o.owner, o)
	if wakes || drift != nil {
		o.owner.wake()
	}
	return o.owner.target.App, drift
}

// verdict is judge, and missing for what no list had. The caller holds mu.
func (c *Cluster) verdict(o *object) verdict {
	if c.lost(o) {
		o.now = goneSight(o)
		return missing
	}
	return o.judge()
}

// assess judges one object of a, unless a is being applied. The caller holds mu.
func (c *Cluster) assess(a *app, o *object) []plan.Drift {
	if a.busy > 0 || !a.followed {
		return nil
	}
	switch c.verdict(o) {
	case suspect:
		// Once told, the pass finds out; until then at most one GET a minute.
		if o.drift == nil && c.suspects != nil {
			c.suspects.AddAfter(o.id, max(0, suspectEvery-c.o.Now().Sub(o.checked)))
		}
	case changed, missing:
		return c.drift(a, o)
	}
	return nil
}

// drift notes that o drifted and gives what OnDrift is to be told; nil when it
// was told before. The caller holds mu.
func (c *Cluster) drift(a *app, o *object) []plan.Drift {
	switch {
	case o.drift == nil:
		o.drift = &drifting{since: c.o.Now().UTC()}
		c.metrics.drift.Inc()
	case o.drift.told.same(o.now):
		return nil
	}
	o.drift.told = o.now
	a.drifts++
	return []plan.Drift{{ID: o.id, Missing: o.now.gone, Seen: o.drift.since}}
}

// assessAll judges every object of a. The caller holds mu.
func (c *Cluster) assessAll(a *app) (drifts []plan.Drift) {
	for _, o := range a.objects {
		drifts = append(drifts, c.assess(a, o)...)
	}
	return drifts
}

// tell calls OnDrift. The caller does not hold mu.
func (c *Cluster) tell(app string, drifts []plan.Drift) {
	if len(drifts) > 0 {
		c.o.OnDrift(app, drifts)
	}
}
