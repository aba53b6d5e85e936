package manifest

import (
	"encoding/json"
	"fmt"
	"strings"

	"rondo.dev/rondo/render"
)

// Schema is a JSON Schema (draft 2020-12) of a manifest, for editors. It is made
// from the table of options. With environment it describes what stands below the
// name of an environment; else a whole file, in which any other key of the first
// level is an environment.
//
// It accepts what [Parse] accepts, and forbids unknown keys where Parse refuses
// them: inside services. It cannot tell what several values mean together.
func Schema(environment bool) map[string]any {
	b := &schemas{defs: map[string]any{}, names: map[string]string{}}
	level := b.object(new(document).options(), "environment", false)
	out := map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Manifest of rondo",
		"$ref":    level["$ref"],
	}
	if environment {
		out["title"] = "One environment of a manifest of rondo"
	} else {
		out["unevaluatedProperties"] = map[string]any{"anyOf": []any{level, map[string]any{"not": map[string]any{"type": "object"}}}}
	}
	out["$defs"] = b.defs
	return out
}

// schemas builds a schema; what is large stands once, in $defs.
type schemas struct {
	defs  map[string]any
	names map[string]string // of definitions, by their JSON text
}

// object is a mapping with the keys of a table. A firm one has no others.
func (b *schemas) object(options []Option, name string, firm bool) map[string]any {
	properties := map[string]any{}
	for _, o := range options {
		if o.Disposition == render.Unknown {
			continue
		}
		properties[o.Name] = b.option(o, firm)
		if o.Alias != "" {
			properties[o.Alias] = map[string]any{"allOf": []any{b.option(o, firm)}, "deprecated": true, "description": "Write " + o.Name + ":."}
		}
	}
	out := map[string]any{"type": "object", "properties": properties}
	if firm {
		out["additionalProperties"] = false
		out["patternProperties"] = map[string]any{"^:": true} // Ruby's symbols, which are a warning
	}
	return b.define(out, name)
}

// define moves a large schema to $defs and refers to it.
func (b *schemas) define(schema map[string]any, name string) map[string]any {
	text, err := json.Marshal(schema)
	if err != nil || len(text) < 1000 && name != "environment" {
		return schema
	}
	known, ok := b.names[string(text)]
	if !ok {
		known = name
		for i := 2; b.defs[known] != nil; i++ {
			known = fmt.Sprint(name, i)
		}
		b.names[string(text)], b.defs[known] = known, schema
	}
	return map[string]any{"$ref": "#/$defs/" + known}
}

// option is the schema of one value, in each of its forms. Null means the
// default everywhere.
func (b *schemas) option(o Option, firm bool) map[string]any {
	forms := []any{kind("null")}
	if o.Shape&Text != 0 {
		if words := enum(o.Words...); words != nil {
			forms = append(forms, words)
		} else {
			forms = append(forms, kind("string", "number", "boolean"))
		}
	}
	if o.Shape&Bool != 0 {
		forms = append(forms, kind("boolean"), enum("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON",
			"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"))
	}
	if o.Shape&Integer != 0 {
		forms = append(forms, kind("integer"), map[string]any{"type": "string", "pattern": "^-?[0-9]+$"})
	}
	firm = firm || o.Name == "services"
	if o.Shape&Mapping != 0 {
		forms = append(forms, b.mapping(o, firm))
	}
	if o.Shape&List != 0 {
		list := kind("array")
		if o.Keys != nil {
			each := []any{kind("string", "number", "boolean", "null"), b.object(o.Keys(), o.Name+"_item", firm && !o.Named && !o.Open)}
			if o.Named {
				each = append(each, b.mapping(o, firm))
			}
			list["items"] = map[string]any{"anyOf": each}
		}
		forms = append(forms, list)
	}
	out := map[string]any{"anyOf": forms, "description": description(o)}
	if o.Disposition == render.Deprecated {
		out["deprecated"] = true
	}
	return out
}

func kind(names ...string) map[string]any {
	if len(names) == 1 {
		return map[string]any{"type": names[0]}
	}
	types := make([]any, len(names))
	for i, name := range names {
		types[i] = name
	}
	return map[string]any{"type": types}
}

func enum(words ...string) map[string]any {
	if len(words) == 0 {
		return nil
	}
	values := make([]any, len(words))
	for i, w := range words {
		values[i] = w
	}
	return map[string]any{"enum": values}
}

// mapping is the form of a value that is a mapping: with the keys of the option,
// or with names that users choose.
func (b *schemas) mapping(o Option, firm bool) map[string]any {
	switch {
	case o.Keys == nil:
		return kind("object")
	case !o.Named && o.Shape&List == 0:
		return b.object(o.Keys(), o.Name, firm && !o.Open)
	case !o.Named:
		// What may be a list may also be one item of it, or items by name.
		one := b.object(o.Keys(), o.Name, firm && !o.Open)
		return map[string]any{"anyOf": []any{one, map[string]any{"type": "object",
			"additionalProperties": map[string]any{"anyOf": []any{one, kind("null")}}}}}
	}
	inner := b.object(o.Keys(), strings.TrimSuffix(o.Name, "s"), firm)
	each := []any{inner, kind("null")}
	if o.Name != "services" {
		// A list, as at the points of deploy_hooks, or a lone word.
		word := kind("string", "number", "boolean")
		each = append(each, map[string]any{"type": "array", "items": map[string]any{"anyOf": []any{inner, word}}}, word)
	}
	return map[string]any{"type": "object", "additionalProperties": map[string]any{"anyOf": each}}
}

// description is what an editor shows beside a key.
func description(o Option) string {
	out := o.Doc
	if o.Accepted != "" {
		out += " Accepted: " + o.Accepted + "."
	}
	if o.Default != "" {
		out += " Default: " + o.Default + "."
	}
	switch {
	case o.NotBuilt:
		out += " Not built yet."
	case o.Disposition == render.NotApplicable:
		out += " Has no effect here."
	case o.Disposition == render.Rejected:
		out += " Not supported."
	}
	if o.Hint != "" && o.Disposition != render.Translated {
		out += " Instead: " + o.Hint + "."
	}
	return out
}
