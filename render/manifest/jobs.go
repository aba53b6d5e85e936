package manifest

import (
	"slices"
	"strings"
	"time"
)

// maxCronJob is the longest name of a CronJob: the names of its Jobs add eleven
// characters.
const maxCronJob = 52

// commandsOf reads the jobs, hooks and processes of the application. Its services and
// databases are known by now.
func (r *reader) commandsOf(d *document, app *Application) {
	r.hooks(d.commands.hooks, app)
	r.processes(d.commands.processes, app)
	if d.commands.jobs != nil {
		app.Commands.Jobs = r.jobs(d.commands.jobs)
	}
}

// commandForms checks the form of what commandsOf reads, for the node of another
// environment.
func (r *reader) commandForms(d *document) {
	for _, f := range fieldsOf(d.commands.jobs) {
		if f.value.shape == Mapping {
			r.walk(f.value, jobPlace(f.key), new(rawJob).options())
		}
	}
	for _, f := range fieldsOf(d.commands.processes) {
		if f.value.shape == Mapping {
			r.walk(f.value, processPlace(f.key), new(rawProcess).options())
		}
	}
	if d.commands.hooks != nil {
		r.hookForms(d.commands.hooks, place{}.key("deploy_hooks"))
	}
}

func fieldsOf(n *node) []field {
	if n == nil {
		return nil
	}
	return n.fields
}

func jobPlace(name string) place { return place{}.key("jobs").key(name).of("job " + shown(name)) }

// jobs reads spec 2.17.
func (r *reader) jobs(n *node) []Job {
	var out []Job
	first := map[string]field{}
	for _, f := range n.fields {
		at := jobPlace(f.key)
		switch {
		case f.value.isNull():
			continue
		case f.value.shape != Mapping:
			r.fault(f.value, at, "E-TYPE", "is %s, not a mapping", "write service: and command: below it", form(f.value))
			continue
		}
		var raw rawJob
		errors := r.errors
		r.walk(f.value, at, raw.options())
		name, ok := r.sanitised(f, at)
		if !ok {
			continue
		}
		if name != f.key {
			r.add(f.pos, at.path, "I-NAME-SANITISED", at.object+" is called "+name+" in the cluster", "")
		}
		if len(name) > maxCronJob {
			r.add(f.pos, at.path, "E-NAME-SYNTAX", at.object+" has a name of "+itoa(len(name))+" characters", "use at most "+itoa(maxCronJob))
			continue
		}
		if other, dup := first[name]; dup {
			r.add(f.pos, at.path, "E-NAME-COLLISION", at.object+" becomes "+name+", as does "+shown(other.key)+" of line "+itoa(other.pos.Line),
				"rename one of the two")
			continue
		}
		first[name] = f
		job := Job{Pos: f.pos, Name: name, RawName: f.key}
		r.job(&raw, f, at, &job)
		if r.errors == errors && job.Service != "" {
			out = append(out, job)
		}
	}
	return out
}

// job checks the values of one job.
func (r *reader) job(raw *rawJob, f field, at place, job *Job) {
	s := r.serviceOf(raw.service, f, at)
	if s == nil {
		return
	}
	job.Service = s.name
	job.Words = r.jobWords(raw, f, at, s)
	job.TimeZone = r.timeZone(raw.zone, at.key("time_zone"))
	if raw.schedule != nil {
		job.Schedule = r.schedule(raw.schedule, at.key("schedule"))
	} else {
		r.add(f.pos, at.path, "I-TRANSLATED", at.object+" has no schedule: it is kept as a suspended CronJob to start by hand",
			"start it with kubectl create job --from=cronjob/"+job.Name+" NAME")
	}
	job.Paused, _ = boolean(raw.paused)
	job.PauseDuringDeploy, _ = boolean(raw.pausing)
	job.Concurrency = "Forbid"
	if raw.concurrency != nil {
		word := raw.concurrency.text
		job.Concurrency = strings.ToUpper(word[:1]) + word[1:]
	}
	job.Deadline = time.Duration(r.seconds(raw.deadline, at.key("deadline"), 200, 10)) * time.Second
	job.Timeout = time.Duration(r.seconds(raw.timeout, at.key("timeout"), 0, 1)) * time.Second
	job.Retries = r.upTo(raw.retries, at.key("retries"), 0, 100)
	job.Keep = r.upTo(raw.keep, at.key("keep"), 3, 100)
}

// jobWords is what runs: a shell with the command, the name and the arguments.
func (r *reader) jobWords(raw *rawJob, f field, at place, s *service) []string {
	if raw.command == nil {
		r.add(f.pos, at.path, "E-VALUE", at.object+" has no command", "add command:")
		return nil
	}
	line, ok := r.textOf(raw.command, at.key("command"), s)
	if !ok {
		return nil
	}
	if strings.TrimSpace(line) == "" {
		r.fault(raw.command, at.key("command"), "E-VALUE", "is empty", "name a program")
		return nil
	}
	words := []string{"/bin/sh", "-c", line, f.key}
	for i, item := range items(raw.args) {
		word, ok := r.textOf(item, at.key("args").index(i), s)
		if !ok {
			return nil
		}
		words = append(words, word)
	}
	return words
}

// serviceOf finds the service that a job names; nil after that was told, or
// where the service itself is at fault.
func (r *reader) serviceOf(n *node, f field, at place) *service {
	if n == nil {
		r.add(f.pos, at.path, "E-VALUE", at.object+" does not say which service it belongs to", "add service: with the name of one")
		return nil
	}
	return r.named(n.text, n, at.key("service"))
}

// named finds a service by its name as written or as it is in the cluster.
func (r *reader) named(name string, n *node, at place) *service {
	if i := slices.IndexFunc(r.all, func(s *service) bool { return s.rawName == name || s.name == name && name != "" }); i >= 0 {
		return r.all[i]
	}
	names := make([]string, len(r.all))
	for i, s := range r.all {
		names[i] = s.rawName
	}
	fix := "name a service of this manifest: " + list(names, 6)
	if near := r.near(name, names); near != "" {
		fix = "write " + near
	}
	r.fault(n, at, "E-VALUE", "names no service", fix)
	return nil
}

// upTo reads a number from 0 to most.
func (r *reader) upTo(n *node, p place, def, most int64) int64 {
	if n == nil {
		return def
	}
	if v, ok := integer(n); ok && v >= 0 && v <= most {
		return v
	}
	r.fault(n, p, "E-VALUE", "is outside of what is accepted", "write a number from 0 to "+itoa(int(most)))
	return def
}
