package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// readEnums finds the values of enumerations in the generated Go code, by type
// and property: "io.k8s.api.core.v1.ContainerPort.protocol".
func readEnums(path string) (map[string][]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		// schema_k8sio_api_core_v1_ContainerPort is k8s.io/api/core/v1.ContainerPort.
		name, ok := strings.CutPrefix(f.Name.Name, "schema_k8sio_")
		if !ok {
			continue
		}
		name = "io.k8s." + strings.ReplaceAll(name, "_", ".")
		ast.Inspect(f, func(n ast.Node) bool {
			if field, properties, ok := entry(n); ok && field == "Properties" {
				for _, p := range properties.Elts {
					if property, value, ok := entry(p); ok {
						if values := enumIn(value); len(values) > 0 {
							out[name+"."+property] = values
						}
					}
				}
				return false
			}
			return true
		})
	}
	return out, nil
}

// entry takes a "Key: Type{…}" or a `"key": {…}` apart.
func entry(n ast.Node) (key string, value *ast.CompositeLit, ok bool) {
	kv, ok := n.(*ast.KeyValueExpr)
	if !ok {
		return "", nil, false
	}
	switch k := kv.Key.(type) {
	case *ast.Ident:
		key = k.Name
	case *ast.BasicLit:
		key, _ = strconv.Unquote(k.Value)
	}
	value, ok = kv.Value.(*ast.CompositeLit)
	return key, value, ok
}

// enumIn is the enumeration of a property, or of the items of its list.
func enumIn(property *ast.CompositeLit) (values []string) {
	ast.Inspect(property, func(n ast.Node) bool {
		key, list, ok := entry(n)
		if !ok || key != "Enum" {
			return true
		}
		for _, item := range list.Elts {
			if literal, ok := item.(*ast.BasicLit); ok {
				if s, err := strconv.Unquote(literal.Value); err == nil {
					values = append(values, s)
				}
			}
		}
		return false
	})
	return values
}
