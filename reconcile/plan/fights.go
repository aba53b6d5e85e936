package plan

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"rondo.dev/rondo/render"
)

// A field that was put back [fightTimes] times in [fightWindow] is left alone
// from then on (design 3.7): somebody means it, and both would go on for ever.
const (
	fightTimes  = 3
	fightWindow = 10 * time.Minute
)

// Fights remembers which fields were put back and when, for all applications.
// It is safe for concurrent use; time is told, not looked up.
type Fights struct {
	mu    sync.Mutex
	heals map[string]map[contested]*bout
}

// contested is one field of one object; an empty field is the object itself.
type contested struct {
	id    render.ID
	field string
}

type bout struct {
	at      []time.Time // newest last, never empty
	stopped bool
}

// NewFights starts without any.
func NewFights() *Fights { return &Fights{heals: map[string]map[contested]*bout{}} }

// Forget ends the fights of an application: a deployment, or a person who asks
// for a sync, starts anew.
func (f *Fights) Forget(app string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.heals, app)
}

// Stop turns the heals of p that were carried out too often into skips. The text
// says which field of which object, and who takes it; it is empty when nothing
// was stopped. A field that was stopped stays so until [Fights.Forget].
func (f *Fights) Stop(app string, p *Plan) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	bouts := f.heals[app]
	var text string
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action != Heal {
			continue
		}
		loser, stopped := lost(bouts, c)
		if !stopped {
			continue
		}
		reason := fmt.Sprintf("%s was put back %d times in %s and %s; resolve it, then run rondo sync %s",
			loser.what, fightTimes, short(fightWindow), loser.by, app)
		c.Action, c.Reason = Skip, reason
		if text == "" {
			text = c.ID.String() + ": " + reason
		}
	}
	return text
}

// Note counts the heals of p, which were carried out at now. A heal that failed
// is nobody's fight.
func (f *Fights) Note(app string, p *Plan, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	bouts := f.heals[app]
	if bouts == nil {
		bouts = map[contested]*bout{}
	}
	// What is over is forgotten, or a writer that never takes the same field twice
	// would fill the memory.
	maps.DeleteFunc(bouts, func(_ contested, b *bout) bool {
		return !b.stopped && now.Sub(b.at[len(b.at)-1]) >= fightWindow
	})
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == Heal {
			note(bouts, c, now)
		}
	}
	if len(bouts) > 0 {
		f.heals[app] = bouts
	}
}

// loss is what a fight is about, in words.
type loss struct{ what, by string }

// lost finds the first field of c that is not put back any more.
func lost(bouts map[contested]*bout, c *Change) (loss, bool) {
	for _, field := range fieldsOf(c) {
		if b := bouts[contested{c.ID, field.Field}]; b == nil || !b.stopped {
			continue
		}
		l := loss{what: field.Field, by: "is taken again by " + field.Manager}
		switch {
		case field.Field == "" && c.Object != nil && c.Object.Copy != nil && c.Reason != "deleted":
			l = loss{what: "the object", by: "is changed again"} // by whom and where is not read
		case field.Field == "":
			l = loss{what: "the object", by: "is deleted again"}
		case field.Manager == "":
			l.by = "is taken again by an unknown writer"
		}
		return l, true
	}
	return loss{}, false
}

// note records that the fields of c are put back now.
func note(bouts map[contested]*bout, c *Change, now time.Time) {
	for _, field := range fieldsOf(c) {
		key := contested{c.ID, field.Field}
		b := bouts[key]
		if b == nil {
			b = &bout{}
			bouts[key] = b
		}
		recent := b.at[:0]
		for _, at := range b.at {
			if now.Sub(at) < fightWindow {
				recent = append(recent, at)
			}
		}
		b.at = append(recent, now)
		b.stopped = len(b.at) >= fightTimes
	}
}

// fieldsOf are the fields that c puts back, or the object as a whole.
func fieldsOf(c *Change) []FieldChange {
	if len(c.Fields) == 0 {
		return []FieldChange{{}}
	}
	return c.Fields
}

// short prints a whole number of minutes without "0s".
func short(d time.Duration) string { return fmt.Sprintf("%d min", int(d/time.Minute)) }
