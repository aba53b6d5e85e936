package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDescription is what a commit status on GitHub holds, in characters
// (https://docs.github.com/rest/commits/statuses).
const maxDescription = 140

// line makes one line of plain text of at most limit characters: white space
// is folded, control and direction characters are left out, and angle brackets
// replaced, since not every reader of a status escapes HTML (threats T26).
func line(text string, limit int) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.Is(unicode.C, r):
			continue
		case r == '<':
			r = '‹'
		case r == '>':
			r = '›'
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return cut(b.String(), limit)
}

// cut keeps the first limit characters, the last of them "…" when more follow.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	n := 0
	for i := range text {
		if n++; n == limit {
			return strings.TrimRight(text[:i], " ") + "…"
		}
	}
	return text
}
