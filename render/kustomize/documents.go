package kustomize

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/bounds"
	"rondo.dev/rondo/sources"
)

// document is one YAML document of a file.
type document struct {
	pos  sources.Position // of its first key
	node *yamlv3.Node     // what it was read from; for positions
	text []byte
	body any // as JSON has it, numbers int64 or float64; set by decode
}

// documents reads the documents of a YAML or JSON file that hold something.
// Values are read as kubectl reads them.
func (r *reader) documents(name string, b []byte) []document {
	var out []document
	for _, doc := range r.check(name, b) {
		if p := doc.decode(); p != nil {
			r.report(*p)
			continue
		}
		out = append(out, doc)
	}
	return out
}

// check is documents without the values: it bounds the YAML of a file that only
// kustomize will read.
func (r *reader) check(name string, b []byte) []document {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if p := bounds.Text(name, b); p != nil {
		r.report(*p)
		return nil
	}
	var out []document
	for _, c := range chunks(b) {
		at := func(p render.Problem) render.Problem {
			p.Pos.Line += c.before
			return p
		}
		var doc, more yamlv3.Node
		d := yamlv3.NewDecoder(bytes.NewReader(c.text))
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
			continue
		}
		if err != nil {
			r.report(at(bounds.Syntax(name, c.text, err)))
			return nil
		}
		root := doc.Content[0]
		extent, p := bounds.Tree(name, root)
		if r.values += extent.Values; p == nil && r.values > maxValues {
			p = &render.Problem{Pos: sources.Position{File: name, Line: root.Line}, Code: "E-FILE-SIZE",
				What: "the files of the application hold more than " + strconv.Itoa(maxValues) + " values", Fix: "split the application"}
		}
		if p != nil {
			r.report(at(*p))
			return nil
		}
		if err := d.Decode(&more); !errors.Is(err, io.EOF) {
			r.fault(sources.Position{File: name, Line: c.before + max(1, more.Line)}, "E-YAML-SYNTAX",
				"a document does not start with ---", "write --- between documents")
			return nil
		}
		if root.ShortTag() == "!!null" {
			continue
		}
		out = append(out, document{pos: sources.Position{File: name, Line: c.before + root.Line}, node: root, text: c.text})
	}
	return out
}

// decode reads the values.
func (d *document) decode() *render.Problem {
	raw, err := yaml.YAMLToJSONStrict(d.text)
	if err == nil {
		err = json.Unmarshal(raw, &d.body)
	}
	if err == nil {
		return nil
	}
	// The library's words may repeat content.
	if strings.Contains(err.Error(), "already set in map") {
		return &render.Problem{Pos: d.pos, Code: "E-YAML-DUPKEY", What: "a key of this document stands twice", Fix: "keep one of the two"}
	}
	return &render.Problem{Pos: d.pos, Code: "E-YAML-SYNTAX", What: "a value of this document cannot be read", Fix: "check tags, anchors and merge keys"}
}

// chunk is the text of one document with the line that starts it.
type chunk struct {
	text   []byte
	before int // lines above it
}

// chunks cuts a stream at its document marks, which YAML allows nowhere else.
func chunks(b []byte) []chunk {
	var out []chunk
	start, begin, line := 0, 0, 0
	at := 0
	for text := range bytes.Lines(b) {
		if mark, ok := bytes.CutPrefix(text, []byte("---")); ok && at > start && (len(mark) == 0 || strings.IndexByte(" \t\r\n", mark[0]) >= 0) {
			out = append(out, chunk{b[start:at], begin})
			start, begin = at, line
		}
		at += len(text)
		line++
	}
	return append(out, chunk{b[start:], begin})
}

// find is the node at a path of keys and indices below n, as near as there is
// one; for positions only.
func find(n *yamlv3.Node, steps ...any) *yamlv3.Node {
	for _, step := range steps {
		if n.Kind == yamlv3.AliasNode {
			n = n.Alias
		}
		var next *yamlv3.Node
		switch s := step.(type) {
		case int:
			if n.Kind == yamlv3.SequenceNode && s < len(n.Content) {
				next = n.Content[s]
			}
		case string:
			for i := 0; n.Kind == yamlv3.MappingNode && i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == s {
					next = n.Content[i+1]
				}
			}
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

// at is the position of a path of keys and indices of the document.
func (d document) at(steps ...any) sources.Position {
	pos := d.pos
	pos.Line += find(d.node, steps...).Line - d.node.Line
	return pos
}

// id is the kind and name of an object in a document; empty where it has none.
func id(body any) (kind, name string) {
	m, _ := body.(map[string]any)
	meta, _ := m["metadata"].(map[string]any)
	kind, _ = m["kind"].(string)
	name, _ = meta["name"].(string)
	return kind, name
}

// items are the objects of a List, else the object itself.
func items(body map[string]any) []map[string]any {
	kind, _ := body["kind"].(string)
	list, ok := body["items"].([]any)
	if !ok || !strings.HasSuffix(kind, "List") {
		return []map[string]any{body}
	}
	var out []map[string]any
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
