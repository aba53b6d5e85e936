package validate

// at walks down maps; nil where the way ends early.
func at(m map[string]any, path ...string) map[string]any {
	for _, field := range path {
		m, _ = m[field].(map[string]any)
	}
	return m
}

// str is the text at path; empty where there is none.
func str(m map[string]any, path ...string) string {
	s, _ := at(m, path[:len(path)-1]...)[path[len(path)-1]].(string)
	return s
}

// items are the maps in the list at path.
func items(m map[string]any, path ...string) []map[string]any {
	list, _ := at(m, path[:len(path)-1]...)[path[len(path)-1]].([]any)
	out := make([]map[string]any, 0, len(list))
	for _, item := range list {
		if m, ok := item.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// selects reports whether labels has all of selector.
func selects(selector, labels map[string]any) bool {
	for key := range selector {
		if _, ok := labels[key]; !ok || str(labels, key) != str(selector, key) {
			return false
		}
	}
	return true
}

func hasPort(template map[string]any, name string) bool {
	for _, container := range items(template, "spec", "containers") {
		if containerHasPort(container, name) {
			return true
		}
	}
	return false
}

func containerHasPort(container map[string]any, name string) bool {
	for _, p := range items(container, "ports") {
		if str(p, "name") == name {
			return true
		}
	}
	return false
}

func orName(number any, name string) any {
	if name != "" {
		return name
	}
	return number
}
