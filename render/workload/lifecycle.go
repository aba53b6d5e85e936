package workload

import (
	"fmt"
	"strconv"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
	"rondo.dev/rondo/sources"
)

// drainSeconds is the time between leaving the load balancers and TERM (spec 4.3 rule 7).
const drainSeconds = 5

// lifecycle says what happens after a container has started and before it gets
// TERM (spec 2.13). A service that is reached from outside waits first.
func (m *maker) lifecycle(svc manifest.Service, e *environment) map[string]any {
	out := make(map[string]any)
	if a := svc.Pod.PostStart; a != nil {
		out["postStart"] = m.exec(svc, *a, "", "post_start_command", e)
	}
	switch a := svc.Pod.PreStop; {
	case a != nil && svc.Drains():
		out["preStop"] = m.exec(svc, *a, "sleep "+strconv.Itoa(drainSeconds)+"; ", "pre_stop_command", e)
	case a != nil:
		out["preStop"] = m.exec(svc, *a, "", "pre_stop_command", e)
	case svc.Drains():
		out["preStop"] = map[string]any{"sleep": map[string]any{"seconds": int64(drainSeconds)}}
	}
	return out
}

// exec makes the handler of a: a line with first before it, or words as they are.
// Kubernetes fills in no variables here, so that what is known stands in the text
// (kubelet, lifecycle handlers).
func (m *maker) exec(svc manifest.Service, a manifest.Action, first, what string, e *environment) map[string]any {
	words := a.Words
	if words == nil {
		words = []string{"/bin/sh", "-c", first + a.Line}
	}
	command := make([]any, len(words))
	for i, word := range words {
		var b strings.Builder
		for _, p := range m.filled(svc, a.Pos, what, word, e) {
			b.WriteString(p.text)
		}
		command[i] = b.String()
	}
	return map[string]any{"exec": map[string]any{"command": command}}
}

// filled splits word, with the values of variables in their places. What is only
// known inside the container is a fault of what, the option at pos.
func (m *maker) filled(svc manifest.Service, pos sources.Position, what, word string, e *environment) []piece {
	pieces := split(word, e.known)
	for i, p := range pieces {
		if p.variable == "" {
			continue
		}
		text, ok := e.own.config[p.variable]
		if _, own := e.entries[p.variable]; !ok && !own {
			if _, secret := e.own.secret[p.variable]; !secret {
				text, ok = m.common.config[p.variable]
			}
		}
		if !ok {
			m.problems = append(m.problems, render.Problem{Pos: pos, Code: "E-VALUE",
				What: fmt.Sprintf("%s of service %s uses $(%s), which is not known before the container runs", what, svc.RawName, p.variable),
				Fix:  fmt.Sprintf("write $%s, which makes it a shell command", p.variable)})
		}
		pieces[i] = piece{text: text}
	}
	return pieces
}
