package score

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Line is s in one line of at most 140 characters, for a commit status:
// "C: code A, backups not judged, connectivity C, performance A, security B".
func Line(s Score) string {
	parts := make([]string, len(Metrics))
	for i, m := range Metrics {
		parts[i] = string(m) + " " + s.Grades[m].String()
	}
	return s.Overall.String() + ": " + strings.Join(parts, ", ")
}

// String is the letter, or "not judged".
func (g Grade) String() string {
	if g == "" {
		return "not judged"
	}
	return string(g)
}

// Text is s for a terminal: the metrics, then every check that did not pass,
// with its reason and its fix, the worst first.
func Text(s Score) string {
	var b strings.Builder
	fmt.Fprintf(&b, "StackScore %s (%s)\n\n", s.Overall, s.Version)
	for _, m := range Metrics {
		fmt.Fprintf(&b, "%-14s %s\n", m, s.Grades[m])
	}
	passed, width := 0, 0
	for _, c := range s.Checks {
		if c.Cap == "" {
			passed++
			continue
		}
		width = max(width, utf8.RuneCountInString(c.Reason))
	}
	if passed < len(s.Checks) {
		b.WriteString("\n")
	}
	for _, c := range s.Checks {
		if c.Cap != "" {
			pad := strings.Repeat(" ", width-utf8.RuneCountInString(c.Reason))
			fmt.Fprintf(&b, "%s  %-8s %s%s   %s\n", c.Cap, c.ID, c.Reason, pad, c.Fix)
		}
	}
	switch {
	case len(s.Checks) == 0:
	case passed == 1:
		b.WriteString("\n1 check passed\n")
	default:
		fmt.Fprintf(&b, "\n%d checks passed\n", passed)
	}
	return b.String()
}
