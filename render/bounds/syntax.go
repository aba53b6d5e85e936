package bounds

import (
	"bytes"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// Syntax is the fault of a text that yaml refused with err.
func Syntax(file string, b []byte, err error) render.Problem {
	message := err.Error()
	line := 0
	if m := yamlLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
	}
	lines := strings.Split(string(b), "\n")
	line = max(1, min(line, len(lines)))
	if at := breaks(lines, message); at > 0 {
		line = at
	}
	if strings.Contains(message, "exceeded max depth") {
		return render.Problem{Pos: sources.Position{File: file, Line: line}, Code: "E-YAML-DEPTH",
			What: "the file nests deeper than " + strconv.Itoa(MaxDepth) + " levels", Fix: "flatten it"}
	}
	c := cause(lines, line, message)
	return render.Problem{Pos: sources.Position{File: file, Line: c.line, Column: c.column}, Code: "E-YAML-SYNTAX",
		What: "the file is not valid YAML: " + c.what, Fix: c.fix}
}

// breaks is the line at which yaml stops reading: the first after which it says
// what it says about the whole. Its own line is often that of the enclosing
// block, far above. 0: not looked for.
func breaks(lines []string, message string) int {
	const most = 32 << 10 // bytes; the search parses about sixteen times
	text := strings.Join(lines, "\n")
	if len(text) > most {
		return 0
	}
	ends := make([]int, len(lines))
	end := 0
	for i, line := range lines {
		end += len(line)
		ends[i] = end
		end++
	}
	found := sort.Search(len(lines), func(i int) bool {
		var doc yaml.Node
		err := yaml.Unmarshal([]byte(text[:ends[i]]), &doc)
		return err != nil && err.Error() == message
	})
	if found == len(lines) {
		return 0
	}
	return found + 1
}

// suspect is a likely cause of a syntax error.
type suspect struct {
	line, column int
	what, fix    string
}

// cause looks for what people get wrong most often, and falls back on what the
// parser said.
func cause(lines []string, line int, message string) suspect {
	tabs := strings.Contains(message, " tab ") || strings.Contains(message, "cannot start any token")
	for i, text := range lines {
		switch indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]; {
		case strings.HasPrefix(text, "<<<<<<< "), strings.HasPrefix(text, ">>>>>>> "):
			return suspect{i + 1, 1, "a merge conflict was left in it", "resolve the conflict"}
		case tabs && i+1 >= line && strings.Contains(indent, "\t"):
			return suspect{i + 1, 1 + strings.IndexByte(indent, '\t'), "the line is indented with a tab", "indent with spaces"}
		}
	}
	for i, text := range lines {
		if at := strings.Index(text, "<%"); at >= 0 {
			return suspect{i + 1, at + 1, "it holds ERB, which is not evaluated", "write _env(NAME) in quotes instead of <%= … %>"}
		}
	}
	if deeper := afterScalar(lines, line); deeper > 0 {
		return suspect{deeper, 1 + len(lines[deeper-1]) - len(strings.TrimLeft(lines[deeper-1], " ")), "a key is indented below a value", "put it on the level of the key above"}
	}
	for _, near := range []int{line, line - 1, line + 1} {
		if near < 1 || near > len(lines) {
			continue
		}
		if at := glued(lines[near-1]); at > 0 {
			return suspect{near, at, "a key has no space after its colon", "write key: value"}
		}
		if s, ok := badStart(lines[near-1]); ok {
			s.line = near
			return s
		}
	}
	fix := "check indentation, quotes and colons around this line"
	what := "it cannot be read here"
	switch {
	case strings.Contains(message, "mapping values are not allowed"):
		what, fix = "a colon stands where no key can be", "indent the key as its neighbours, or put the value in quotes"
	case strings.Contains(message, "unknown anchor"):
		what, fix = "an alias names an anchor that does not exist", "declare it with & above its use, or put the value in quotes"
	case strings.Contains(message, "did not find expected key"):
		what, fix = "a key or its indentation is wrong in this block", "align the keys of the block, and close all quotes"
	case strings.Contains(message, "did not find expected '-'"):
		what, fix = "a list has a line that is no item", "start each item with a dash, at the same indentation"
	case strings.Contains(message, "could not find expected ':'"):
		what, fix = "a key has no colon", "write key: value, with a space after the colon"
	case strings.Contains(message, "did not find expected ',' or"):
		what, fix = "a bracket is not closed", "close it, and separate entries with commas"
	case strings.Contains(message, "unexpected end of stream"):
		what, fix = "a quote or a bracket is not closed", "close it"
	case strings.Contains(message, "control characters"):
		what, fix = "it holds a control character", "remove it"
	}
	return suspect{line, 0, what, fix}
}

// afterScalar finds, around line, a key that is indented deeper than a key
// above that has a value already; 0: none.
func afterScalar(lines []string, line int) int {
	for i := max(1, line-3); i < min(len(lines), line+3); i++ {
		above, this := lines[i-1], lines[i]
		if strings.TrimSpace(above) == "" || strings.HasPrefix(strings.TrimSpace(above), "#") {
			continue
		}
		item := strings.TrimLeft(above, " -")
		depth := len(above) - len(item)
		own := len(this) - len(strings.TrimLeft(this, " "))
		key, value, ok := strings.Cut(item, ": ")
		value = strings.TrimSpace(value)
		if ok && own > depth && identifier(key) == len(key) && value != "" && strings.IndexByte("|>&*#{[\"'!", value[0]) < 0 {
			if k, _, ok := strings.Cut(strings.TrimSpace(this), ":"); ok && identifier(k) == len(k) && k != "" {
				return i + 1
			}
		}
	}
	return 0
}

// glued is the column after the colon of key:value without a space; 0: none.
func glued(text string) int {
	key := strings.TrimLeft(text, " -")
	n := identifier(key)
	if n == 0 || n+1 >= len(key) || key[n] != ':' || strings.ContainsRune(" /\t\r", rune(key[n+1])) {
		return 0
	}
	return len(text) - len(key) + n + 2
}

// badStart finds a value that starts with a sign of YAML's own.
func badStart(text string) (suspect, bool) {
	_, value, ok := strings.Cut(text, ": ")
	if !ok {
		value = strings.TrimLeft(text, " -")
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return suspect{}, false
	}
	column := strings.LastIndex(text, value) + 1
	switch c := value[0]; {
	case bytes.IndexByte([]byte("@`%"), c) >= 0:
		return suspect{column: column, what: "a value starts with " + string(c), fix: "put the value in quotes"}, true
	case c == '*' && len(value) > 1 && strings.ContainsAny(value[1:2], ".* "), c == '*' && len(value) == 1:
		return suspect{column: column, what: "a value starts with *, the sign of an alias", fix: `put the value in quotes: "*.example.org"`}, true
	case strings.HasPrefix(value, "{{"):
		return suspect{column: column, what: "a value starts with {{", fix: `put the value in quotes: "{{NAME}}"`}, true
	case (c == '"' || c == '\'') && strings.Count(value, string(c))%2 == 1:
		return suspect{column: column, what: "a quote is not closed", fix: "close it, or double a quote inside"}, true
	}
	return suspect{}, false
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
