package health

import (
	"strings"
	"time"
)

// nested walks maps by key; nil where one is missing.
func nested(body map[string]any, path ...string) map[string]any {
	for _, key := range path {
		body, _ = body[key].(map[string]any)
	}
	return body
}

func text(body map[string]any, path ...string) string {
	s, _ := nested(body, path[:len(path)-1]...)[path[len(path)-1]].(string)
	return s
}

func list(body map[string]any, path ...string) []any {
	l, _ := nested(body, path[:len(path)-1]...)[path[len(path)-1]].([]any)
	return l
}

// when reads a time; zero where there is none.
func when(body map[string]any, path ...string) time.Time {
	t, err := time.Parse(time.RFC3339, text(body, path...))
	if err != nil {
		return time.Time{}
	}
	return t
}

func conditionOf(body map[string]any, kind string) map[string]any {
	for _, c := range list(body, "status", "conditions") {
		if m, _ := c.(map[string]any); m["type"] == kind {
			return m
		}
	}
	return nil
}

// oneWord keeps a reason and drops anything that is more than a word.
func oneWord(s string) string {
	if strings.ContainsAny(s, " \t\n") || len(s) > 64 {
		return ""
	}
	return s
}
