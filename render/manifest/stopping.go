package manifest

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// stopMargin is the time that a sequence of signals leaves after its last pause
// (spec 2.13 rule 4).
const stopMargin = 5 * time.Second

// stopOf reads what happens when a container starts and stops (spec 2.13).
func (r *reader) stopOf(s *service, out *Service) {
	out.Pod.PostStart = r.action(s.postStart, s.place.key("post_start_command"), s)
	at := s.place.key("pre_stop_command")
	out.Pod.PreStop = r.action(s.preStop, at, s)
	if s.stopSequence != nil {
		r.sequenceOf(s, out)
	}
	if s.preStop == nil || out.Pod.PreStop == nil {
		return
	}
	if out.StopGrace == 0 {
		r.fault(s.preStop, at, "W-GRACE-SHORT", "never runs: stop_grace is 0", "raise stop_grace")
	} else if pause := sleeps(*out.Pod.PreStop); pause >= out.StopGrace {
		r.fault(s.preStop, at, "W-GRACE-SHORT", "sleeps for %d s, which leaves nothing of stop_grace for TERM", "raise stop_grace", int64(pause/time.Second))
	}
	if out.Drains() && out.Pod.PreStop.Words != nil {
		r.fault(s.preStop, at, "W-DRAIN-NONE", "is a list and so runs at once, without time to leave the load balancers", "write it as one line, or let it wait 5 s itself")
	}
}

// action reads a command that runs when a container starts or stops: a line is
// for a shell, a list is the words of a program.
func (r *reader) action(n *node, p place, s *service) *Action {
	if n.isNull() {
		return nil
	}
	if n.shape == List {
		if words := r.commandOf(n, p, s); words != nil {
			return &Action{Pos: n.pos, Words: words}
		}
		return nil
	}
	line, ok := r.textOf(n, p, s)
	if !ok {
		return nil
	}
	if line = strings.TrimSpace(line); line == "" {
		r.fault(n, p, "E-VALUE", "is empty", "write a shell line, or remove the option")
		return nil
	}
	return &Action{Pos: n.pos, Line: line}
}

var sleepCommand = regexp.MustCompile(`(?:^|[;&|\s])sleep\s+([0-9]{1,6}[smh]?)(?:$|[;&|\s])`)

// sleeps is the time that a command spends in pauses of a fixed length, as far as
// it can be told from its text.
func sleeps(a Action) time.Duration {
	text := a.Line
	if a.Words != nil {
		text = strings.Join(a.Words, " ")
	}
	var sum time.Duration
	for _, m := range sleepCommand.FindAllStringSubmatch(text, -1) {
		d, _ := duration(m[1])
		sum += d
	}
	return sum
}

// sequenceOf reads pre_stop_sequence: durations and signals in turn.
func (r *reader) sequenceOf(s *service, out *Service) {
	at := s.place.key("pre_stop_sequence")
	if s.preStop != nil {
		r.fault(s.stopSequence, at, "E-STOP-BOTH", "stands beside pre_stop_command", "keep one of the two")
		return
	}
	text, ok := r.textOf(s.stopSequence, at, s)
	if !ok {
		return
	}
	steps, why := stopSteps(text)
	if why != "" {
		r.fault(s.stopSequence, at, "E-VALUE", "%s", "write durations and signals in turn, as in 1m:USR2:30s", why)
		return
	}
	out.Pod.PreStop = &Action{Pos: s.stopSequence.pos, Line: signalScript(steps)}
	least := signalsTake(steps) + stopMargin
	fix := ""
	if out.StopGrace < least {
		out.StopGrace = least
		if s.stopGrace != nil {
			fix = "set stop_grace to " + itoa(int(least/time.Second)) + "s or more"
		}
	}
	r.fault(s.stopSequence, at, "I-TRANSLATED", "becomes a shell script that runs before TERM; stop_grace is %d s", fix, int64(out.StopGrace/time.Second))
}

// stopSteps reads a sequence of durations with a unit and of signals, in turn;
// why says what is wrong with it.
func stopSteps(text string) (steps []Signal, why string) {
	const most = 64
	parts := strings.Split(text, ":")
	if len(parts) > most {
		return nil, "has too many steps"
	}
	for i, part := range parts {
		part = strings.TrimSpace(part)
		step := Signal{Name: part}
		if part != "" && part[0] >= '0' && part[0] <= '9' {
			d, ok := duration(part)
			if !ok || strings.Trim(part, "0123456789") == "" {
				return nil, "has a step that is not a duration with the unit s, m or h"
			}
			step = Signal{Wait: d}
		} else if !slices.Contains(signalNames[:], part) {
			return nil, "has a step that is neither a duration nor a signal as in kill -l, without SIG"
		}
		if i > 0 && (step.Name == "") == (steps[i-1].Name == "") {
			return nil, "has two durations or two signals in a row"
		}
		steps = append(steps, step)
	}
	return steps, ""
}
