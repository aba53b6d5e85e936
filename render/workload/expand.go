package workload

import (
	"strings"

	"rondo.dev/rondo/render/manifest"
)

// A piece is a stretch of a value: text as it is meant, a variable that
// Kubernetes fills in, or a key of a Secret.
type piece struct {
	text     string
	variable string
	secret   *manifest.SecretRef
}

// split finds the places in text that Kubernetes is asked to fill in: $(NAME)
// where known has NAME. There, and only there, $$(NAME) stands for the text
// $(NAME), and longer runs of dollars pair up in the same way; every other
// dollar is itself. The result has no two neighbours of text.
func split(text string, known func(string) bool) []piece {
	if text != "" && !strings.Contains(text, "$") {
		return []piece{{text: text}}
	}
	var pieces []piece
	var literal strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '$' {
			literal.WriteByte(text[i])
			i++
			continue
		}
		run := len(text[i:]) - len(strings.TrimLeft(text[i:], "$"))
		after := text[i+run:]
		i += run
		name, ok := parenthesised(after)
		if !ok || !known(name) {
			literal.WriteString(strings.Repeat("$", run))
			continue
		}
		literal.WriteString(strings.Repeat("$", run/2))
		if run%2 == 0 {
			continue // escaped: "(NAME)" follows as text
		}
		if literal.Len() > 0 {
			pieces = append(pieces, piece{text: literal.String()})
			literal.Reset()
		}
		pieces = append(pieces, piece{variable: name})
		i += len("(") + len(name) + len(")")
	}
	if literal.Len() > 0 {
		pieces = append(pieces, piece{text: literal.String()})
	}
	return pieces
}

// parenthesised reads "(NAME)" at the start of s.
func parenthesised(s string) (name string, ok bool) {
	if !strings.HasPrefix(s, "(") {
		return "", false
	}
	name, _, ok = strings.Cut(s[1:], ")")
	return name, ok
}

// join writes pieces for a field in which Kubernetes expands: env values and
// commands. What is text comes out of the expansion as it went in.
func join(pieces []piece) string {
	var b strings.Builder
	for i, p := range pieces {
		if p.variable != "" {
			b.WriteString("$(" + p.variable + ")")
			continue
		}
		last := i == len(pieces)-1
		for s := p.text; s != ""; {
			plain, rest, found := strings.Cut(s, "$")
			b.WriteString(plain)
			if !found {
				break
			}
			run := 1 + len(rest) - len(strings.TrimLeft(rest, "$"))
			s = rest[run-1:]
			// Kubernetes reads "$$" as a dollar, "$(" as the start of a reference
			// and any other dollar as itself.
			if run > 1 || strings.HasPrefix(s, "(") || s == "" && !last {
				run *= 2
			}
			b.WriteString(strings.Repeat("$", run))
		}
	}
	return b.String()
}
