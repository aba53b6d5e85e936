package render

import (
	"fmt"
	"slices"
)

// ChoosesNodes reports whether an object of b may not run on every node, so that
// it is worth the price to ask which nodes there are.
func (b Bundle) ChoosesNodes() bool {
	return slices.ContainsFunc(b.Objects, func(o Object) bool { return choosesNodes(podSpec(o.Body)) })
}

// Unplaced tells of each object of b whose Pods could run on none of the nodes,
// given by their labels. It is asked when a plan is made and not when b is
// rendered: nodes come and go, and a Bundle does not change with them.
func (b Bundle) Unplaced(nodes []map[string]string) []Problem {
	var out []Problem
	for _, o := range b.Objects {
		pod := podSpec(o.Body)
		if !choosesNodes(pod) || slices.ContainsFunc(nodes, func(labels map[string]string) bool { return suits(pod, labels) }) {
			continue
		}
		out = append(out, Problem{Pos: o.Origin, Code: "W-PLACEMENT-EMPTY",
			What: fmt.Sprintf("no node of the cluster has the name and labels that %s asks for, so its pods wait", o.ID),
			Fix:  "correct servers or node_selector, or label a node"})
	}
	return out
}

// podSpec is the spec of the Pods that a workload makes; nil where it makes none.
func podSpec(body map[string]any) map[string]any {
	if spec := inner(body, "spec", "template", "spec"); spec != nil {
		return spec
	}
	return inner(body, "spec", "jobTemplate", "spec", "template", "spec")
}

func inner(m map[string]any, path ...string) map[string]any {
	for _, field := range path {
		m, _ = m[field].(map[string]any)
	}
	return m
}

// nodeTerms are the kinds of nodes of which one will do; set: there are some.
func nodeTerms(pod map[string]any) (terms []any, set bool) {
	required := inner(pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
	terms, set = required["nodeSelectorTerms"].([]any)
	return terms, set
}

func choosesNodes(pod map[string]any) bool {
	_, set := nodeTerms(pod)
	return set || len(inner(pod, "nodeSelector")) > 0
}

// suits reports whether a node with these labels could run the Pod, as far as
// labels say (Kubernetes, component-helpers, nodeaffinity).
func suits(pod map[string]any, labels map[string]string) bool {
	for name, value := range inner(pod, "nodeSelector") {
		if has, ok := labels[name]; !ok || has != value {
			return false
		}
	}
	terms, set := nodeTerms(pod)
	return !set || slices.ContainsFunc(terms, func(t any) bool {
		term, _ := t.(map[string]any)
		expressions, _ := term["matchExpressions"].([]any)
		return !slices.ContainsFunc(expressions, func(e any) bool {
			expression, _ := e.(map[string]any)
			return !meets(expression, labels)
		})
	})
}

// meets reports whether labels meet an expression; what it cannot judge is met,
// so that nobody is warned without reason.
func meets(expression map[string]any, labels map[string]string) bool {
	key, _ := expression["key"].(string)
	values, _ := expression["values"].([]any)
	value, has := labels[key]
	switch expression["operator"] {
	case "In":
		return has && slices.Contains(values, any(value))
	case "NotIn":
		return !has || !slices.Contains(values, any(value))
	case "Exists":
		return has
	case "DoesNotExist":
		return !has
	}
	return true
}
