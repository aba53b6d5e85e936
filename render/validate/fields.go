package validate

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"rondo.dev/rondo/render/manifest"
)

// walker compares one object with the schema.
type walker struct {
	schema *schema
	report func(code, fix, format string, args ...any)
	path   []step
}

// step is one part of a path: a field, or an element of a list by its name or,
// where it has none, by its index.
type step struct {
	name  string
	index int
	list  bool
}

func (w *walker) where() string {
	var b strings.Builder
	for _, s := range w.path {
		switch {
		case s.list && s.name != "":
			b.WriteString("[" + s.name + "]")
		case s.list:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(shorten(s.name))
		}
	}
	return b.String()
}

// shorten keeps a name that somebody made up from filling a line.
func shorten(name string) string {
	if len(name) > 80 {
		name = strings.ToValidUTF8(name[:80], "") + "…"
	}
	return name
}

// fault reports something about the value being looked at. What a cluster that is
// newer than the schema refuses is not known, so there it is a warning.
func (w *walker) fault(code, fix, format string, args ...any) {
	if w.schema.newer {
		code = "W" + code[1:]
	}
	w.report(code, fix, format, args...)
}

func (w *walker) enter(s step) { w.path = append(w.path, s) }
func (w *walker) leave()       { w.path = w.path[:len(w.path)-1] }

// object checks the fields of a value whose type has fields.
func (w *walker) object(t *objectType, value any) {
	body, ok := value.(map[string]any)
	if !ok {
		w.wrong("a mapping", value)
		return
	}
	var unknown []string
	for name, inner := range body {
		f, known := t.fields[name]
		switch {
		case !known:
			unknown = append(unknown, name)
		case inner != nil: // nothing written is the same as no field
			w.enter(step{name: name})
			w.value(f.valueType, f, inner)
			w.leave()
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown[:min(len(unknown), maxUnknown)] {
		w.unknown(t, name)
	}
	for _, name := range t.required {
		if body[name] == nil {
			w.enter(step{name: name})
			w.fault("E-OBJECT-REQUIRED", "add it", "lacks %s", w.where())
			w.leave()
		}
	}
}

// maxUnknown is how many unknown fields of one mapping are told.
const maxUnknown = 5

func (w *walker) unknown(t *objectType, name string) {
	fix := "remove it"
	if near := manifest.Nearest(name, slices.Sorted(maps.Keys(t.fields))); near != "" {
		fix = fmt.Sprintf("did you mean %s?", near)
	}
	w.enter(step{name: name})
	w.fault("E-OBJECT-FIELD", fix, "has a field %s that Kubernetes %s does not know", w.where(), w.schema.version)
	w.leave()
}

// value checks a value that is there. The flags of f are those of the field it is in.
func (w *walker) value(valueType string, f field, value any) {
	switch valueType[0] {
	case '#':
		if t := w.schema.objectType(valueType[1:]); t != nil {
			w.object(t, value)
		}
	case '[':
		w.list(valueType[1:], f, value)
	case '{':
		w.entries(valueType[1:], value)
	default:
		w.scalar(valueType, f, value)
	}
}

func (w *walker) list(itemType string, f field, value any) {
	list, ok := value.([]any)
	if !ok {
		w.wrong("a list", value)
		return
	}
	var seen map[string]bool
	if len(list) > 1 && (f.set || len(f.keys) > 0) {
		seen = make(map[string]bool, len(list))
	}
	for i, item := range list {
		if item == nil {
			continue
		}
		if seen != nil {
			if key, ok := identity(f, item); ok && seen[key] {
				w.fault("E-OBJECT-DUP", "remove one", "has two elements of %s with %s", w.where(), key)
			} else if ok {
				seen[key] = true
			}
		}
		s := step{index: i, list: true}
		if len(f.keys) == 1 && f.keys[0] == "name" {
			if element, ok := item.(map[string]any); ok {
				s.name = shorten(str(element, "name"))
			}
		}
		w.enter(s)
		w.value(itemType, field{enum: f.enum}, item)
		w.leave()
	}
}

// identity is by what an element is told apart from the others of its list;
// false when it may be equal to another, or lacks what it is told apart by.
func identity(f field, item any) (string, bool) {
	if f.set {
		text, ok := item.(string)
		return strconv.Quote(shorten(text)), ok
	}
	element, ok := item.(map[string]any)
	if !ok || len(f.keys) == 0 {
		return "", false
	}
	if name, ok := element["name"].(string); ok && len(f.keys) == 1 && f.keys[0] == "name" {
		return "name " + shorten(name), true
	}
	parts := make([]string, 0, len(f.keys))
	for _, key := range f.keys {
		value, ok := element[key]
		switch value.(type) {
		case map[string]any, []any:
			return "", false
		}
		if key == "protocol" && (!ok || value == "") {
			value, ok = "TCP", true // the one default among the keys
		}
		if !ok {
			return "", false
		}
		parts = append(parts, fmt.Sprintf("%s %v", key, value))
	}
	return shorten(strings.Join(parts, ", ")), true
}

func (w *walker) entries(valueType string, value any) {
	body, ok := value.(map[string]any)
	if !ok {
		w.wrong("a mapping", value)
		return
	}
	for name, inner := range body {
		if inner != nil {
			w.enter(step{name: name})
			w.value(valueType, field{}, inner)
			w.leave()
		}
	}
}

// scalar checks text, numbers and truth.
func (w *walker) scalar(valueType string, f field, value any) {
	text, isText := value.(string)
	number, isNumber := asNumber(value)
	switch valueType {
	case "s":
		if !isText {
			w.wrong("text", value)
		} else if len(f.enum) > 0 && text != "" && !slices.Contains(f.enum, text) {
			w.fault("E-OBJECT-VALUE", "write one of "+strings.Join(f.enum, ", "), "has a value at %s that Kubernetes does not take", w.where())
		}
	case "b":
		if _, ok := value.(bool); !ok {
			w.wrong("true or false", value)
		}
	case "i", "l":
		switch {
		case !isNumber || number != math.Trunc(number):
			w.wrong("a whole number", value)
		case valueType == "i" && (number > math.MaxInt32 || number < math.MinInt32):
			w.fault("E-OBJECT-VALUE", "write a smaller number", "has a number at %s that needs more than 32 bits", w.where())
		}
	case "n":
		if !isNumber {
			w.wrong("a number", value)
		}
	case "p":
		if !isText && (!isNumber || number != math.Trunc(number)) {
			w.wrong("a whole number or text", value)
		}
	case "q":
		if !isText && !isNumber {
			w.wrong("a quantity", value)
		} else if _, err := resource.ParseQuantity(text); isText && err != nil {
			w.fault("E-OBJECT-VALUE", `write a number with a unit, such as "250m" or "64Mi"`, "has no quantity at %s", w.where())
		}
	case "t":
		if _, err := time.Parse(time.RFC3339Nano, text); err != nil {
			w.fault("E-OBJECT-VALUE", `write a time such as "2026-01-31T12:00:00Z"`, "has no time at %s", w.where())
		}
	case "y":
		if !isText {
			w.wrong("text in base64", value)
		} else if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			w.fault("E-OBJECT-VALUE", "encode it, or use stringData", "has no base64 at %s", w.where())
		}
	}
}

// asNumber is the value of a number of any Go type that YAML and JSON readers give.
func asNumber(value any) (float64, bool) {
	switch n := value.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int32:
		return float64(n), true
	case uint64:
		return float64(n), true
	}
	return 0, false
}

// wrong reports a value of another type, without the value.
func (w *walker) wrong(want string, value any) {
	fix := "write " + want
	has := "a number"
	switch value.(type) {
	case string:
		has = "text"
		if want != "a mapping" && want != "a list" {
			fix += ", without quotes"
		}
	case bool:
		has = "true or false"
	case map[string]any:
		has = "a mapping"
	case []any:
		has = "a list"
	}
	if want == "text" && (has == "a number" || has == "true or false") {
		fix = "put it in quotes"
	}
	w.fault("E-OBJECT-TYPE", fix, "has %s at %s, which must be %s", has, w.where(), want)
}
