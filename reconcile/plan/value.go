package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/resource"
)

// maxShown is how many bytes of a value a FieldChange holds.
const maxShown = 256

// show prints a value as compact JSON, cut to [maxShown] bytes.
func show(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprintf("(%T)", v)
	}
	s := strings.TrimSuffix(b.String(), "\n")
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:cut], len(s))
}

// isZero reports whether the API server drops v when it stores it.
func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case bool:
		return !v
	case map[string]any:
		for _, inner := range v {
			if !isZero(inner) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	n, ok := number(v)
	return ok && n == 0
}

// equalScalars compares by value: 1 and 1.0, and quantities where one is meant.
func equalScalars(at *place, a, b any) bool {
	x, xok := number(a)
	y, yok := number(b)
	if xok && yok {
		return x == y
	}
	s, sok := a.(string)
	t, tok := b.(string)
	if sok && tok && s == t {
		return true
	}
	if at.quantity() && (sok || xok) && (tok || yok) {
		p, pok := parseQuantity(a)
		q, qok := parseQuantity(b)
		return pok && qok && p.Cmp(q) == 0
	}
	switch a := a.(type) {
	case bool:
		other, ok := b.(bool)
		return ok && a == other
	case nil:
		return isZero(b)
	}
	return false
}

// parseQuantity reads a quantity of at most 32 characters with an exponent of at
// most two digits: resource.ParseQuantity takes minutes for "1e99999999".
func parseQuantity(v any) (resource.Quantity, bool) {
	text := fmt.Sprint(v)
	if i := strings.IndexAny(text, "eE"); len(text) > 32 || i >= 0 && len(strings.TrimLeft(text[i+1:], "+-")) > 2 {
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int32:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}

// quantity reports whether Kubernetes keeps a resource.Quantity here, which it
// rewrites: "0.5" comes back as "500m". Elsewhere the same texts are just texts.
func (p *place) quantity() bool {
	if p == nil || p.up == nil {
		return false
	}
	switch p.want {
	case "sizeLimit", "divisor", "averageValue":
		return true
	}
	switch p.up.want {
	case "requests", "limits", "hard", "capacity", "min", "max", "default", "defaultRequest", "podFixed":
		return true
	}
	return false
}

// text reports whether a map of texts ends here, which keeps empty ones.
func (p *place) text() bool {
	if p == nil || p.up == nil {
		return false
	}
	switch p.up.want {
	case "labels", "annotations", "data", "matchLabels", "nodeSelector", "selector":
		return true
	}
	return false
}

// secretPointer reports whether a value of a Secret at pointer must be masked:
// everything but its labels and its type. Annotations may hold a copy of the
// whole object (kubectl's last-applied-configuration).
func secretPointer(pointer []string) bool {
	switch {
	case len(pointer) == 1:
		return pointer[0] != "type" && pointer[0] != "immutable"
	case len(pointer) >= 2 && pointer[0] == "metadata":
		return pointer[1] != "labels" && pointer[1] != "name" && pointer[1] != "namespace"
	}
	return true
}

// pointerText writes a JSON pointer (RFC 6901).
func pointerText(pointer []string) string {
	var b strings.Builder
	for _, token := range pointer {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// parsePointer reads a JSON pointer; nil when it is none.
func parsePointer(text string) []string {
	if !strings.HasPrefix(text, "/") {
		return nil
	}
	tokens := strings.Split(text[1:], "/")
	for i, token := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return tokens
}

// joinField adds a key to a path for people, in brackets where it has dots.
func joinField(field, key string) string {
	switch {
	case strings.ContainsAny(key, "./[] "):
		return field + "[" + key + "]"
	case field == "":
		return key
	default:
		return field + "." + key
	}
}
