package manifest

import (
	"strings"

	"rondo.dev/rondo/render"
)

// Shape is a set of forms that a value may have.
type Shape uint8

const (
	Text    Shape = 1 << iota // any scalar, taken from its source text
	Bool                      // true, false, and YAML 1.1's yes, no, on, off
	Integer                   // digits, quoted or not
	List
	Mapping
)

func (s Shape) String() string {
	out := ""
	for _, part := range []struct {
		shape Shape
		name  string
	}{{Text, "text"}, {Bool, "true or false"}, {Integer, "a whole number"}, {List, "a list"}, {Mapping, "a mapping"}} {
		if s&part.shape == 0 {
			continue
		}
		if out != "" {
			out += " or "
		}
		out += part.name
	}
	return out
}

// Option is one key of the language: a row of the table that drives parsing,
// diagnostics and documentation. [Language] gives the whole table.
type Option struct {
	Name        string
	Alias       string // another spelling, accepted with a warning
	Shape       Shape
	Default     string // as one would write it; empty: none
	Accepted    string // what is accepted, in words; empty: anything of Shape
	Words       []string
	Disposition render.Disposition
	Inert       []string // values of a NotBuilt option that ask for what happens anyway
	Doc         string   // one sentence
	Hint        string   // what to use instead
	Code        string   // code of a Rejected option
	// Keys are the options inside: of the mapping itself, of each item of a
	// list, or, with Named, of each value of a mapping whose keys users choose.
	Keys func() []Option

	// check looks at a value that nothing else reads.
	check func(*reader, *node, place)
	// of gives the keys of one value of a Named option, where its name decides.
	of func(name string) []Option
	// at is where the value goes; who put the pointer there reads it. Without
	// at, the walk goes on with Keys.
	at **node

	// The marks stand side by side because a table is made for every service.

	Named     bool // see Keys
	NotBuilt  bool // recognised, but asking for it is refused for now
	Extension bool // added by rondo
	Open      bool // further keys are taken as they are, as those of Kubernetes
	Version   bool // digits matter: 1.30 is not 1.3
	across    bool // read where components are compared, not where it stands
}

// The constructors and methods below exist so that a row of the table is a line.

func opt(name string, shape Shape, def, accepted, doc string) Option {
	return Option{Name: name, Shape: shape, Default: def, Accepted: accepted, Doc: doc, Disposition: render.Applied}
}

// no is a key that people write but that does not exist.
func no(name, hint string) Option { return Option{Name: name, Disposition: render.Unknown, Hint: hint} }

func (o Option) alias(name string) Option                     { o.Alias = name; return o }
func (o Option) version() Option                              { o.Version = true; return o }
func (o Option) checked(f func(*reader, *node, place)) Option { o.check = f; return o }
func (o Option) into(at **node) Option                        { o.at = at; return o }
func (o Option) keys(keys func() []Option) Option             { o.Keys = keys; return o }
func (o Option) named(keys func() []Option) Option            { o.Keys, o.Named = keys, true; return o }
func (o Option) open() Option                                 { o.Open = true; return o }
func (o Option) words(words ...string) Option                 { o.Words = words; return o }
func (o Option) ext() Option                                  { o.Extension = true; return o }
func (o Option) deprecated(hint string) Option {
	o.Disposition, o.Hint = render.Deprecated, hint
	return o
}
func (o Option) inapplicable(hint string) Option {
	o.Disposition, o.Hint = render.NotApplicable, hint
	return o
}
func (o Option) rejected(code, hint string) Option {
	o.Disposition, o.Code, o.Hint = render.Rejected, code, hint
	return o
}

// each is named for keys that depend on the name; Keys are those of no name.
func (o Option) each(of func(name string) []Option) Option {
	o.of = of
	return o.named(func() []Option { return of("") })
}

// translated: the equivalent is what is rendered; none: whoever reads the value
// tells it, with I-TRANSLATED.
func (o Option) translated(equivalent ...string) Option {
	o.Disposition, o.Hint = render.Translated, strings.Join(equivalent, ", ")
	return o
}

// once: whoever reads the value calls [reader.once].
func (o Option) once() Option { o.Disposition = render.Once; return o }

func (o Option) later(inert ...string) Option  { o.NotBuilt, o.Inert = true, inert; return o }
func (o Option) inert(values ...string) Option { o.Inert = values; return o }
func (o Option) compared() Option              { o.across = true; return o }
func (o Option) hint(hint string) Option       { o.Hint = hint; return o }

// Read reports whether somebody reads the value itself; else the option only
// groups others, or only its place is told.
func (o Option) Read() bool { return o.at != nil || o.across }

// find returns the row of a key; nil where the table has none.
func find(options []Option, key string) *Option {
	for i := range options {
		if options[i].Name == key {
			return &options[i]
		}
	}
	return nil
}

// fill stores the values of n without looking at them.
func fill(n *node, options []Option) {
	for _, f := range n.fields {
		if o := find(options, f.key); o != nil && o.at != nil && !f.value.isNull() {
			*o.at = f.value
		}
	}
}
