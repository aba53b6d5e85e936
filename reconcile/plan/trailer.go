package plan

import "strings"

// pruneTrailer is the key of the commit trailer that releases a held plan.
const pruneTrailer = "Rondo-Prune"

// PruneAllowed reports whether a commit message ends in the trailer
// "Rondo-Prune: allow". The rules are git's (git-interpret-trailers): trailers
// are the last paragraph, which is not the subject, and keys ignore case. They
// are read more strictly than git does, since they delete: every line of the
// paragraph must be a trailer or the continuation of one, and a second
// Rondo-Prune that says anything else takes the permission back.
func PruneAllowed(commitMessage string) bool {
	lines := strings.Split(strings.ReplaceAll(commitMessage, "\r\n", "\n"), "\n")
	for len(lines) > 0 && blank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	start := len(lines)
	for start > 0 && !blank(lines[start-1]) {
		start--
	}
	subject := true
	for _, line := range lines[:start] {
		subject = subject && blank(line)
	}
	if subject {
		return false
	}
	allowed, refused, ours := false, false, false
	for i, line := range lines[start:] {
		if line[0] == ' ' || line[0] == '\t' {
			// A folded value is longer than the one word that is asked for.
			refused = refused || ours
			if i == 0 {
				return false
			}
			continue
		}
		if strings.HasPrefix(line, "(cherry picked from commit ") {
			ours = false
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		key = strings.TrimRight(key, " \t")
		if !ok || !trailerKey(key) {
			return false
		}
		if ours = strings.EqualFold(key, pruneTrailer); ours {
			allowed = true
			refused = refused || strings.TrimSpace(value) != "allow"
		}
	}
	return allowed && !refused
}

func blank(line string) bool { return strings.TrimSpace(line) == "" }

// trailerKey reports whether key is one: letters, digits and dashes.
func trailerKey(key string) bool {
	for _, c := range []byte(key) {
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return key != ""
}
