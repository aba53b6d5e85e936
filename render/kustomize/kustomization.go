package kustomize

import (
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"

	"rondo.dev/rondo/sources"
)

// Caps on how kustomizations refer to each other (threats T5).
const (
	maxVisits  = 200 // kustomizations that are read, one that is used twice counted twice
	maxNesting = 20  // kustomizations below each other
)

// base is the resource that stands for the objects of the manifest.
const base = "rondo-base"

// kustomizationNames are what the file of a kustomization may be called.
var kustomizationNames = [...]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// refusedFields run programs, fetch, or change what kustomize believes for the
// whole process (threats T33).
var refusedFields = []string{"openapi", "generators", "transformers", "validators", "helmCharts", "helmGlobals",
	"helmChartInflationGenerator", "crds"}

// fields are the keys of a kustomization that are handed on. encoding/json finds
// keys in any case, so only this spelling passes.
var fields = []string{"apiVersion", "kind", "metadata", "namePrefix", "nameSuffix", "namespace", "commonLabels", "labels",
	"commonAnnotations", "patchesStrategicMerge", "patchesJson6902", "patches", "images", "imageTags", "replacements", "replicas",
	"vars", "sortOptions", "resources", "components", "bases", "configMapGenerator", "secretGenerator", "generatorOptions",
	"configurations", "buildMetadata"}

// entries are the keys of the lists whose entries name files.
var entries = map[string][]string{
	"patches":            {"path", "patch", "target", "options"},
	"patchesJson6902":    {"path", "patch", "target", "options"},
	"replacements":       {"path", "source", "targets"},
	"configMapGenerator": {"namespace", "name", "behavior", "literals", "files", "envs", "env", "options"},
	"secretGenerator":    {"namespace", "name", "behavior", "literals", "files", "envs", "env", "options", "type"},
}

// build is everything that kustomize will see: it is written from what was
// checked, never copied.
type build struct {
	*reader
	files  map[string][]byte
	places []sources.Position            // what the tags of documents and generators mean
	seen   map[string]string             // what a file is used as
	sizes  map[string]size               // of kustomizations, by folder
	bases  []sources.Position            // where rondo-base is named
	byName map[string][]sources.Position // documents by "Kind/name", for messages
	patch  map[string]sources.Position   // patches by "Kind/name"
	root   sources.Position
}

// size is what a kustomization costs with all that it refers to.
type size struct{ visits, documents int }

// kustomization reads the kustomization in the folder dir, and all that it
// refers to. above are the folders on the way to it.
func (b *build) kustomization(dir string, from sources.Position, above []string) size {
	if done, ok := b.sizes[dir]; ok {
		return done
	}
	if len(above) >= maxNesting {
		b.fault(from, "E-KUSTOMIZE-CYCLE", "kustomizations refer to each other more than "+strconv.Itoa(maxNesting)+" levels deep", "flatten them")
		return size{}
	}
	name, content := b.kustomizationFile(dir, from)
	if name == "" || !b.use(name, "a kustomization", from) {
		return size{}
	}
	docs := b.documents(name, content)
	if !b.ok() {
		return size{}
	}
	if len(docs) != 1 {
		b.fault(sources.Position{File: name, Line: 1}, "E-YAML-SYNTAX", "a kustomization must be one document", "keep one")
		return size{}
	}
	body, ok := docs[0].body.(map[string]any)
	if !ok {
		b.fault(docs[0].pos, "E-TYPE", "a kustomization must be a mapping", "write resources: and a list")
		return size{}
	}
	if above == nil {
		b.root = docs[0].pos
	}
	w := walk{build: b, dir: dir, doc: docs[0], above: append(slices.Clone(above), dir), total: size{visits: 1}}
	w.fields(body)
	if !b.ok() {
		return size{}
	}
	if w.total.visits > maxVisits {
		b.fault(from, "E-KUSTOMIZE-LIMIT", "more than "+strconv.Itoa(maxVisits)+" kustomizations would be built", "use fewer bases")
	}
	if w.total.documents > maxDocuments {
		b.fault(from, "E-KUSTOMIZE-LIMIT", "the application holds more than "+strconv.Itoa(maxDocuments)+" objects", "split the application")
	}
	raw, err := json.Marshal(body)
	if err != nil {
		b.failed = err
		return size{}
	}
	b.files[name] = raw
	b.sizes[dir] = w.total
	return w.total
}

// kustomizationFile finds the one file of the kustomization in dir.
func (b *build) kustomizationFile(dir string, from sources.Position) (name string, content []byte) {
	for _, candidate := range kustomizationNames {
		at := path.Join(dir, candidate)
		what, text := b.look(at, from)
		switch {
		case what == refused:
			return "", nil
		case what != file:
		case name != "":
			b.fault(sources.Position{File: at}, "E-FILE-DUP-KUSTOMIZATION", "the folder also holds "+path.Base(name), "keep one of the two")
			return "", nil
		default:
			name, content = at, text
		}
	}
	if name == "" {
		b.fault(from, "E-FILE-NONE", shown(dir)+" holds no kustomization", "add a kustomization.yaml to it, or name its files")
	}
	return name, content
}

// walk reads the fields of one kustomization.
type walk struct {
	*build
	dir   string
	doc   document
	above []string // folders from the first to this one
	total size
}

func (w *walk) fields(body map[string]any) {
	for key := range body {
		switch {
		case slices.Contains(refusedFields, key):
			w.fault(w.doc.at(key), "E-KUSTOMIZE-FIELD", key+" is not followed: it could run programs or change other applications",
				"remove it; write the objects out")
		case !slices.Contains(fields, key):
			w.fault(w.doc.at(key), "E-KEY-UNKNOWN", "a kustomization has no key "+shown(key), "correct it; keys are case-sensitive")
		}
	}
	for _, field := range []string{"resources", "bases"} {
		for i, entry := range w.list(body, field) {
			w.resource(entry, w.doc.at(field, i), field)
		}
	}
	for i, entry := range w.list(body, "components") {
		at := w.doc.at("components", i)
		if name, ok := w.resolve(w.dir, entry, at, "components"); ok {
			w.descend(name, at, "components")
		}
	}
	for i, entry := range w.list(body, "configurations") {
		w.text(entry, w.doc.at("configurations", i), "configurations")
	}
	for i, entry := range w.list(body, "patchesStrategicMerge") {
		at := w.doc.at("patchesStrategicMerge", i)
		if strings.Contains(entry, "\n") || strings.HasPrefix(strings.TrimSpace(entry), "{") {
			w.inline(entry, at)
		} else {
			w.text(entry, at, "patchesStrategicMerge")
		}
	}
	for field, known := range entries {
		w.entries(body, field, known)
	}
}

// entries reads a list of mappings.
func (w *walk) entries(body map[string]any, field string, known []string) {
	value, ok := body[field]
	if !ok || value == nil {
		return
	}
	list, ok := value.([]any)
	if !ok {
		w.fault(w.doc.at(field), "E-TYPE", field+" must be a list", "write each entry after a dash")
		return
	}
	for i, item := range list {
		entry, ok := item.(map[string]any)
		if !ok {
			w.fault(w.doc.at(field, i), "E-TYPE", field+" must be a list of mappings", "write keys and values")
			continue
		}
		for key := range entry {
			if !slices.Contains(known, key) {
				w.fault(w.doc.at(field, i, key), "E-KEY-UNKNOWN", "an entry of "+field+" has no key "+shown(key), "use one of "+strings.Join(known, ", "))
			}
		}
		if strings.HasSuffix(field, "Generator") {
			w.generator(entry, field, i)
			continue
		}
		if written, _ := entry["path"].(string); written != "" {
			w.text(written, w.doc.at(field, i, "path"), field)
		}
		if text, _ := entry["patch"].(string); text != "" {
			w.inline(text, w.doc.at(field, i, "patch"))
		}
	}
}

// generator reads the files of a generated ConfigMap or Secret and marks it.
func (w *walk) generator(entry map[string]any, field string, i int) {
	for key, value := range entry {
		var sources []string
		switch key {
		case "env":
			if s, ok := value.(string); ok {
				sources = []string{s}
			}
		case "envs", "files":
			sources = w.list(entry, key)
		default:
			continue
		}
		for j, written := range sources {
			at := w.doc.at(field, i, key, j)
			if key == "files" {
				if _, after, has := strings.Cut(written, "="); has {
					written = after
				}
			}
			w.data(written, at, field)
		}
	}
	if behavior, _ := entry["behavior"].(string); behavior != "" && behavior != "create" {
		return // the object that is changed has a place already
	}
	options, _ := entry["options"].(map[string]any)
	if options == nil {
		options = map[string]any{}
	}
	annotations, _ := options["annotations"].(map[string]any)
	if annotations == nil {
		annotations = map[string]any{}
	}
	annotations[tag] = w.mark(w.doc.at(field, i))
	options["annotations"] = annotations
	entry["options"] = options
	w.total.documents++
}

// list gives the texts of a list field.
func (w *walk) list(body map[string]any, field string) []string {
	value, ok := body[field]
	if !ok || value == nil {
		return nil
	}
	list, ok := value.([]any)
	var out []string
	for _, item := range list {
		s, isText := item.(string)
		ok = ok && isText && s != ""
		out = append(out, s)
	}
	if !ok {
		w.fault(w.doc.at(field), "E-TYPE", field+" must be a list of texts", "write each entry after a dash")
		return nil
	}
	return out
}

// mark is the tag of what stands at pos.
func (b *build) mark(pos sources.Position) string {
	b.places = append(b.places, pos)
	return "place/" + strconv.Itoa(len(b.places)-1)
}
