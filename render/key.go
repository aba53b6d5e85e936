package render

import (
	"fmt"
	"strings"

	"rondo.dev/rondo/sources"
)

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

// Dispositions are all of them, in the order of the reference.
func Dispositions() []Disposition {
	return []Disposition{Applied, Translated, Once, NotApplicable, Deprecated, Rejected, Unknown}
}

// Meaning is the disposition in one sentence, for a manual.
func (d Disposition) Meaning() string {
	switch d {
	case Applied:
		return "It is rendered into an object, or rondo itself obeys it."
	case Translated:
		return "It is rendered as an equivalent, which `rondo lint` names."
	case Once:
		return "It counts when its object is first created; a later change is reported and needs an action of its own."
	case NotApplicable:
		return "It has no meaning on a cluster that exists. Its form is checked, then it is left aside with a warning."
	case Deprecated:
		return "It works; the warning names its successor."
	case Rejected:
		return "To ignore it would change what the application does, so it is an error that names what to use."
	case Unknown:
		return "There is no such option: an error inside `services:` and with `strict: true`, a warning elsewhere."
	}
	return ""
}

// says is the disposition as the end of a sentence about a key; empty where
// there is nothing to say.
func (d Disposition) says() string {
	switch d {
	case Translated:
		return "is rendered as an equivalent"
	case Once:
		return "counts when its object is first created"
	case NotApplicable:
		return "has no effect here"
	case Deprecated:
		return "works, but has a successor"
	case Rejected:
		return "cannot be followed"
	case Unknown:
		return "is no option"
	}
	return ""
}

// Key is a leaf key of the user's manifest and what became of it.
type Key struct {
	Pos         sources.Position `json:"pos"` // of the key; of an item of a list, its own
	Path        string           `json:"key"` // "services.web.ports"
	Disposition Disposition      `json:"disposition"`
	Code        string           `json:"code,omitempty"` // of the Problem about it; empty: there is none
}

// KeyCounts is counts in words, in the order of the reference, without what no
// key has: "41 applied, 2 not applicable".
type KeyCounts map[Disposition]int

func (c KeyCounts) String() string {
	var parts []string
	for _, d := range Dispositions() {
		if c[d] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c[d], strings.ReplaceAll(string(d), "_", " ")))
		}
	}
	return strings.Join(parts, ", ")
}

// CountKeys counts keys by disposition; one that no key has is missing.
func CountKeys(keys []Key) KeyCounts {
	counts := make(KeyCounts)
	for i := range keys {
		counts[keys[i].Disposition]++
	}
	return counts
}

// Mark adds to keys, in place, what Problems say about them: the code of the
// gravest, and a disposition where that shows more than the table of options
// did. A Problem about a mapping marks the keys inside only where it says that
// the whole mapping is refused or skipped.
func Mark(keys []Key, problems []Problem) {
	if len(problems) == 0 {
		return
	}
	index := make(map[string]int, len(keys))
	for i := range keys {
		index[keys[i].Path] = i
	}
	for i := range problems {
		p := &problems[i]
		if p.Path == "" {
			continue
		}
		path := p.Path
		at, ok := index[path]
		for !ok && strings.HasSuffix(path, "]") {
			path = path[:strings.LastIndexByte(path, '[')]
			at, ok = index[path]
		}
		if ok {
			keys[at].mark(p.Code)
			continue
		}
		if !whole(p.Code) {
			continue
		}
		for j := range keys {
			if inside(keys[j].Path, p.Path) {
				keys[j].mark(p.Code)
			}
		}
	}
}

// inside reports whether path lies below outer.
func inside(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// whole reports codes that concern everything below their place.
func whole(code string) bool {
	switch code {
	case "E-NOT-BUILT", "W-NOT-BUILT", "E-TYPE", "E-EXTERNAL-APP", "W-DB-UNUSED", "E-DB-ENGINE", "E-NAME-SYNTAX":
		return true
	}
	return false
}

// mark gives k the code of a Problem about it, unless it has a graver one.
func (k *Key) mark(code string) {
	if k.Disposition == Unknown || gravity(k.Code) > gravity(code) {
		return
	}
	k.Code = code
	switch code {
	case "E-KEY-UNKNOWN", "W-KEY-UNKNOWN":
		k.Disposition = Unknown
	case "I-TRANSLATED":
		k.Disposition = Translated
	case "W-DEPRECATED", "W-KEY-MOVED":
		k.Disposition = Deprecated
	case "W-NOT-APPLICABLE", "W-NOT-BUILT", "W-DB-UNUSED", "W-ENV-RESERVED", "I-ENV-OVERRIDDEN":
		k.Disposition = NotApplicable
	case "W-ONCE-CHANGED":
		k.Disposition = Once
	default:
		if code[0] == 'E' {
			k.Disposition = Rejected
		}
	}
}

func gravity(code string) int {
	if code == "" {
		return 0
	}
	return strings.IndexByte("IWE", code[0]) + 1
}

// Explain is the sentence and the hint that belong to k: those of its Problem,
// or of its disposition where one Problem speaks for several keys.
func Explain(k Key, problems []Problem) (what, fix string) {
	for i := range problems {
		p := &problems[i]
		if p.Code == k.Code && (p.Path == k.Path || strings.HasPrefix(p.Path, k.Path+"[") || p.Path != "" && inside(k.Path, p.Path)) {
			return p.What, p.Fix
		}
	}
	return k.Disposition.says(), ""
}
