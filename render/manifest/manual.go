package manifest

import (
	"fmt"
	"slices"
	"strings"

	"rondo.dev/rondo/render"
)

// Manual is the reference of the language in Markdown, made from the table of
// options and the list of codes. What stands at many places is told once: the
// keys of a server, of a check, of a group of databases.
func Manual() string {
	var m manual
	m.line("## What becomes of a key\n")
	m.line("| Disposition | Meaning |\n|---|---|")
	for _, d := range render.Dispositions() {
		m.row("`"+string(d)+"`", d.Meaning())
	}
	m.line("\n`not built` marks an option that rondo recognises and refuses for now. A † marks a key that rondo adds to the language.\n")
	m.line("## Options\n\nA name in angle brackets is one that you choose. Items of a list have no mark of their own: `services.<name>.ports.container`.\n")
	var plain, areas []Option
	for _, o := range Language() {
		switch {
		case o.Disposition == render.Unknown:
		case o.Keys == nil:
			plain = append(plain, o)
		default:
			areas = append(areas, o)
		}
	}
	m.table("The first level", "", plain, "")
	for _, o := range areas {
		m.area(o)
	}
	m.table("A server", "", serverOptions(), "server")
	m.codes()
	return m.String()
}

// manual is the text while it is written.
type manual struct{ strings.Builder }

func (m *manual) line(s string) { m.WriteString(s + "\n") }

func (m *manual) row(cells ...string) {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", `\|`)
	}
	m.line("| " + strings.Join(cells, " | ") + " |")
}

// area is a heading with the options below one key of the first level.
func (m *manual) area(o Option) {
	if i := slices.Index(appComponents[:], o.Name); i > 0 {
		if i == 1 {
			m.line("### " + strings.Join(appComponents[1:], ", ") + "\n\nApplications without containers have the keys of `docker`.\n")
		}
		return
	}
	path := o.Name
	if o.Named {
		path += ".<name>"
	}
	m.table(o.Name, o.Doc+about(o)+"\n\n", o.Keys(), path)
}

func (m *manual) table(title, doc string, options []Option, path string) {
	m.line("### " + title + "\n\n" + doc + "| Key | Form | Default | Accepted | Disposition | Meaning |\n|---|---|---|---|---|---|")
	m.options(options, path)
	m.line("")
}

// options writes a row for each option and those inside it.
func (m *manual) options(options []Option, path string) {
	for _, o := range options {
		if o.Disposition == render.Unknown {
			continue
		}
		at := join(path, o.Name)
		mark := ""
		if o.Extension {
			mark = " †"
		}
		accepted := o.Accepted
		if accepted == "" {
			accepted = strings.Join(o.Words, ", ")
		}
		seeAlso := told(path, o)
		m.row("`"+at+"`"+mark, o.Shape.String(), o.Default, accepted, becomes(o), o.Doc+about(o)+seeAlso)
		if o.Keys == nil || seeAlso != "" {
			continue
		}
		if o.Named {
			at += ".<name>"
		}
		m.options(o.Keys(), at)
	}
}

// told says where the keys inside an option are told; empty: in place.
func told(path string, o Option) string {
	switch {
	case o.Name == "server", o.Name == "servers" && !strings.HasSuffix(path, ".constraints"):
		return " Its keys: see A server."
	case o.Name == "groups" && o.Named:
		return " Each has the keys of the engine itself."
	case strings.HasSuffix(path, ".health") && (o.Name == "alive" || o.Name == "startup"):
		return " Its keys are those of ready."
	}
	return ""
}

// becomes is the disposition of an option in words.
func becomes(o Option) string {
	if o.NotBuilt {
		return "not built"
	}
	return strings.ReplaceAll(string(o.Disposition), "_", " ")
}

// about is what else is to be said about an option.
func about(o Option) string {
	out := ""
	if o.Alias != "" {
		out += " Also spelt `" + o.Alias + "`, with a warning."
	}
	if o.NotBuilt && len(o.Inert) > 0 {
		out += " Accepted as long as it asks for what happens anyway: " + strings.Join(o.Inert, ", ") + "."
	}
	switch {
	case o.Hint == "":
	case o.Disposition == render.Translated:
		out += " Becomes " + o.Hint + "."
	default:
		out += " Instead: " + o.Hint + "."
	}
	return out
}

// codes lists the codes by area.
func (m *manual) codes() {
	m.line("## Codes\n\nErrors begin with E and keep the application from being deployed; warnings begin with W, hints with I.\n")
	m.line("| Code | Meaning |\n|---|---|")
	for _, c := range Codes() {
		m.row("`"+c.Name+"`", c.Meaning)
	}
}

// Mark stands in docs/manifest.md above what [Manual] writes.
const Mark = "<!-- Below this line: generated from the table of options, by go test ./render/manifest -run Manual -update -->\n"

// Page is a page of the manual with its generated part made anew.
func Page(text string) (string, error) {
	head, _, ok := strings.Cut(text, Mark)
	if !ok {
		return "", fmt.Errorf("the page has no line %q", strings.TrimSpace(Mark))
	}
	return head + Mark + "\n" + Manual(), nil
}
