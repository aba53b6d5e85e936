package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"rondo.dev/rondo/sources"
)

// node is a value of the one tree that all files become. Aliases and merge keys
// are resolved, keys are unique, and every value knows its file and line.
type node struct {
	pos    sources.Position
	shape  Shape // Text, List or Mapping
	tag    string
	text   string // source text of a scalar
	plain  bool   // a scalar without quotes
	items  []*node
	fields []field
}

// field is one key of a mapping with its value.
type field struct {
	key   string // without the leading colon of Ruby's symbols
	pos   sources.Position
	value *node
}

func (n *node) isNull() bool {
	return n == nil || n.shape == Text && n.plain && n.tag == "!!null"
}

// isEmpty reports whether n asks for nothing: null, [] or {}.
func (n *node) isEmpty() bool {
	return n.isNull() || n.shape != Text && len(n.items)+len(n.fields) == 0
}

// get returns the value of key; nil where n is no mapping or has no such key.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].key == key {
			return n.fields[i].value
		}
	}
	return nil
}

// converter turns yaml.v3's nodes into ours.
type converter struct {
	r    *reader
	file string
	// done holds what an anchor became, so that an alias costs a pointer.
	done map[*yaml.Node]*node
}

func (c *converter) pos(y *yaml.Node) sources.Position {
	return sources.Position{File: c.file, Line: y.Line, Column: y.Column}
}

// convert returns nil after it has reported a problem.
func (c *converter) convert(y *yaml.Node) *node {
	if y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	if n, ok := c.done[y]; ok {
		return n
	}
	n := &node{pos: c.pos(y), tag: y.Tag, text: y.Value}
	ok := c.known(y)
	switch y.Kind {
	case yaml.SequenceNode:
		n.shape = List
		n.items = make([]*node, 0, len(y.Content))
		for _, item := range y.Content {
			child := c.convert(item)
			if child == nil {
				ok = false
				continue
			}
			n.items = append(n.items, child)
		}
	case yaml.MappingNode:
		n.shape = Mapping
		ok = c.mapping(n, y) && ok
	default:
		n.shape = Text
		n.plain = y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	}
	if !ok {
		return nil
	}
	if y.Anchor != "" {
		c.done[y] = n
	}
	return n
}

// known refuses tags that YAML's core schema does not have: whoever writes
// !secret expects that something is looked up.
func (c *converter) known(y *yaml.Node) bool {
	switch y.ShortTag() {
	case "", "!", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!map", "!!seq", "!!merge":
		return true
	}
	c.r.add(c.pos(y), "", "E-YAML-SYNTAX", "a value has a tag that is not known", "remove the word that starts with !, or put the value in quotes")
	return false
}

func (c *converter) mapping(n *node, y *yaml.Node) bool {
	ok := true
	n.fields = make([]field, 0, len(y.Content)/2)
	var merges []*yaml.Node
	seen := map[string]sources.Position{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		pos := c.pos(y.Content[i])
		if key.Kind != yaml.ScalarNode {
			c.r.add(pos, "", "E-YAML-SYNTAX", "a key is itself a mapping or a list", "put quotes around a value that starts with {{ or [")
			ok = false
			continue
		}
		name, colon := strings.CutPrefix(key.Value, ":")
		if colon && name != "" {
			c.r.add(pos, "", "W-COLON-KEY", "key "+shown(name)+" has a leading colon", "write "+shown(name)+":")
		} else {
			name = key.Value
		}
		if first, dup := seen[name]; dup {
			c.r.add(pos, "", "E-YAML-DUPKEY", "key "+shown(name)+" is also at line "+itoa(first.Line)+" of the same mapping",
				duplicateFix(name))
			ok = false
			continue
		}
		seen[name] = pos
		if key.Tag == "!!merge" && name == "<<" {
			merges = append(merges, value)
			continue
		}
		child := c.convert(value)
		if child == nil {
			ok = false
			continue
		}
		n.fields = append(n.fields, field{key: name, pos: pos, value: child})
	}
	for _, m := range merges {
		ok = c.merge(n, m, seen) && ok
	}
	return ok
}

// merge adds the keys of a "<<" value that n does not have itself; of several,
// the first wins.
func (c *converter) merge(n *node, y *yaml.Node, seen map[string]sources.Position) bool {
	from := c.convert(y)
	if from == nil {
		return false
	}
	list := []*node{from}
	if from.shape == List {
		list = from.items
	}
	for _, m := range list {
		if m.shape != Mapping {
			c.r.add(c.pos(y), "", "E-YAML-SYNTAX", "the merge key << is given something that is no mapping", "write <<: *anchor")
			return false
		}
		for _, f := range m.fields {
			if _, has := seen[f.key]; !has {
				seen[f.key] = f.pos
				n.fields = append(n.fields, f)
			}
		}
	}
	return true
}

func duplicateFix(key string) string {
	if key == "server" {
		return "start each server with a dash: - server:"
	}
	if key == "<<" {
		return "merge several anchors with <<: [*a, *b]"
	}
	return "keep one of the two"
}
