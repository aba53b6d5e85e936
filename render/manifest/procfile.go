package manifest

import "path"

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
