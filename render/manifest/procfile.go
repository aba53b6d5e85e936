package manifest

import (
	"bytes"
	"path"
	"strings"
	"unicode/utf8"

	"rondo.dev/rondo/sources"
)

// processFiles are where a list of processes may stand; the first that exists is
// read (spec 1.1).
func processFiles(given, environment string) []string {
	dir := ""
	if given != "" {
		dir = path.Dir(given)
	}
	out := []string{path.Join(dir, "Procfile")}
	if environment != "" {
		out = append([]string{path.Join(dir, "Procfile_"+environment)}, out...)
	}
	return out
}

// imported is the mapping of services: as written, or made of a Procfile where
// procfile.import asks for that (spec 5.3). Without ok there is none, and the
// reason was told.
func (r *reader) imported(d *document) (services *node, ok bool) {
	on, _ := boolean(d.commands.importing)
	if !on {
		return d.services, true
	}
	at := place{}.key("procfile").key("import")
	if !d.services.isEmpty() {
		r.fault(d.commands.importing, at, "W-NOT-APPLICABLE", "has no effect: services are declared", "remove one of the two")
		return d.services, true
	}
	errors := r.errors
	name, b, err := r.firstFile(r.snap, processFiles(r.o.Path, r.o.Environment), "the Procfile")
	switch {
	case err != nil:
		r.broken = err
	case b == nil && r.errors == errors:
		r.fault(d.commands.importing, at, "E-FILE-NONE", "finds no Procfile in the repository", "add one, or declare services:")
	case b != nil && (!utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0):
		r.add(sources.Position{File: name, Line: 1}, "", "E-YAML-SYNTAX", "the Procfile is not text in UTF-8", "save it as UTF-8")
	case b != nil:
		d.services = r.procfile(name, b)
	}
	return d.services, r.broken == nil && r.errors == errors
}

// procfile makes services of the lines of a Procfile.
func (r *reader) procfile(name string, b []byte) *node {
	services := &node{pos: sources.Position{File: name, Line: 1}, shape: Mapping}
	seen := map[string]int{}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(b), "\ufeff")) {
		number++
		pos := sources.Position{File: name, Line: number, Column: 1}
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		process, command, ok := strings.Cut(text, ":")
		command = strings.TrimSpace(command)
		if !ok || command == "" || process == "" || shown(process) != process {
			r.add(pos, "", "E-VALUE", "a line of the Procfile is no process", "write name: command")
			continue
		}
		if first, dup := seen[process]; dup {
			r.add(pos, "", "E-YAML-DUPKEY", "process "+process+" is also at line "+itoa(first), "keep one of the two")
			continue
		}
		if len(seen) >= maxProcesses {
			r.add(pos, "", "E-FILE-SIZE", "the Procfile has more than "+itoa(maxProcesses)+" processes", "declare services: instead")
			break
		}
		seen[process] = number
		services.fields = append(services.fields, field{process, pos, processService(process, command, pos)})
	}
	if len(seen) == 0 {
		r.add(services.pos, "", "E-SERVICES-NONE", "the Procfile has no process", "write name: command")
	}
	return services
}

// maxProcesses bounds the lines of a Procfile.
const maxProcesses = 200

// webPort is where the web process of a Procfile listens: the value of PORT.
const webPort = "3000"

// processService is a process as the service that one would have written.
func processService(process, command string, pos sources.Position) *node {
	scalar := func(text string) *node { return &node{pos: pos, shape: Text, tag: "!!str", text: text} }
	mapping := func(pairs ...any) *node {
		out := &node{pos: pos, shape: Mapping}
		for i := 0; i < len(pairs); i += 2 {
			value, ok := pairs[i+1].(*node)
			if !ok {
				value = scalar(pairs[i+1].(string))
			}
			out.fields = append(out.fields, field{pairs[i].(string), pos, value})
		}
		return out
	}
	out := mapping("git_url", ".", "command", command)
	if process == "web" || process == "custom_web" {
		port := mapping("container", webPort, "http", "80", "https", "443")
		out.fields = append(out.fields, mapping("env_vars", mapping("PORT", webPort), "ports", &node{pos: pos, shape: List, items: []*node{port}}).fields...)
	}
	return out
}
