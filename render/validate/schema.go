package validate

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// text is what testdata/schema wrote: lines, in which the versions share what they have in common.
//
//	versions 1.34 1.35                            minor versions, oldest first
//	kind apps/v1 Deployment namespaced #42 v2     kind, its scope, the number of its type
//	type io.k8s.api.apps.v1.Deployment            types follow in the order of their numbers
//	 spec #43 ! eA,B kname u v3                   fields: name, type, flags
//
// A type is s(tring), b(oolean), i(nt32), (int)l, n(umber), q(uantity), p(ort: a
// number or a string), t(ime), y (base64), a(nything), #number, [type for a list
// and {type for a map. Flags: ! is required, e lists the values of an
// enumeration, k the keys that tell the elements of a list apart, u says that a
// list is a set, and v is a bit mask of the versions that have the line, when
// not all have it.
//
//go:embed schema.txt
var text string

// kindKey is the name of a kind: "apps/v1" and "Deployment".
type kindKey struct{ apiVersion, kind string }

// schema is what one version of Kubernetes knows of its objects.
type schema struct {
	version string // "1.36"
	newer   bool   // the cluster is newer than all that is known: this is a guess
	kinds   map[kindKey]kindEntry
	groups  map[string]bool // API groups with a kind; "" is the core group
	mask    uint64          // the bit of the version

	sections []string // of the types, by number
	mu       sync.Mutex
	types    []*objectType // filled in when first asked for
}

type kindEntry struct {
	number     int // of its type
	namespaced bool
}

// objectType is a type with fields.
type objectType struct {
	fields   map[string]field
	required []string // sorted, as the fields are
}

type field struct {
	valueType string   // as it is written: "[#12"
	enum      []string // nil: any value
	keys      []string // of the elements of a list; nil: elements may be equal
	set       bool     // equal elements are refused
}

// schemas keeps what [schemaOf] read, by version.
var schemas sync.Map

// Versions are the minor versions of Kubernetes whose objects are known, oldest first.
func Versions() []string {
	head, _, _ := strings.Cut(text, "\n")
	return strings.Fields(head)[1:]
}

// schemaOf is the schema of a cluster of that version; empty means the newest
// known. An older cluster is judged by the oldest schema, a newer one by the newest.
func schemaOf(clusterVersion string) (*schema, error) {
	versions := Versions()
	if len(versions) == 0 {
		return nil, errors.New("the schema is empty")
	}
	index, newer := len(versions)-1, false
	if want := minor(clusterVersion); want > 0 {
		newer = want > minor(versions[index])
		for index > 0 && minor(versions[index]) > want {
			index--
		}
	}
	key := versions[index] + "/" + strconv.FormatBool(newer)
	if s, ok := schemas.Load(key); ok {
		return s.(*schema), nil
	}
	s, err := parse(index)
	if err != nil {
		return nil, err
	}
	s.version, s.newer = versions[index], newer
	kept, _ := schemas.LoadOrStore(key, s)
	return kept.(*schema), nil
}

// minor is the number 36 of "1.36", "v1.36.3" and "1.36+"; 0 when there is none.
func minor(version string) int {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 || parts[0] != "1" {
		return 0
	}
	digits := parts[1]
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	n, _ := strconv.Atoi(digits)
	return n
}

// parse reads the kinds and finds where each type is; the types themselves are
// read when an object has them, for most objects need few.
func parse(version int) (*schema, error) {
	s := &schema{kinds: map[kindKey]kindEntry{}, groups: map[string]bool{}, mask: 1 << version}
	rest := text[strings.IndexByte(text, '\n')+1:]
	for strings.HasPrefix(rest, "kind ") {
		line, after, _ := strings.Cut(rest, "\n")
		rest = after
		words := strings.Fields(line)
		if len(words) < 5 {
			return nil, fmt.Errorf("schema: kind line of %d words", len(words))
		}
		if !s.has(words[5:]) {
			continue
		}
		number, err := strconv.Atoi(strings.TrimPrefix(words[4], "#"))
		if err != nil {
			return nil, fmt.Errorf("schema: kind of type %q", words[4])
		}
		s.kinds[kindKey{words[1], words[2]}] = kindEntry{number, words[3] == "namespaced"}
		s.groups[groupOf(words[1])] = true
	}
	s.sections = strings.Split(strings.TrimPrefix(rest, "type "), "\ntype ")
	s.types = make([]*objectType, len(s.sections))
	return s, nil
}

// has reports whether a line with these flags is one of this version.
func (s *schema) has(flags []string) bool {
	if len(flags) == 0 || flags[len(flags)-1][0] != 'v' {
		return true
	}
	mask, err := strconv.ParseUint(flags[len(flags)-1][1:], 10, 64)
	return err == nil && mask&s.mask != 0
}

// objectType is the type of that number, "12".
func (s *schema) objectType(number string) *objectType {
	n, err := strconv.Atoi(number)
	if err != nil || n >= len(s.sections) {
		return nil
	}
	return s.typeAt(n)
}

func (s *schema) typeAt(n int) *objectType {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.types[n] == nil {
		s.types[n] = s.parseType(s.sections[n])
	}
	return s.types[n]
}

func (s *schema) parseType(section string) *objectType {
	t := &objectType{fields: make(map[string]field, strings.Count(section, "\n"))}
	_, lines, _ := strings.Cut(section, "\n")
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) < 2 || !s.has(words[2:]) {
			continue
		}
		f := field{valueType: words[1]}
		for _, flag := range words[2:] {
			switch flag[0] {
			case '!':
				t.required = append(t.required, words[0])
			case 'e':
				f.enum = strings.Split(flag[1:], ",")
			case 'k':
				f.keys = strings.Split(flag[1:], ",")
			case 'u':
				f.set = true
			}
		}
		t.fields[words[0]] = f
	}
	return t
}

// groupOf is "apps" of "apps/v1" and empty for "v1".
func groupOf(apiVersion string) string {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// builtIn reports whether the group belongs to Kubernetes itself, today or once:
// those of extensions have a domain, and only some of Kubernetes' own have one.
func (s *schema) builtIn(group string) bool {
	return s.groups[group] || !strings.Contains(group, ".")
}

// elsewhere lists the API versions that have the kind, sorted, the stable ones first.
func (s *schema) elsewhere(kind string) []string {
	var stable, other []string
	for key := range s.kinds {
		switch {
		case key.kind != kind:
		case strings.Contains(key.apiVersion, "alpha"), strings.Contains(key.apiVersion, "beta"):
			other = append(other, key.apiVersion)
		default:
			stable = append(stable, key.apiVersion)
		}
	}
	slices.SortFunc(stable, func(a, b string) int { return strings.Compare(b, a) }) // autoscaling/v2 before v1
	slices.Sort(other)
	return append(stable, other...)
}
