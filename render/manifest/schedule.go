package manifest

import (
	"strings"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/robfig/cron/v3"
)

// schedule checks a schedule for a CronJob, which Kubernetes reads with the same
// library; empty when it is at fault and that was told.
func (r *reader) schedule(n *node, p place) string {
	const form = `write five fields such as "*/10 8-18 * * 1-5", or @daily`
	spec := strings.Join(strings.Fields(n.text), " ")
	fields := strings.Split(spec, " ")
	bad := func(why string) string {
		r.fault(n, p, "E-VALUE", "%s", form, why)
		return ""
	}
	switch {
	case strings.HasPrefix(spec, "@every"):
		return bad("counts from when a program started, which has no meaning in a cluster")
	case strings.Contains(spec, "="):
		r.fault(n, p, "E-VALUE", "names a time zone", "write it as time_zone:")
		return ""
	case len(spec) > 200:
		return bad("is longer than 200 characters")
	case spec == "":
		return bad("is empty")
	case spec[0] != '@' && len(fields) != 5:
		return bad("has " + itoa(len(fields)) + " fields, not five")
	}
	if spec[0] != '@' {
		if fix, long := longStep(fields); long {
			r.fault(n, p, "E-CRON-STEP", "has a step longer than the field it counts in, so it would start over with the field", fix)
			return ""
		}
	}
	s, err := cron.ParseStandard(spec)
	switch {
	case err != nil:
		return bad("is no schedule")
	case s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero():
		return bad("is never due")
	}
	return spec
}

// sizes are how much each field counts: minute, hour, day, month, weekday.
var sizes = [5]int64{60, 24, 31, 12, 7}

// longStep finds a step that is longer than its field, which cron takes
// as "once, at the start". The fix says how to write what was meant.
func longStep(fields []string) (fix string, found bool) {
	for i, field := range fields {
		for part := range strings.SplitSeq(field, ",") {
			_, after, has := strings.Cut(part, "/")
			step, ok := digits(after)
			if !has || !ok || step <= sizes[i] {
				continue
			}
			if i == 0 && part == field && strings.HasPrefix(part, "*/") && fields[1] == "*" {
				if equal := everyMinutes(step, fields[2:]); equal != "" {
					return equal, true
				}
			}
			return "write the times one by one, each as a job of its own", true
		}
	}
	return "", false
}

// everyMinutes writes a period of so many minutes as entries of cron, one for
// each minute of the hour on which a run falls; empty where a day is no multiple
// of it, or where that would be too many.
func everyMinutes(period int64, rest []string) string {
	const day, most = 24 * 60, 6
	if period <= 0 || day%period != 0 {
		return ""
	}
	// After so many minutes the pattern of minutes begins again.
	cycle := period
	for cycle%60 != 0 {
		cycle += period
	}
	if cycle/period > most || day%cycle != 0 {
		return ""
	}
	var entries []string
	for at := int64(0); at < cycle; at += period {
		hours := itoa(int(at/60)) + "-23/" + itoa(int(cycle/60))
		switch {
		case cycle == day:
			hours = itoa(int(at / 60))
		case at < 60 && cycle == 60:
			hours = "*"
		case at < 60:
			hours = "*/" + itoa(int(cycle/60))
		}
		entries = append(entries, `"`+strings.Join(append([]string{itoa(int(at % 60)), hours}, rest...), " ")+`"`)
	}
	if len(entries) == 1 {
		return "write " + entries[0]
	}
	return "write " + itoa(len(entries)) + " jobs: " + strings.Join(entries, ", ")
}

// timeZone checks the name of a time zone.
func (r *reader) timeZone(n *node, p place) string {
	if n == nil {
		return "Etc/UTC"
	}
	name := n.text
	// LoadLocation would take "" and Local, and files of some systems alone.
	_, err := time.LoadLocation(name)
	if err != nil || name == "" || strings.EqualFold(name, "local") || strings.HasPrefix(name, "right/") || strings.HasPrefix(name, "posix") {
		r.fault(n, p, "E-VALUE", "is no time zone", "write a name such as Europe/Berlin or Etc/UTC")
	}
	return name
}
