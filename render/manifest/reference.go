package manifest

import "strings"

// reference is one place in a text that a variable's value takes (spec 2.10).
type reference struct {
	name        string
	service     string // SERVICE[…]; empty: this one, then the application
	app         string // STACK[…] or APP[…]
	fallback    string
	hasFallback bool
	old         bool // a deprecated spelling
	store       bool // _configstore(…), with the key as name
	malformed   bool
}

// piece is a text between references, or a reference.
type piece struct {
	text string
	ref  *reference
}

// refers reports whether s may hold a reference.
func refers(s string) bool {
	return strings.Contains(s, "_env") || strings.Contains(s, "{{") || strings.Contains(s, "_configstore(")
}

// split cuts a text into its references and what is between them.
func split(s string) []piece {
	if !refers(s) {
		return []piece{{text: s}}
	}
	var out []piece
	start, i := 0, 0
	for i < len(s) {
		ref, length := at(s[i:])
		if length == 0 {
			i++
			continue
		}
		if start < i {
			out = append(out, piece{text: s[start:i]})
		}
		out = append(out, piece{ref: &ref})
		i += length
		start = i
	}
	if start < len(s) || len(out) == 0 {
		out = append(out, piece{text: s[start:]})
	}
	return out
}

// at reads the reference that s starts with, and its length; 0: none.
func at(s string) (reference, int) {
	switch {
	case strings.HasPrefix(s, "_env("):
		return bracketed(s, len("_env("), false)
	case strings.HasPrefix(s, "_env:("):
		return bracketed(s, len("_env:("), true)
	case strings.HasPrefix(s, "_env:"):
		return bare(s)
	case strings.HasPrefix(s, "_configstore("):
		end := strings.IndexByte(s, ')')
		if end < 0 {
			return reference{malformed: true, store: true}, len(s)
		}
		key := strings.TrimSpace(s[len("_configstore("):end])
		return reference{store: true, name: key, malformed: !validStoreKey(key)}, end + 1
	case strings.HasPrefix(s, "{{"):
		end := strings.Index(s, "}}")
		if end < 0 {
			return reference{}, 0
		}
		// Braces are used by templates of all kinds: what is no name is text.
		ref, ok := target(s[2:end])
		if !ok {
			return reference{}, 0
		}
		return ref, end + 2
	}
	return reference{}, 0
}

// bracketed reads "NAME)", "NAME:fallback)" and their longer forms.
func bracketed(s string, from int, old bool) (reference, int) {
	var body strings.Builder
	for i := from; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == ')':
			body.WriteByte(')')
			i++
		case s[i] == ')':
			text := body.String()
			// The colon after the brackets of a uid separates the fallback.
			skip := strings.LastIndexByte(text[:nameEnd(text)], ']') + 1
			name, fallback, has := strings.Cut(text[skip:], ":")
			ref, ok := target(text[:skip] + name)
			if !ok {
				return reference{malformed: true}, i + 1
			}
			ref.fallback, ref.hasFallback, ref.old = strings.TrimSpace(fallback), has, old
			return ref, i + 1
		default:
			body.WriteByte(s[i])
		}
	}
	return reference{malformed: true}, len(s)
}

// nameEnd is where the target of a reference ends: at the first colon outside
// of square brackets.
func nameEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ':':
			if depth <= 0 {
				return i
			}
		}
	}
	return len(s)
}

// bare reads "_env:NAME" and "_env:NAME:fallback"; a fallback ends at white
// space or a quote.
func bare(s string) (reference, int) {
	i := len("_env:")
	end := i + identifier(s[i:])
	if end == i {
		return reference{}, 0
	}
	ref := reference{name: s[i:end], old: true}
	if end < len(s) && s[end] == ':' {
		stop := strings.IndexAny(s[end:], " \t\n\"'")
		if stop < 0 {
			stop = len(s) - end
		}
		ref.fallback, ref.hasFallback = s[end+1:end+stop], true
		end += stop
	}
	return ref, end
}

// target reads [scope "."] ["SERVICE[" name "]."] NAME.
func target(s string) (ref reference, ok bool) {
	s = strings.TrimSpace(s)
	for _, scope := range []string{"STACK[", "APP["} {
		if rest, has := strings.CutPrefix(s, scope); has {
			uid, after, closed := strings.Cut(rest, "]")
			if !closed || uid == "" {
				return ref, false
			}
			ref.app = strings.TrimSpace(uid)
			s, has = strings.CutPrefix(strings.TrimSpace(after), ".")
			if !has {
				return ref, false
			}
		}
	}
	if rest, has := strings.CutPrefix(s, "SERVICE["); has {
		name, after, closed := strings.Cut(rest, "]")
		if !closed || strings.TrimSpace(name) == "" {
			return ref, false
		}
		ref.service = strings.TrimSpace(name)
		if s, has = strings.CutPrefix(strings.TrimSpace(after), "."); !has {
			return ref, false
		}
	}
	ref.name = strings.TrimSpace(s)
	return ref, ref.name != "" && identifier(ref.name) == len(ref.name)
}

// identifier is the length of the variable name that s starts with.
func identifier(s string) int {
	i := 0
	for i < len(s) {
		c := s[i]
		if c != '_' && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (i == 0 || c < '0' || c > '9') {
			break
		}
		i++
	}
	return i
}
