package kustomize

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// maxNames bounds the names that are looked at below a folder of plain YAML.
const maxNames = 10_000

// plain reads the objects of all YAML and JSON files below dir, in the order of
// their paths. What starts with a dot is left out, like a shell does.
func (r *reader) plain(dir string) []render.Object {
	at := sources.Position{File: dir}
	switch what, _ := r.look(dir, at); what {
	case folder:
	case refused:
		return nil
	case missing:
		r.fault(at, "E-FILE-NONE", "the folder of the application is not in the repository", "add it, or correct path: in rondo.yaml")
		return nil
	default:
		r.fault(at, "E-FILE-NONE", "the path of the application is a file", "name a folder in path: of rondo.yaml")
		return nil
	}
	var files []string
	r.walk(dir, &files, new(int))
	var out []render.Object
	for _, name := range files {
		if what, content := r.look(name, sources.Position{File: name}); what == file {
			for _, doc := range r.documents(name, content) {
				out = append(out, r.objects(doc)...)
			}
		}
		if !r.ok() {
			continue // more files, more Problems
		}
		if len(out) > maxDocuments {
			r.fault(at, "E-KUSTOMIZE-LIMIT", "the application holds more than "+strconv.Itoa(maxDocuments)+" objects", "split the application")
			return nil
		}
	}
	if len(out) == 0 && r.ok() {
		r.fault(at, "E-FILE-NONE", "the folder holds no object", "add files that end in .yaml, .yml or .json")
	}
	return out
}

// walk lists the files below dir.
func (r *reader) walk(dir string, files *[]string, names *int) {
	entries, err := fs.ReadDir(r.snap, dir)
	if err != nil {
		r.failed = err
		return
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if *names++; *names > maxNames {
			r.fault(sources.Position{File: dir}, "E-FILE-SIZE", "the folder holds more than "+strconv.Itoa(maxNames)+" names", "name a smaller one")
			return
		}
		isYAML := slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			r.walk(name, files, names)
		case slices.Contains(kustomizationNames[:], entry.Name()):
			r.fault(sources.Position{File: name}, "E-KUSTOMIZE", "a kustomization lies below a folder of plain YAML", "name its folder in path: of rondo.yaml")
		case isYAML, !entry.Type().IsRegular():
			// A link without an ending may be a folder of objects.
			*files = append(*files, name)
		}
	}
}

// objects are those of one document.
func (r *reader) objects(doc document) []render.Object {
	body, ok := doc.body.(map[string]any)
	if !ok {
		r.fault(doc.pos, "E-TYPE", "the document is no Kubernetes object", "move the file out of the folder, or name the files in a kustomization.yaml")
		return nil
	}
	var out []render.Object
	for i, object := range items(body) {
		pos := doc.pos
		if i > 0 {
			pos = doc.at("items", i)
		}
		if kind, _ := id(object); kind == "" || text(object["apiVersion"]) == "" {
			r.fault(pos, "E-TYPE", "the document lacks apiVersion or kind, so it is no Kubernetes object",
				"add them, move the file out of the folder, or name the files in a kustomization.yaml")
			continue
		}
		out = append(out, render.Object{Body: object, Origin: pos})
	}
	return out
}
