package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// maxProblems bounds how many errors, and how many other findings, are kept: a
// person reads the first few, and a hostile file could cause one for each value.
const maxProblems = 100

// reader holds what one Parse has found so far.
type reader struct {
	o        Options
	problems []render.Problem
	errors   int
	others   int
	strict   bool // the manifest says strict: true
	vars     variables
	// unread is what to do with a file whose name is not read; empty: there is none.
	unread string
	// environments are the names that the files have a node for.
	environments []string
	foreign      []field          // nodes of other environments
	double       []field          // keys of both files, of which one counts
	portless     map[string]bool  // services without ports, which have no name in DNS
	root         sources.Position // of the tree, for what has no place of its own
	revision     sources.Revision // of the snapshot
	all          []*service       // in file order, also those that are at fault
	snap         sources.Snapshot
	hookFile     *node   // deploy_hooks.yml; nil: there is none
	foreignHooks []field // nodes of other environments among the hooks
	scripts      int     // bytes of the scripts of hooks
	broken       error   // of the snapshot, while values are read

	once, marks map[string]string // what later renderings are to find
	reads       map[string]bool   // applications that variables refer to, as written

	sharedVolumes []SharedVolume

	holders map[*Option]map[string][]string // by the first option of a table, once a key is unknown there
}

// place is where in the tree a value sits, for the key path and the words of a
// Problem.
type place struct {
	path   string // "services.web.ports[0]"
	object string // "service web"; empty outside of any
	below  int    // where in path what is below the object begins
	firm   bool   // an unknown key is an error here
	quiet  bool   // only unknown keys are told
	outer  []Option
	hollow *Option // the one above, where it lacks its mapping
}

func (p place) key(name string) place {
	p.path = join(p.path, shown(name))
	return p
}

func (p place) index(i int) place {
	p.path += "[" + strconv.Itoa(i) + "]"
	return p
}

// of makes p the place of an object, so that Problems name it.
func (p place) of(object string) place {
	p.object, p.below = object, len(p.path)
	return p
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// String is how a Problem names the place: "service web: ports[0]".
func (p place) String() string {
	below := strings.TrimPrefix(p.path[p.below:], ".")
	switch {
	case p.object == "":
		return p.path
	case below == "":
		return p.object
	}
	return p.object + ": " + below
}

// add records a Problem. Texts hold names and positions, never values: a value
// may be a secret, and Problems are shown to anybody (threats T4).
func (r *reader) add(pos sources.Position, path, code, what, fix string) {
	r.report(render.Problem{Pos: pos, Path: path, Code: code, What: what, Fix: fix})
}

// report records a Problem that was found elsewhere.
func (r *reader) report(p render.Problem) {
	count := &r.others
	if p.IsError() {
		count = &r.errors
	}
	if *count++; *count <= maxProblems {
		r.problems = append(r.problems, p)
	}
}

// fault records a Problem about the value n at p; format follows the name of
// the place.
func (r *reader) fault(n *node, p place, code, format, fix string, args ...any) {
	r.add(n.pos, p.path, code, p.String()+" "+fmt.Sprintf(format, args...), fix)
}

// notBuilt records that the manifest asks for what rondo cannot do yet, and is
// true when that part is skipped instead of refused.
func (r *reader) notBuilt(pos sources.Position, p place, what, instead string) bool {
	if r.o.Incomplete {
		r.add(pos, p.path, "W-NOT-BUILT", what+" is not built yet and was skipped", instead)
		return true
	}
	fix := "remove it, or skip it with --allow-incomplete"
	if instead != "" {
		fix = instead + ", or skip it with --allow-incomplete"
	}
	r.add(pos, p.path, "E-NOT-BUILT", what+" is not built yet", fix)
	return false
}

// shown is a name from the file as it may stand in a Problem. What has not the
// form of a name may be a value at the wrong place, as in {PASSWORD:x}: only
// what stands before its colon is shown.
func shown(name string) string {
	const limit = 63
	if name == "" {
		return `""`
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.', c == '/':
		case (c == ':' || c == '=') && i > 0 && i <= limit:
			return name[:i] + "…"
		default:
			return "…"
		}
	}
	if len(name) > limit {
		return "…"
	}
	return name
}

func itoa(n int) string { return strconv.Itoa(n) }
