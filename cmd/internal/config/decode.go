package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"rondo.dev/rondo/render/manifest"
)

// decoder fills a struct from a YAML tree and keeps every fault it meets.
type decoder struct {
	path   string
	lines  map[string]int // key path to line
	faults []fault
}

// fault is one error and the key it is about.
type fault struct {
	key string
	err error
}

// fail notes a fault of key, at the line of the nearest key that was written.
func (d *decoder) fail(key, format string, args ...any) {
	d.failAt(key, d.line(key), format, args...)
}

func (d *decoder) failAt(key string, line int, format string, args ...any) {
	err := fmt.Errorf("%s:%d: "+format, append([]any{d.path, line}, args...)...)
	d.faults = append(d.faults, fault{key, err})
}

// take removes the faults of one key and what is below it, and joins them.
func (d *decoder) take(key string) error {
	var errs []error
	d.faults = slices.DeleteFunc(d.faults, func(f fault) bool {
		mine := f.key == key || strings.HasPrefix(f.key, key+".") || strings.HasPrefix(f.key, key+"[")
		if mine {
			errs = append(errs, f.err)
		}
		return mine
	})
	return errors.Join(errs...)
}

// decode reads raw over the values that are in out already.
func (d *decoder) decode(raw []byte, out *File) {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		err = fmt.Errorf("%s: %s", d.path, strings.TrimPrefix(err.Error(), "yaml: "))
		d.faults = append(d.faults, fault{err: err})
		return
	}
	if len(doc.Content) == 0 {
		return // an empty file is all defaults
	}
	d.value(doc.Content[0], reflect.ValueOf(out).Elem(), "")
}

// value sets v from n; key is the path for messages.
func (d *decoder) value(n *yaml.Node, v reflect.Value, key string) {
	d.lines[key] = n.Line
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return // "key:" with nothing behind it keeps the default
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		d.duration(n, v, key)
	case v.Kind() == reflect.Struct:
		d.mapping(n, v, key)
	case v.Kind() == reflect.Map:
		d.names(n, v, key)
	case v.Kind() == reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			d.failAt(key, n.Line, "%s must be a list", key)
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			d.value(item, v.Index(i), fmt.Sprintf("%s[%d]", key, i))
		}
	default:
		if n.Kind != yaml.ScalarNode {
			d.failAt(key, n.Line, "%s must be a %s, not a %s", key, v.Kind(), kindName(n))
			return
		}
		if err := n.Decode(v.Addr().Interface()); err != nil {
			d.failAt(key, n.Line, "%s must be a %s, not %q", key, v.Kind(), n.Value)
		}
	}
}

func (d *decoder) duration(n *yaml.Node, v reflect.Value, key string) {
	parsed, err := time.ParseDuration(n.Value)
	if err != nil || parsed <= 0 {
		d.failAt(key, n.Line, "%s must be a time such as 30s or 5m, not %q", key, n.Value)
		return
	}
	v.SetInt(int64(parsed))
}

// names sets a mapping whose names the operator chooses.
func (d *decoder) names(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.MappingNode {
		d.failAt(key, n.Line, "%s must be a mapping, not a %s", key, kindName(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], reflect.New(v.Type().Elem()).Elem()
		at := join(key, name.Value)
		if v.MapIndex(reflect.ValueOf(name.Value)).IsValid() {
			d.failAt(at, name.Line, "%s stands twice", at)
			continue
		}
		d.value(n.Content[i+1], value, at)
		v.SetMapIndex(reflect.ValueOf(name.Value), value)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.MappingNode {
		d.failAt(key, n.Line, "%s must be a mapping, not a %s", orFile(key), kindName(n))
		return
	}
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = i
			names = append(names, name)
		}
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if first, twice := seen[name.Value]; twice {
			d.failAt(join(key, name.Value), name.Line, "%s stands twice, first on line %d", join(key, name.Value), first)
			continue
		}
		seen[name.Value] = name.Line
		field, known := fields[name.Value]
		switch {
		case known:
			d.value(value, v.Field(field), join(key, name.Value))
		case key == "" && notBuilt[name.Value] != "":
			d.failAt(name.Value, name.Line, "%s is not built yet; %s", name.Value, notBuilt[name.Value])
		default:
			hint := "known here: " + strings.Join(names, ", ")
			if near := manifest.Nearest(name.Value, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			d.failAt(join(key, name.Value), name.Line, "unknown key %s; %s", join(key, name.Value), hint)
		}
	}
}

func (d *decoder) line(key string) int {
	for key != "" {
		if line, ok := d.lines[key]; ok {
			return line
		}
		cut := strings.LastIndexAny(key, ".[")
		if cut < 0 {
			break
		}
		key = key[:cut]
	}
	return 1
}

func (d *decoder) err() error {
	errs := make([]error, len(d.faults))
	for i, f := range d.faults {
		errs[i] = f.err
	}
	return errors.Join(errs...)
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

func orFile(key string) string {
	if key == "" {
		return "the file"
	}
	return key
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	default:
		return "single value"
	}
}
