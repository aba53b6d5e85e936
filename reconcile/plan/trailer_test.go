package plan

import (
	"strings"
	"testing"
)

func TestPruneAllowed(t *testing.T) {
	for name, tc := range map[string]struct {
		message string
		want    bool
	}{
		"a trailer":                                    {"drop the worker\n\nRondo-Prune: allow\n", true},
		"a trailer after a body":                       {"drop the worker\n\nNobody uses it.\n\nRondo-Prune: allow", true},
		"among other trailers":                         {"drop\n\nSigned-off-by: A <a@example.org>\nRondo-Prune: allow\nReviewed-by: B <b@example.org>\n", true},
		"keys ignore case":                             {"drop\n\nrondo-prune: allow", true},
		"blanks around the colon":                      {"drop\n\nRondo-Prune :   allow  \n\n\n", true},
		"lines that end in CR LF":                      {"drop\r\n\r\nRondo-Prune: allow\r\n", true},
		"after a cherry-pick":                          {"drop\n\nRondo-Prune: allow\n(cherry picked from commit 0123456789abcdef)\n", true},
		"beside a folded trailer":                      {"drop\n\nNote: a\n  long one\nRondo-Prune: allow", true},
		"in the subject it is none":                    {"Rondo-Prune: allow", false},
		"in the first paragraph it is none":            {"drop\nRondo-Prune: allow\n", false},
		"in the body it is none":                       {"drop\n\nRondo-Prune: allow\n\nMore words.\n", false},
		"quoted in a sentence it is none":              {"drop\n\nAdd the trailer \"Rondo-Prune: allow\" to release it.\n", false},
		"below a sentence of its paragraph it is none": {"drop\n\nNobody uses the worker.\nRondo-Prune: allow\n", false},
		"indented it is none":                          {"drop\n\n    Rondo-Prune: allow\n", false},
		"commented out it is none":                     {"drop\n\n# Rondo-Prune: allow\n", false},
		"another value":                                {"drop\n\nRondo-Prune: deny", false},
		"no value":                                     {"drop\n\nRondo-Prune:", false},
		"a longer value":                               {"drop\n\nRondo-Prune: allow not", false},
		"a folded value":                               {"drop\n\nRondo-Prune: allow\n  not", false},
		"values ignore no case":                        {"drop\n\nRondo-Prune: ALLOW", false},
		"taken back":                                   {"drop\n\nRondo-Prune: allow\nRondo-Prune: deny", false},
		"another key":                                  {"drop\n\nNot-Rondo-Prune: allow", false},
		"a key with a letter that only looks like it":  {"drop\n\nRondo‐Prune: allow", false},
		"nothing":                                      {"", false},
		"blanks":                                       {"\n \n\t\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := PruneAllowed(tc.message); got != tc.want {
				t.Errorf("%q: got %v", tc.message, got)
			}
		})
	}
}

func FuzzPruneAllowed(f *testing.F) {
	for _, seed := range []string{"a\n\nRondo-Prune: allow", "a\r\n\r\nx: y\n z\nRONDO-PRUNE:allow\n\n", "\n\n:\n", "a\n\n\x00\x85\u2028: allow"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		if !PruneAllowed(message) {
			return
		}
		if !strings.Contains(strings.ToLower(message), "rondo-prune") || !strings.Contains(message, "allow") {
			t.Errorf("%q allows without saying so", message)
		}
		if PruneAllowed(message + "\n\nOne more paragraph.") {
			t.Errorf("%q allows from its body", message)
		}
		if PruneAllowed(strings.TrimRight(message, "\r\n\t ") + "\nRondo-Prune: deny") {
			t.Errorf("%q cannot be taken back", message)
		}
	})
}
