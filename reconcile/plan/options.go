package plan

import (
	"time"

	"rondo.dev/rondo/render"
)

// Manager and SeedManager are rondo's field managers (design 3.8): the first
// has every field of an applied body, the second seeded counts.
const (
	Manager     = "rondo"
	SeedManager = "rondo-seed"
	// GenerateManager creates and completes generated Secrets and marks orphans:
	// writes of single fields, which no apply repeats.
	GenerateManager = "rondo-once"
)

// Options are what [Compute] needs besides bundle and cluster. The zero value
// plans a pass that brings nothing new and may delete little.
type Options struct {
	Target Target
	Key    []byte // of the digests
	// AllowPrune releases a plan that would be held for what it deletes.
	AllowPrune bool
	Deployment bool
	Revision   string
	Pass       int64
	// Removal: everything goes, on a person's confirmation. The bundle does not count.
	Removal bool
	// TakeOver lists patterns of field managers whose fields are taken over; nil
	// means [DefaultTakeOver]. A trailing "*" stands for any ending.
	TakeOver []string
	// Now decides which orphans have been kept long enough to be stopped; zero: none.
	Now time.Time
	// WaveDeadline bounds the wait for each wave of a deployment; zero: nothing does.
	WaveDeadline time.Duration
	// Withdrawn are the copies of what its application does not share any more: they
	// stay as they are.
	Withdrawn map[render.ID]bool
	// KeepCommands leaves Commands that the bundle lacks where they are, so that
	// a person can look at the one that failed.
	KeepCommands bool
}

// DefaultTakeOver are the managers that people's hands and client-side applies
// leave behind.
func DefaultTakeOver() []string { return []string{"kubectl*", "before-first-apply"} }

func (o Options) takeOver() []string {
	if o.TakeOver == nil {
		return DefaultTakeOver()
	}
	return o.TakeOver
}
