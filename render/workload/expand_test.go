package workload

import (
	"strings"
	"testing"
)

// expand does to a field what the kubelet does to env values and commands
// (k8s.io/kubernetes/third_party/forked/golang/expansion, v1.36).
func expand(s string, vars map[string]string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		switch i++; s[i] {
		case '$':
			out.WriteByte('$')
		case '(':
			end := strings.IndexByte(s[i:], ')')
			if end < 0 {
				out.WriteString("$(")
				continue
			}
			name := s[i+1 : i+end]
			if v, ok := vars[name]; ok {
				out.WriteString(v)
			} else {
				out.WriteString("$(" + name + ")")
			}
			i += end
		default:
			out.WriteString(s[i-1 : i+1])
		}
	}
	return out.String()
}

func TestDollarsMeanWhatTheUserWrote(t *testing.T) {
	vars := map[string]string{"HOST": "db", "PORT": "5432"}
	known := func(name string) bool { _, ok := vars[name]; return ok }
	for name, tc := range map[string]struct{ in, field, want string }{
		"text without dollars is itself":         {"plain", "plain", "plain"},
		"a variable is filled in":                {"tcp://$(HOST):$(PORT)", "tcp://$(HOST):$(PORT)", "tcp://db:5432"},
		"an unknown name is text":                {"$(date)", "$$(date)", "$(date)"},
		"an escaped variable is text":            {"$$(HOST)", "$$(HOST)", "$(HOST)"},
		"three dollars are one and the variable": {"$$$(HOST)", "$$$(HOST)", "$db"},
		"four dollars are two and text":          {"$$$$(HOST)", "$$$$(HOST)", "$$(HOST)"},
		"a shell's process id stays":             {"echo $$", "echo $$$$", "echo $$"},
		"a password with dollars stays":          {"pa$$wo$rd", "pa$$$$wo$rd", "pa$$wo$rd"},
		"a dollar at the end stays":              {"5$", "5$", "5$"},
		"a dollar before a variable stays":       {"x$y$(HOST)", "x$y$(HOST)", "x$ydb"},
		"an open parenthesis stays":              {"$(HOST", "$$(HOST", "$(HOST"},
		"a dollar before other scripts stays":    {"$é", "$é", "$é"},
		"nothing is nothing":                     {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			field := join(split(tc.in, known))
			if field != tc.field {
				t.Errorf("field for %q = %q, want %q", tc.in, field, tc.field)
			}
			if got := expand(field, vars); got != tc.want {
				t.Errorf("%q expands to %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func FuzzExpansion(f *testing.F) {
	for _, seed := range []string{"$(A)", "$$(A)", "$$$(A)$", "$(B)$$(A)x", "$(", "$()", "a$(A)$$$$(A)"} {
		f.Add(seed)
	}
	vars := map[string]string{"A": "1$(A)$$"} // a value is never expanded again
	known := func(name string) bool { return name == "A" }
	f.Fuzz(func(t *testing.T, text string) {
		pieces := split(text, known)
		var want strings.Builder
		for _, p := range pieces {
			want.WriteString(p.text + vars[p.variable])
		}
		if got := expand(join(pieces), vars); got != want.String() {
			t.Errorf("%q: field %q expands to %q, want %q", text, join(pieces), got, want.String())
		}
		if !strings.Contains(text, "$(A)") && (len(pieces) > 1 || len(pieces) == 1 && pieces[0].text != text) {
			t.Errorf("%q has no reference but was taken apart into %+v", text, pieces)
		}
	})
}
