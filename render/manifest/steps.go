package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"rondo.dev/rondo/render"
)

// stepsOf reads the commands of s.
func (r *reader) stepsOf(s *service, out *Service) {
	if words := r.commandOf(s.build, s.place.key("build_command"), s); words != nil {
		out.Steps.Build = r.buildStep(s, words)
	}
	if words := r.commandOf(s.deploy, s.place.key("deploy_command"), s); words != nil {
		out.Steps.Deploy = &Step{Pos: s.deploy.pos, Words: words}
	}
	taken := map[string]bool{s.name: true}
	for i, item := range items(s.init) {
		if step, ok := r.initStep(item, s.place.key("init").index(i), i, s); ok {
			if taken[step.Name] {
				r.fault(item, s.place.key("init").index(i), "E-NAME-COLLISION", "has the name of another container of the service", "rename it")
				continue
			}
			taken[step.Name] = true
			out.Steps.Init = append(out.Steps.Init, step)
		}
	}
}

// buildStep decides whether a build_command is still to run. What was recorded
// with this revision comes from a deployment of it: the command then stays, so
// that its end does not change what is rendered.
func (r *reader) buildStep(s *service, words []string) *BuildStep {
	text, _ := json.Marshal(words) // words cannot fail
	sum := sha256.Sum256(text)
	hash := hex.EncodeToString(sum[:4])
	step := &BuildStep{Step: Step{Pos: s.build.pos, Words: words}}
	var mark string
	step.Due, mark = r.due("build."+s.name, hash)
	if _, was, _ := strings.Cut(mark, " "); was != hash {
		r.fault(s.build, s.place.key("build_command"), "W-ONCE-CHANGED", "has changed since it ran, and is not run again",
			"run it by hand, or from deploy_command")
	}
	return step
}

// due decides about what runs until one deployment has succeeded: whether that
// is still so. It has the success recorded under key: the revision and a note,
// which never change later.
func (r *reader) due(key, note string) (due bool, mark string) {
	revision := r.revision.Hash
	if revision == "" {
		revision = "folder"
	}
	mark = r.o.Facts.Once[key]
	due = mark == "" || strings.HasPrefix(mark+" ", revision+" ")
	if mark == "" {
		mark = strings.TrimSpace(revision + " " + note)
	}
	if r.marks == nil {
		r.marks = map[string]string{}
	}
	r.marks[key] = mark
	return due, mark
}

// initStep reads one entry of init: a command, or a mapping.
func (r *reader) initStep(n *node, p place, i int, s *service) (InitStep, bool) {
	step := InitStep{Pos: n.pos, Name: render.Name(s.name, "init", itoa(i+1))}
	raw := rawInit{command: n}
	if n.shape == Mapping {
		raw = rawInit{}
		errors := r.errors
		if r.walk(n, p, raw.options()); r.errors > errors {
			return step, false
		}
	} else if n.shape != Text || n.isNull() {
		r.fault(n, p, "E-TYPE", "is %s, not a command", "write a shell line, or {name: …, command: …, image: …}", form(n))
		return step, false
	}
	at := p
	if n.shape == Mapping {
		at = p.key("command")
	}
	if raw.name != nil {
		step.Name = strings.ReplaceAll(strings.ToLower(raw.name.text), "_", "-")
		if strings.Contains(step.Name, ".") || len(step.Name) > render.MaxName || !validHost(step.Name) {
			r.fault(raw.name, p.key("name"), "E-NAME-SYNTAX", "cannot be the name of a container", "use at most 63 letters, digits and -")
			return step, false
		}
	}
	if raw.image != nil {
		image, ok := r.textOf(raw.image, p.key("image"), s)
		if !ok {
			return step, false
		}
		if why := badImage(image); why != "" {
			r.fault(raw.image, p.key("image"), "E-VALUE", "is no image reference: %s", "write [host[:port]/]repository[:tag][@digest]", why)
			return step, false
		}
		step.Image = image
	}
	if raw.command == nil && raw.image == nil {
		r.fault(n, p, "E-VALUE", "has nothing to run", "add command:")
		return step, false
	}
	if raw.command == nil {
		return step, true
	}
	step.Words = r.commandOf(raw.command, at, s)
	return step, step.Words != nil
}
