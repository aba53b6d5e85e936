package bounds

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/sources"
)

// Caps on what one file may hold.
const (
	MaxDepth  = 64      // mappings and lists inside each other
	MaxValues = 100_000 // values of a file, with aliases expanded (spec 1.1 rule 5)
	MaxText   = 4 << 20 // bytes of all values, with aliases expanded
	// maxMarks bounds the signs that can start a value, counted over the raw
	// bytes; a tree of that many is about 60 MiB.
	maxMarks = 200_000
)

// Text refuses bytes that are no YAML text, and what stands in for a file. nil:
// it may be parsed.
func Text(file string, b []byte) *render.Problem {
	at := func(offset int) sources.Position {
		line := 1 + bytes.Count(b[:offset], []byte("\n"))
		return sources.Position{File: file, Line: line, Column: offset - bytes.LastIndexByte(b[:offset], '\n')}
	}
	switch {
	case IsLFS(b):
		return &render.Problem{Pos: at(0), Code: "E-GIT-LFS", What: "the file is a Git LFS pointer, not the file itself",
			Fix: "take it out of LFS: git lfs untrack " + file + ", then commit the file"}
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return &render.Problem{Pos: at(0), Code: "E-YAML-SYNTAX", What: "the file is UTF-16", Fix: "save it as UTF-8"}
	case bytes.IndexByte(b, 0) >= 0:
		return &render.Problem{Pos: at(bytes.IndexByte(b, 0)), Code: "E-YAML-SYNTAX", What: "the file holds a NUL byte", Fix: "commit a text file"}
	case !utf8.Valid(b):
		return &render.Problem{Pos: at(firstInvalid(b)), Code: "E-YAML-SYNTAX", What: "the file is not valid UTF-8", Fix: "save it as UTF-8"}
	case marks(b) > maxMarks:
		return &render.Problem{Pos: sources.Position{File: file, Line: 1}, Code: "E-FILE-SIZE",
			What: "the file holds more than " + strconv.Itoa(MaxValues) + " values", Fix: "split the application"}
	}
	return nil
}

// IsLFS reports whether b is a pointer of Git LFS instead of a file.
func IsLFS(b []byte) bool {
	return bytes.HasPrefix(b, []byte("version https://git-lfs.github.com/spec/"))
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

// Extent is how much a value holds and how deep it is, with aliases expanded.
// The zero Extent marks a value that is still being measured.
type Extent struct{ Values, Text, Height int }

// Tree measures root with every alias expanded, without expanding any, and says
// what is too much.
func Tree(file string, root *yaml.Node) (Extent, *render.Problem) {
	e, over := measure(root, 1, map[*yaml.Node]Extent{})
	if over == nil {
		return e, nil
	}
	return e, &render.Problem{Pos: sources.Position{File: file, Line: over.at.Line, Column: over.at.Column},
		Code: over.code, What: over.what, Fix: over.fix}
}

// excess is why a tree is refused, and where.
type excess struct {
	at              *yaml.Node
	code, what, fix string
}

func tooDeep(at *yaml.Node) *excess {
	return &excess{at, "E-YAML-DEPTH", "the file nests deeper than " + strconv.Itoa(MaxDepth) + " levels", "flatten it"}
}

func measure(y *yaml.Node, depth int, anchors map[*yaml.Node]Extent) (Extent, *excess) {
	from := y
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if e, ok := anchors[y]; ok && y.Anchor != "" {
		switch {
		case e.Values == 0:
			return e, &excess{from, "E-YAML-ALIAS", "an alias refers to the value it is part of", "write the value out"}
		case depth+e.Height > MaxDepth:
			return e, tooDeep(from)
		}
		return e, nil
	}
	if depth > MaxDepth {
		return Extent{}, tooDeep(from)
	}
	if y.Anchor != "" {
		anchors[y] = Extent{}
	}
	e := Extent{Values: 1, Text: len(y.Value)}
	for _, child := range y.Content {
		c, over := measure(child, depth+1, anchors)
		if over != nil {
			return e, over
		}
		e.Height = max(e.Height, c.Height+1)
		e.Values += c.Values
		e.Text += c.Text
		switch {
		case e.Values > MaxValues:
			return e, &excess{from, "E-YAML-ALIAS", "the file holds more than " + strconv.Itoa(MaxValues) + " values, aliases expanded",
				"write fewer aliases of aliases"}
		case e.Text > MaxText:
			return e, &excess{from, "E-YAML-ALIAS", "the file holds more than " + strconv.Itoa(MaxText>>20) + " MiB of text, aliases expanded",
				"write fewer aliases of long values"}
		}
	}
	if y.Anchor != "" {
		anchors[y] = e
	}
	return e, nil
}
