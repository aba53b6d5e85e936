package manifest

import "strings"

// commandOf makes the words of a command (spec 2.5); nil where there is none.
func (r *reader) commandOf(n *node, p place, s *service) []string {
	if n.isNull() {
		return nil
	}
	if n.shape == List {
		words := make([]string, 0, len(n.items))
		for i, item := range n.items {
			word, ok := r.textOf(item, p.index(i), s)
			if !ok {
				return nil
			}
			words = append(words, word)
		}
		if len(words) == 0 || words[0] == "" {
			r.fault(n, p, "E-VALUE", "is empty", "name a program, or remove the option")
			return nil
		}
		return words
	}
	line, ok := r.textOf(n, p, s)
	if !ok {
		return nil
	}
	words, why := commandWords(line, func(name string) bool { return r.defined(name, s) })
	if why != "" {
		r.fault(n, p, "E-VALUE", "%s", "correct the quotes, or write a list of words", why)
		return nil
	}
	return words
}

// commandWords splits a line as a POSIX shell would, and hands the line to
// /bin/sh where only a shell can do what it says: operators, globs, expansions
// and assignments outside of quotes. $(NAME) of a defined variable is for
// Kubernetes and stays.
func commandWords(line string, defined func(string) bool) (words []string, why string) {
	line = strings.TrimSpace(line)
	if line == "" {
		return nil, "is empty"
	}
	words, shell, why := splitWords(line, defined)
	switch {
	case why != "":
		return nil, why
	case shell:
		return []string{"/bin/sh", "-c", line}, ""
	case words[0] == "":
		return nil, "starts with an empty word"
	}
	if name, _, ok := strings.Cut(words[0], "="); ok && name != "" && identifier(name) == len(name) {
		return []string{"/bin/sh", "-c", line}, ""
	}
	return words, ""
}

// splitWords follows POSIX.1-2017, Shell Command Language 2.2 Quoting. Shell
// reports that something needs a shell.
func splitWords(s string, defined func(string) bool) (words []string, shell bool, why string) {
	var word strings.Builder
	open := false // a word has begun, perhaps an empty one in quotes
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\n', '\r':
			if c == '\n' && open {
				shell = shell || strings.TrimSpace(s[i:]) != ""
			}
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		case '\\':
			if i++; i == len(s) {
				return nil, false, "ends in a backslash"
			}
			if s[i] != '\n' {
				word.WriteByte(s[i])
				open = true
			}
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, false, "has an unclosed single quote"
			}
			word.WriteString(s[i+1 : i+1+end])
			i += end + 1
			open = true
		case '"':
			length, needs, ok := doubleQuoted(s[i+1:], &word, defined)
			if !ok {
				return nil, false, "has an unclosed double quote"
			}
			shell = shell || needs
			i += length
			open = true
		case '$':
			if end := kubernetes(s[i:], defined); end > 0 {
				word.WriteString(s[i : i+end])
				i += end - 1
			} else {
				shell = shell || expands(s[i+1:])
				word.WriteByte(c)
			}
			open = true
		case ';', '&', '|', '<', '>', '(', ')', '`', '*', '?', '[':
			shell = true
			word.WriteByte(c)
			open = true
		case '~', '#', '{', '!':
			// Special only at the start of a word.
			shell = shell || !open && (c != '{' && c != '!' || i+1 == len(s) || s[i+1] == ' ')
			word.WriteByte(c)
			open = true
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words, shell, ""
}

// doubleQuoted reads up to the closing quote and returns the length with it.
func doubleQuoted(s string, word *strings.Builder, defined func(string) bool) (length int, shell, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			return i + 1, shell, true
		case '\\':
			if i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0 {
				if i++; s[i] != '\n' {
					word.WriteByte(s[i])
				}
				continue
			}
			word.WriteByte(c)
		case '`':
			shell = true
			word.WriteByte(c)
		case '$':
			if end := kubernetes(s[i:], defined); end > 0 {
				word.WriteString(s[i : i+end])
				i += end - 1
				continue
			}
			shell = shell || expands(s[i+1:])
			word.WriteByte(c)
		default:
			word.WriteByte(c)
		}
	}
	return 0, false, false
}

// kubernetes is the length of the $(NAME) that s starts with; 0: none.
func kubernetes(s string, defined func(string) bool) int {
	if !strings.HasPrefix(s, "$(") {
		return 0
	}
	if n := identifier(s[2:]); n > 0 && 2+n < len(s) && s[2+n] == ')' && defined(s[2:2+n]) {
		return n + 3
	}
	return 0
}

// expands reports whether a dollar before rest starts an expansion of the shell.
func expands(rest string) bool {
	return rest != "" && (strings.IndexByte("{(@*#?-$!", rest[0]) >= 0 || rest[0] >= '0' && rest[0] <= '9' || identifier(rest) > 0)
}
