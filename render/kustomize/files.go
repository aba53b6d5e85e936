package kustomize

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"rondo.dev/rondo/sources"
)

// resource reads an entry of resources: a file of objects, a folder with a
// kustomization, or the objects of the manifest.
func (w *walk) resource(written string, at sources.Position, field string) {
	name, ok := w.resolve(w.dir, written, at, field)
	if !ok {
		return
	}
	if written == base {
		w.base(name, at)
		return
	}
	what, content := w.look(name, at)
	switch what {
	case missing:
		w.absent(name, at, field)
	case folder:
		w.descend(name, at, field)
	case file:
		w.objects(name, content, at)
	}
}

func (b *build) absent(name string, at sources.Position, field string) {
	b.fault(at, "E-FILE-NONE", field+" names "+shown(name)+", which is not in the repository", "correct the path, or commit the file")
}

// base notes that the objects of the manifest belong here.
func (w *walk) base(name string, at sources.Position) {
	if what, _ := w.look(name, at); what != missing {
		w.fault(at, "E-OVERLAY-BASE", base+" stands for the objects of the manifest, but the repository has something of that name", "rename it")
		return
	}
	w.bases = append(w.bases, at)
	w.files[path.Join(name, kustomizationNames[0])] = []byte(`{"resources":["objects.yaml"]}`)
	w.files[path.Join(name, "objects.yaml")] = nil // written by the Builder
}

// descend reads the kustomization in the folder name.
func (w *walk) descend(name string, at sources.Position, field string) {
	for _, dir := range w.above {
		if dir == name || name == "." || strings.HasPrefix(dir, name+"/") {
			w.fault(at, "E-KUSTOMIZE-CYCLE", field+" leads back to a folder that is being read, or to one above it", "let bases stand beside what uses them")
			return
		}
	}
	if what, _ := w.look(name, at); what != folder {
		if what != refused {
			w.absent(name, at, field)
		}
		return
	}
	below := w.kustomization(name, at, w.above)
	w.total.visits += below.visits
	w.total.documents += below.documents
}

// use notes what a file is used as; false where that is already something else.
func (b *build) use(name, as string, at sources.Position) bool {
	if before, ok := b.seen[name]; ok && before != as {
		b.fault(at, "E-VALUE", shown(name)+" is used as "+as+" and as "+before, "make two files of it")
		return false
	}
	b.seen[name] = as
	return true
}

// objects reads a file of objects and marks each with its place.
func (w *walk) objects(name string, content []byte, at sources.Position) {
	if !w.use(name, "a resource", at) {
		return
	}
	docs := w.documents(name, content)
	w.total.documents += len(docs)
	if _, done := w.files[name]; done {
		return
	}
	var out bytes.Buffer
	for _, doc := range docs {
		body, ok := doc.body.(map[string]any)
		if !ok {
			w.fault(doc.pos, "E-TYPE", "a resource must be a mapping", "write an object with apiVersion, kind and metadata")
			continue
		}
		for i, object := range items(body) {
			pos := doc.pos
			if i > 0 {
				pos = doc.at("items", i)
			}
			w.object(object, pos)
		}
		raw, err := json.Marshal(body)
		if err != nil {
			w.failed = err
			return
		}
		out.WriteString("---\n")
		out.Write(raw)
		out.WriteByte('\n')
	}
	w.files[name] = out.Bytes()
}

// object checks one object and marks it.
func (w *walk) object(object map[string]any, pos sources.Position) {
	kind, name := id(object)
	if kind == "" || object["apiVersion"] == nil {
		w.fault(pos, "E-TYPE", "a resource lacks apiVersion or kind", "add them, or take the file out of resources")
		return
	}
	if kind == "Kustomization" || kind == "Component" && strings.HasPrefix(text(object["apiVersion"]), "kustomize.") {
		w.fault(pos, "E-KUSTOMIZE", "a kustomization is named as a file", "name its folder")
		return
	}
	meta, ok := object["metadata"].(map[string]any)
	if !ok {
		w.fault(pos, "E-TYPE", kind+" has no metadata", "add metadata with a name")
		return
	}
	annotations, _ := meta["annotations"].(map[string]any)
	if annotations == nil {
		annotations = map[string]any{}
		meta["annotations"] = annotations
	}
	for _, function := range []string{"config.kubernetes.io/function", "config.k8s.io/function"} {
		if annotations[function] != nil {
			w.fault(pos, "E-KUSTOMIZE-FIELD", kind+"/"+shown(name)+" asks to be run as a program", "remove the annotation "+function)
		}
	}
	annotations[tag] = w.mark(pos)
	key := kind + "/" + name
	w.byName[key] = append(w.byName[key], pos)
}

// text reads a YAML file that kustomize interprets: a patch, a configuration.
func (w *walk) text(written string, at sources.Position, field string) {
	name, ok := w.resolve(w.dir, written, at, field)
	if !ok {
		return
	}
	what, content := w.look(name, at)
	switch what {
	case missing, folder:
		w.absent(name, at, field)
	case file:
		if w.use(name, "a patch or configuration", at) {
			w.patches(w.documents(name, content))
			w.files[name] = content
		}
	}
}

// inline reads a patch that stands in the kustomization itself.
func (w *walk) inline(text string, at sources.Position) {
	known := len(w.problems)
	docs := w.documents(at.File, []byte(text))
	for i := known; i < len(w.problems); i++ {
		w.problems[i].Pos = at // lines of the text are not lines of the file
	}
	for i := range docs {
		docs[i].pos = at
	}
	w.patches(docs)
}

func (w *walk) patches(docs []document) {
	for _, doc := range docs {
		if kind, name := id(doc.body); kind != "" {
			w.patch[kind+"/"+name] = doc.pos
		}
	}
}

// data reads a file whose bytes become a value.
func (w *walk) data(written string, at sources.Position, field string) {
	name, ok := w.resolve(w.dir, written, at, field)
	if !ok {
		return
	}
	what, content := w.look(name, at)
	switch what {
	case missing:
		w.absent(name, at, field)
	case folder:
		w.fault(at, "E-FILE-LINK", field+" names the folder "+shown(name), "name its files")
	case file:
		if w.use(name, "data", at) {
			w.files[name] = content
		}
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
