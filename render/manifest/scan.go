package manifest

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"

	"rondo.dev/rondo/render/bounds"
	"rondo.dev/rondo/sources"
)

// scan reads the one YAML document in b. It returns nil after it has reported
// why the file cannot be used, and a null node for a file without content.
func (r *reader) scan(file string, b []byte) *node {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if p := bounds.Text(file, b); p != nil {
		r.report(*p)
		return nil
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	err := d.Decode(&doc)
	begin := sources.Position{File: file, Line: 1}
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return &node{pos: begin, shape: Text, plain: true, tag: "!!null"}
	}
	if err != nil {
		r.report(bounds.Syntax(file, b, err))
		return nil
	}
	root := doc.Content[0]
	if _, p := bounds.Tree(file, root); p != nil {
		r.report(*p)
		return nil
	}
	c := converter{r: r, file: file, done: map[*yaml.Node]*node{}}
	n := c.convert(root)
	if n == nil {
		return nil
	}
	if n.isNull() {
		n.pos = begin // the parser may have passed the end
	}
	var next yaml.Node
	switch err := d.Decode(&next); {
	case errors.Is(err, io.EOF):
		return n
	case err != nil:
		r.report(bounds.Syntax(file, b, err))
	case !r.isManifest(n): // several documents are what other programs read, who are named
	default:
		r.add(sources.Position{File: file, Line: next.Line, Column: next.Column}, "", "E-YAML-SYNTAX",
			"the file holds a second document after ---", "keep one document; environments are keys of the same document")
	}
	return nil
}
