package plan

// Manager and SeedManager are rondo's field managers (design 3.8): the first
// has every field of an applied body, the second seeded counts.
const (
	Manager     = "rondo"
	SeedManager = "rondo-seed"
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
