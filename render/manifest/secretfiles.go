package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/bounds"
	"rondo.dev/rondo/sources"
)

// maxSecretFiles bounds what one manifest may have decrypted.
const maxSecretFiles = 20

// secretFormat is the format of an encrypted file by its name; empty: none that
// is read.
func secretFormat(name string) string {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".yaml", ".yml":
		return "yaml"
	case ".json":
		return "json"
	case ".env":
		return "dotenv"
	}
	if strings.HasPrefix(base, ".env.") {
		return "dotenv"
	}
	return ""
}

// declareSecrets takes the files of secrets.files: each name in them becomes a
// variable of all services that is kept in a Secret. What they hold is text, in
// which nothing is looked up.
func (r *reader) declareSecrets(n *node) {
	at := place{}.key("secrets").key("files")
	list := items(n)
	if len(list) > maxSecretFiles {
		r.fault(n, at, "E-VALUE", "names more than %d files", "put more into each", maxSecretFiles)
		return
	}
	for i, item := range list {
		p := at.index(i)
		values, ok := r.secretFile(item, p)
		if !ok {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(values)) {
			v := &variable{name: name, n: item, place: p.of("variable " + shown(name)), state: 2,
				out: resolved{value: text(values[name]), secret: true, ok: true}}
			if name == "" || identifier(name) != len(name) {
				r.fault(item, p, "E-ENV-NAME", "holds %s, which is not a variable name", "use letters, digits and _, and start with no digit", shown(name))
				continue
			}
			if strings.ContainsRune(values[name], 0) {
				r.fault(item, p, "E-VALUE", "holds a zero byte in %s, which no variable can", "mount a Secret instead", shown(name))
				continue
			}
			if first := r.vars.app[name]; first != nil {
				r.fault(item, p, "E-YAML-DUPKEY", "sets %s, as line %d does", "keep one of the two", shown(name), first.n.pos.Line)
				continue
			}
			if r.admitted(item.pos, v) {
				r.vars.app[name] = v
			}
		}
	}
}

// secretFile reads and decrypts one file. Without ok, the reason is reported.
func (r *reader) secretFile(n *node, at place) (map[string]string, bool) {
	if n.shape != Text {
		r.fault(n, at, "E-TYPE", "is %s, not the name of a file", "write a path of the repository", form(n))
		return nil, false
	}
	name := inRepository(n.text)
	format := secretFormat(name)
	if format == "" {
		r.fault(n, at, "E-VALUE", "has a name that does not tell its format", "let it end in .env, .yaml or .json")
		return nil, false
	}
	if r.snap == nil { // of another environment
		return nil, false
	}
	data, err := read(r.snap, name)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid), errors.Is(err, syscall.ENOTDIR):
		r.fault(n, at, "E-FILE-NONE", "names a file that the repository does not have", "correct the path, or add the file")
		return nil, false
	case r.unreadable(n.pos, at.path, at.String(), err):
		return nil, false
	default:
		r.broken = errors.Join(r.broken, fmt.Errorf("read %s: %w", name, err))
		return nil, false
	}
	if bounds.IsLFS(data) {
		r.fault(n, at, "E-GIT-LFS", "is a pointer of Git LFS, not the file itself", "commit the file; encrypted, it is small")
		return nil, false
	}
	if r.o.Decrypt == nil {
		return r.withoutKey(n, at, format, data)
	}
	values, err := r.o.Decrypt(format, data)
	var sealed *render.Sealed
	switch {
	case errors.As(err, &sealed):
		r.fault(n, at, "E-SOPS-FILE", "%s", "encrypt it with SOPS for the operator's age recipient", sealed.Reason)
		return nil, false
	case err != nil:
		r.broken = errors.Join(r.broken, fmt.Errorf("decrypt %s: %w", name, err))
		return nil, false
	}
	return values, true
}

// withoutKey is what is known of an encrypted file without a key: its names,
// which SOPS leaves readable. Their values are empty, and only where the user
// accepts a rendering with gaps.
func (r *reader) withoutKey(n *node, at place, format string, data []byte) (map[string]string, bool) {
	if !r.o.Incomplete {
		r.fault(n, at, "E-SOPS-KEY", "is encrypted, and there is no age key here", "set SOPS_AGE_KEY_FILE, or go on without its values with --allow-incomplete")
		return nil, false
	}
	r.fault(n, at, "W-SOPS-KEY", "is encrypted, and there is no age key here: its values are empty", "set SOPS_AGE_KEY_FILE")
	names := map[string]string{}
	if format == "dotenv" {
		for line := range strings.Lines(string(data)) {
			name, _, ok := strings.Cut(line, "=")
			if ok && !strings.HasPrefix(name, "#") && !strings.HasPrefix(name, "sops_") {
				names[strings.TrimSpace(name)] = ""
			}
		}
		return names, true
	}
	root := new(reader).scan(n.text, data)
	if root == nil || root.shape != Mapping {
		r.fault(n, at, "E-SOPS-FILE", "holds no names and values", "encrypt a flat file with SOPS")
		return nil, false
	}
	for _, f := range root.fields {
		if f.key != "sops" {
			names[f.key] = ""
		}
	}
	return names, true
}

// secretSources are the encrypted files that the manifests name, of any
// environment. They are inputs like the manifests themselves.
func secretSources(snap sources.Snapshot, names []string) []string {
	var out []string
	for _, name := range names {
		b, err := read(snap, name)
		if err != nil || !bytes.Contains(b, []byte("secrets")) {
			continue
		}
		root := new(reader).scan(name, b)
		if root == nil {
			continue
		}
		take := func(n *node) {
			for _, item := range items(n.get("secrets").get("files")) {
				if p := inRepository(item.text); item.shape == Text && fs.ValidPath(p) && len(out) < 10*maxSecretFiles {
					out = append(out, p)
				}
			}
		}
		take(root)
		for _, f := range root.fields {
			take(f.value)
		}
	}
	return out
}
