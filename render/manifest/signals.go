package manifest

import (
	"slices"
	"strings"
	"time"
)

// Signal is one step of a timed stop: a pause, or a signal to the process of
// the container (spec 2.13, 5.3).
type Signal struct {
	Wait time.Duration // 0: a signal
	Name string        // without SIG, in upper case; empty: a pause
}

// signalNames are those of "kill -l" on Linux that have a number everywhere.
var signalNames = [...]string{"HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
	"CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "SYS"}

// timedSignals reads signals and pauses in any order; why is what is wrong with
// them, empty when nothing is. A number without a unit is seconds.
func timedSignals(parts []string) (steps []Signal, why string) {
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if d, ok := duration(part); ok {
			if d > 0 {
				steps = append(steps, Signal{Wait: d})
			}
			continue
		}
		name := strings.TrimPrefix(strings.ToUpper(part), "SIG")
		if !slices.Contains(signalNames[:], name) {
			return nil, "has a part that is neither a signal nor a time"
		}
		steps = append(steps, Signal{Name: name})
	}
	if len(steps) == 0 {
		return nil, "is empty"
	}
	return steps, ""
}

// signalsTake is how long steps take.
func signalsTake(steps []Signal) time.Duration {
	var sum time.Duration
	for _, s := range steps {
		sum += s.Wait
	}
	return sum
}

// signalScript is the shell line that carries out steps inside the container,
// whose process has number 1.
func signalScript(steps []Signal) string {
	words := make([]string, len(steps))
	for i, s := range steps {
		if s.Name != "" {
			words[i] = "kill -" + s.Name + " 1"
		} else {
			words[i] = "sleep " + itoa(int(s.Wait/time.Second))
		}
	}
	return strings.Join(words, "; ")
}
