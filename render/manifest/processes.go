package manifest

import (
	"slices"
	"strings"
	"time"
)

func processPlace(name string) place {
	return place{}.key("procfile_metadata").key(name).of("process " + shown(name))
}

// processes reads procfile_metadata: what it says about a process is for the
// service of the same name (spec 5.3).
func (r *reader) processes(n *node, app *Application) {
	for _, f := range fieldsOf(n) {
		at := processPlace(f.key)
		var raw rawProcess
		name := f.key
		switch {
		case f.value.isNull():
			continue
		case f.key == "web_server_stop_signals":
			// The oldest form stands where the names of processes do.
			r.fault(f.value, at, "W-DEPRECATED", "is deprecated", "write web: {stop_sequence: …}")
			name, raw.stop = "web", f.value
		case f.value.shape != Mapping:
			r.fault(f.value, at, "E-TYPE", "is %s, not a mapping", "write stop_sequence: below it", form(f.value))
			continue
		default:
			r.walk(f.value, at, raw.options())
			raw.stop = either(raw.stop, raw.stopOld)
			if raw.stop == raw.stopOld && raw.stop != nil {
				at = at.key("web_server_stop_signals")
			} else {
				at = at.key("stop_sequence")
			}
		}
		i := slices.IndexFunc(r.all, func(s *service) bool {
			return s.rawName == name || s.name == strings.ReplaceAll(strings.ToLower(name), "_", "-")
		})
		if i < 0 {
			names := make([]string, len(r.all))
			for i, s := range r.all {
				names[i] = s.rawName
			}
			fix := "remove it, or name a service: " + list(names, 6)
			if near := r.near(name, names); near != "" {
				fix = "write " + near
			}
			r.add(f.pos, at.path, "W-PROC-NOSERVICE", "process "+shown(name)+" is no service", fix)
			continue
		}
		s := r.all[i]
		j := slices.IndexFunc(app.Services, func(out Service) bool { return out.Name == s.name })
		if j < 0 {
			continue // it was skipped, which was told
		}
		out := &app.Services[j]
		if raw.stop != nil {
			r.stopSequence(raw.stop, at, s, out)
		}
		if restart, written := boolean(raw.restart); written && s.restart == nil {
			out.RestartOnDeploy = &restart
		}
	}
}

// stopSequence translates the way a process stops. What begins with TERM, waits
// and ends with KILL is what Kubernetes does anyway.
func (r *reader) stopSequence(n *node, at place, s *service, out *Service) {
	if s.preStop != nil || s.stopSequence != nil {
		r.fault(n, at, "E-STOP-BOTH", "stands beside pre_stop_command or pre_stop_sequence of the service", "keep one of the two")
		return
	}
	var parts []string
	for _, item := range items(n) {
		if item.shape != Text {
			r.fault(item, at, "E-TYPE", "holds %s, not a signal or a time", "write quit, 75, term, 15, kill", form(item))
			return
		}
		parts = append(parts, strings.Split(item.text, ",")...)
	}
	steps, why := timedSignals(parts)
	if len(parts) > maxSteps {
		why = "has too many steps"
	}
	if why != "" {
		r.fault(n, at, "E-VALUE", "%s", "write signals and seconds, as in quit, 75, term, 15, kill", why)
		return
	}
	grace := signalsTake(steps)
	simple := len(steps) == 3 && steps[0].Name == "TERM" && steps[1].Wait > 0 && steps[2].Name == "KILL"
	if !simple {
		out.Pod.PreStop = &Action{Pos: n.pos, Line: signalScript(steps)}
		if steps[len(steps)-1].Name != "KILL" {
			grace += usualGrace // for the TERM that comes after the script
		}
	}
	what := "a shell script that runs before TERM"
	if simple {
		what = "the time from TERM to KILL"
	}
	fix := ""
	switch {
	case s.stopGrace == nil:
		out.StopGrace = grace
	case out.StopGrace < grace && !simple:
		out.StopGrace = grace
		fix = "set stop_grace to " + itoa(int(grace/time.Second)) + "s or more"
	case simple && out.StopGrace != grace:
		fix = "remove one of the two; stop_grace of the service wins"
	}
	r.fault(n, at, "I-TRANSLATED", "becomes %s; stop_grace is %d s", fix, what, int64(out.StopGrace/time.Second))
}

const (
	maxSteps   = 64               // of a stop
	usualGrace = 30 * time.Second // from TERM to KILL, unless a service says
)
