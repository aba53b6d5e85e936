package plan

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text prints a Plan, one change a line in the order of applying, with the
// fields that differ below it. What stays as it is has no line. Color adds
// terminal colours. Nothing from files or the cluster can steer the terminal.
func Text(p Plan, color bool) string {
	width := 0
	for _, c := range p.Changes {
		if c.Action != Unchanged {
			width = max(width, utf8.RuneCountInString(c.ID.String()))
		}
	}
	var b strings.Builder
	for _, c := range p.Changes {
		if c.Action == Unchanged {
			continue
		}
		id, from := c.ID.String(), origin(c)
		line := id + strings.Repeat(" ", width-utf8.RuneCountInString(id)+3) + from
		if reason := remark(c); reason != "" {
			line += "   " + reason
		}
		b.WriteString(paint(color, c.Action, fmt.Sprintf("%-10s", c.Action)))
		b.WriteString(plain(line) + "\n")
		for _, f := range c.Fields {
			b.WriteString(plain("          "+fieldLine(f)) + "\n")
		}
	}
	for i := range p.Refused {
		b.WriteString(paint(color, Prune, "refused   ") + plain(p.Refused[i].Error()) + "\n")
	}
	if p.Held != "" {
		b.WriteString(paint(color, Prune, "held      ") + plain(p.Held) + "\n")
	}
	return b.String()
}

// origin is where a change comes from: file and line, or the inventory.
func origin(c Change) string {
	switch {
	case c.Object == nil && c.Origin.File == "":
		return "inventory"
	case c.Origin.Line > 0:
		return c.Origin.File + ":" + strconv.Itoa(c.Origin.Line)
	default:
		return c.Origin.String()
	}
}

// remark is the reason where it says more than the action does.
func remark(c Change) string {
	if c.Action == Prune && c.Reason == "gone from git" {
		return ""
	}
	return c.Reason
}

func fieldLine(f FieldChange) string {
	live, want := f.Live, f.Want
	if live == "" {
		live = "(unset)"
	}
	if want == "" {
		want = "(removed)"
	}
	line := f.Field + ": " + live + " → " + want
	if f.Manager != "" {
		line += "   by " + f.Manager
	}
	return line
}

// paint colours an action for a terminal: what comes green, what goes red.
func paint(color bool, a Action, text string) string {
	if !color {
		return text
	}
	code := "33" // yellow
	switch a {
	case Create:
		code = "32"
	case Prune:
		code = "31"
	case Heal:
		code = "36"
	case Skip, Orphan:
		code = "2"
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// plain replaces what a terminal would obey.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

// Counts counts the changes of p by action.
func (p Plan) Counts() Counts {
	n := Counts{}
	for _, c := range p.Changes {
		n[c.Action]++
	}
	return n
}

// Counts counts what was done, without what ended in an error.
func (o Outcome) Counts() Counts {
	n := Counts{}
	for _, d := range o.Done {
		if d.Error == "" {
			n[d.Action]++
		}
	}
	return n
}

// Sentence says what was done: "1 created, 1 pruned, 1 failed".
func (o Outcome) Sentence() string {
	failed := 0
	for _, d := range o.Done {
		if d.Error != "" {
			failed++
		}
	}
	s := o.Counts().String()
	switch {
	case failed == 0:
		return s
	case len(o.Done) == failed:
		return fmt.Sprintf("%d failed", failed)
	default:
		return fmt.Sprintf("%s, %d failed", s, failed)
	}
}

// String says how many of each: "1 created, 1 configured, 3 unchanged, 1 pruned".
func (n Counts) String() string {
	var parts []string
	for _, a := range []struct {
		action Action
		done   string
	}{
		{Create, "created"}, {Configure, "configured"}, {Heal, "put back"}, {Recreate, "recreated"},
		{Unchanged, "unchanged"}, {Prune, "pruned"}, {Orphan, "orphaned"}, {Skip, "left alone"},
	} {
		if n[a.action] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[a.action], a.done))
		}
	}
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}
