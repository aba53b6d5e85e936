package manifest

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"syscall"
	"unicode/utf8"
)

// The largest script of a hook, which stands in a ConfigMap, and the most that
// all of an application may be together, in bytes.
const (
	maxScript  = 512 << 10
	maxScripts = 1 << 20
)

// variableOf is the one form of ERB that is filled in (spec 5.2).
var variableOf = regexp.MustCompile(`<%=\s*ENV\[\s*(?:'([A-Za-z_][A-Za-z0-9_]*)'|"([A-Za-z_][A-Za-z0-9_]*)")\s*\]\s*%>`)

// fillIn replaces <%= ENV['NAME'] %> in a script. Secrets would be written into
// a ConfigMap, so they are left to the shell.
func (r *reader) fillIn(text string, n *node, p place, h *hook) (string, bool) {
	if !strings.Contains(text, "<%") {
		return text, true
	}
	owner := r.vars.services[h.scope.name]
	ok := true
	out := variableOf.ReplaceAllStringFunc(text, func(s string) string {
		m := variableOf.FindStringSubmatch(s)
		name := m[1] + m[2]
		got := r.lookup(&reference{name: name}, n, p, owner, nil)
		if !got.ok {
			ok = false
			return ""
		}
		value, plain := got.value.Text()
		if !plain || got.secret {
			r.fault(n, p, "E-ENV-SECRET", "has the secret %s filled in, which a script may not hold", "write $"+shown(name)+", which the shell fills in", shown(name))
			ok = false
		}
		if r.vars.spent += len(value); r.vars.spent > maxEnvBytes {
			r.fault(n, p, "E-ENV-SIZE", "makes the values of all references exceed %d KiB", "refer to fewer or shorter variables", maxEnvBytes>>10)
			ok = false
		}
		return strings.ReplaceAll(value, "<%", "<\x00%")
	})
	if strings.Contains(out, "<%") {
		r.fault(n, p, "E-HOOK-ERB", "holds ERB of a kind that is not filled in", "keep to <%= ENV['NAME'] %>, or write parse: false")
		return "", false
	}
	return strings.ReplaceAll(out, "<\x00%", "<%"), ok
}

// sourceFile reads a script of the repository.
func (r *reader) sourceFile(n *node, p place) (string, bool) {
	name := inRepository(n.text)
	if name == "." || !fs.ValidPath(name) {
		r.fault(n, p, "E-VALUE", "is no path in the repository", "write a path from its root, without ..")
		return "", false
	}
	b, err := read(r.snap, name)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrInvalid):
		r.fault(n, p, "E-VALUE", "names no file of the repository", "correct the path, or commit the file")
		return "", false
	case r.unreadable(n.pos, p.path, p.String(), err):
		return "", false
	default:
		r.broken = err
		return "", false
	}
	switch {
	case strings.HasPrefix(string(b), "version https://git-lfs.github.com/spec/"):
		r.add(n.pos, p.path, "E-GIT-LFS", p.String()+" is a Git LFS pointer, not the file itself",
			"take it out of LFS, then commit the file")
		return "", false
	case !utf8.Valid(b):
		r.fault(n, p, "E-VALUE", "names a file that is not text", "put programs into the image")
		return "", false
	}
	return string(b), true
}
