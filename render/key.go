package render

import "rondo.dev/rondo/sources"

// Disposition says what became of one key of a manifest (spec 0.4).
type Disposition string

const (
	Applied       Disposition = "applied"        // rendered, or obeyed by the daemon
	Translated    Disposition = "translated"     // rendered as an equivalent
	Once          Disposition = "once"           // honoured when the object is first created
	NotApplicable Disposition = "not_applicable" // has no meaning on an existing cluster
	Deprecated    Disposition = "deprecated"     // works, but has a successor
	Rejected      Disposition = "rejected"       // would change behaviour if ignored
	Unknown       Disposition = "unknown"        // no option
)

// Key is a leaf key of the user's manifest and what became of it.
type Key struct {
	Pos         sources.Position `json:"pos"`
	Path        string           `json:"key"` // "services.web.ports"
	Disposition Disposition      `json:"disposition"`
	Code        string           `json:"code,omitempty"` // of the Problem about it; empty: there is none
}
