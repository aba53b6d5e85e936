package manifest

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"rondo.dev/rondo/sources"
)

// Caps on what one file may hold. All are checked before anything is expanded
// or built from it (threats T6, T7).
const (
	maxDepth  = 64      // mappings and lists inside each other
	maxValues = 100_000 // values of a file, with aliases expanded (spec 1.1 rule 5)
	maxText   = 4 << 20 // bytes of all values, with aliases expanded
	// maxMarks bounds the signs that can start a value, counted over the raw
	// bytes; a tree of that many is about 60 MiB.
	maxMarks = 200_000
)

// scan reads the one YAML document in b. It returns nil after it has reported
// why the file cannot be used, and a null node for a file without content.
func (r *reader) scan(file string, b []byte) *node {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !r.readable(file, b) {
		return nil
	}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	err := d.Decode(&doc)
	if errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		return &node{pos: sources.Position{File: file, Line: 1}, shape: Text, plain: true, tag: "!!null"}
	}
	if err != nil {
		r.syntax(file, b, err)
		return nil
	}
	root := doc.Content[0]
	if !r.bounded(file, root) {
		return nil
	}
	c := converter{r: r, file: file, done: map[*yaml.Node]*node{}}
	n := c.convert(root)
	if n == nil {
		return nil
	}
	var next yaml.Node
	switch err := d.Decode(&next); {
	case errors.Is(err, io.EOF):
		return n
	case err != nil:
		r.syntax(file, b, err)
	default:
		r.add(sources.Position{File: file, Line: next.Line, Column: next.Column}, "", "E-YAML-SYNTAX",
			"the file holds a second document after ---", "keep one document; environments are keys of the same document")
	}
	return nil
}

// readable refuses bytes that are no YAML text, and what stands in for a file.
func (r *reader) readable(file string, b []byte) bool {
	at := func(offset int) sources.Position {
		line := 1 + bytes.Count(b[:offset], []byte("\n"))
		return sources.Position{File: file, Line: line, Column: offset - bytes.LastIndexByte(b[:offset], '\n')}
	}
	switch {
	case bytes.HasPrefix(b, []byte("version https://git-lfs.github.com/spec/")):
		r.add(at(0), "", "E-GIT-LFS", "the file is a Git LFS pointer, not the file itself",
			"take it out of LFS: git lfs untrack "+file+", then commit the file")
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		r.add(at(0), "", "E-YAML-SYNTAX", "the file is UTF-16", "save it as UTF-8")
	case bytes.IndexByte(b, 0) >= 0:
		r.add(at(bytes.IndexByte(b, 0)), "", "E-YAML-SYNTAX", "the file holds a NUL byte", "commit a text file")
	case !utf8.Valid(b):
		r.add(at(firstInvalid(b)), "", "E-YAML-SYNTAX", "the file is not valid UTF-8", "save it as UTF-8")
	case marks(b) > maxMarks:
		r.add(sources.Position{File: file, Line: 1}, "", "E-FILE-SIZE", "the file holds more than "+itoa(maxValues)+" values", "split the application")
	default:
		return true
	}
	return false
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		c, size := utf8.DecodeRune(b[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return 0
}

// marks counts the bytes that can start a value, outside comment lines. It is
// an upper bound, and cheap.
func marks(b []byte) int {
	count := 0
	for line := range bytes.Lines(b) {
		text := bytes.TrimLeft(line, " \t")
		if len(text) == 0 || text[0] == '#' || text[0] == '\n' {
			continue
		}
		count++
		for i, c := range text {
			switch c {
			case ',', '[', '{', ':':
				count++
			case '-', '?':
				if i+1 < len(text) && text[i+1] == ' ' {
					count++
				}
			}
		}
	}
	return count
}

// extent is how much a value holds and how deep it is, with aliases expanded.
// The zero extent marks a value that is still being measured.
type extent struct{ values, text, height int }

// excess is why a tree is refused, and where.
type excess struct {
	at              *yaml.Node
	code, what, fix string
}

// bounded measures root with every alias expanded, without expanding any.
func (r *reader) bounded(file string, root *yaml.Node) bool {
	_, over := measure(root, 1, map[*yaml.Node]extent{})
	if over == nil {
		return true
	}
	r.add(sources.Position{File: file, Line: over.at.Line, Column: over.at.Column}, "", over.code, over.what, over.fix)
	return false
}

func tooDeep(at *yaml.Node) *excess {
	return &excess{at, "E-YAML-DEPTH", "the file nests deeper than " + itoa(maxDepth) + " levels", "flatten it"}
}

func measure(y *yaml.Node, depth int, anchors map[*yaml.Node]extent) (extent, *excess) {
	from := y
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if e, ok := anchors[y]; ok && y.Anchor != "" {
		switch {
		case e.values == 0:
			return e, &excess{from, "E-YAML-ALIAS", "an alias refers to the value it is part of", "write the value out"}
		case depth+e.height > maxDepth:
			return e, tooDeep(from)
		}
		return e, nil
	}
	if depth > maxDepth {
		return extent{}, tooDeep(from)
	}
	if y.Anchor != "" {
		anchors[y] = extent{}
	}
	e := extent{values: 1, text: len(y.Value)}
	for _, child := range y.Content {
		c, over := measure(child, depth+1, anchors)
		if over != nil {
			return e, over
		}
		e.height = max(e.height, c.height+1)
		e.values += c.values
		e.text += c.text
		switch {
		case e.values > maxValues:
			return e, &excess{from, "E-YAML-ALIAS", "the file holds more than " + itoa(maxValues) + " values, aliases expanded",
				"write fewer aliases of aliases"}
		case e.text > maxText:
			return e, &excess{from, "E-YAML-ALIAS", "the file holds more than " + itoa(maxText>>20) + " MiB of text, aliases expanded",
				"write fewer aliases of long values"}
		}
	}
	if y.Anchor != "" {
		anchors[y] = e
	}
	return e, nil
}
