package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// schema is one version: lines as they are written, but with types by name,
// "#io.k8s.api.core.v1.Container#".
type schema struct {
	kinds []string
	types map[string][]string
}

// property is the part of an OpenAPI 2 schema that Kubernetes uses.
type property struct {
	Type       string              `json:"type"`
	Format     string              `json:"format"`
	Ref        string              `json:"$ref"`
	Items      *property           `json:"items"`
	Additional *property           `json:"additionalProperties"`
	Properties map[string]property `json:"properties"`
	Required   []string            `json:"required"`
	ListType   string              `json:"x-kubernetes-list-type"`
	ListKeys   []string            `json:"x-kubernetes-list-map-keys"`
}

type document struct {
	Definitions map[string]property
	Paths       map[string]struct {
		Post *struct {
			Parameters []struct {
				In     string
				Schema property
			}
			Kind struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
		}
	}
}

// scalars are types that are no objects of fields, by the letter for them.
var scalars = map[string]string{
	"io.k8s.apimachinery.pkg.api.resource.Quantity":            "q",
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString":          "p",
	"io.k8s.apimachinery.pkg.apis.meta.v1.Time":                "t",
	"io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime":           "t",
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":            "a",
	"io.k8s.apimachinery.pkg.runtime.RawExtension":             "a",
	"io.k8s.api.apiserverinternal.v1alpha1.StorageVersionSpec": "a",
}

// absent are fields that the document calls required and the server does not
// miss: it fills them in, or takes the zero value.
var absent = map[string]bool{
	"io.k8s.api.rbac.v1.RoleRef.apiGroup":                true,
	"io.k8s.api.core.v1.ISCSIVolumeSource.lun":           true,
	"io.k8s.api.core.v1.ISCSIPersistentVolumeSource.lun": true,
	"io.k8s.api.scheduling.v1.PriorityClass.value":       true,
}

func read(dir string) (*schema, error) {
	b, err := os.ReadFile(filepath.Join(dir, "api", "openapi-spec", "swagger.json"))
	if err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	enums, err := readEnums(filepath.Join(dir, "pkg", "generated", "openapi", "zz_generated.openapi.go"))
	if err != nil {
		return nil, err
	}
	r := reader{doc: doc, enums: enums, schema: &schema{types: map[string][]string{}}}
	r.read()
	return r.schema, nil
}

type reader struct {
	doc    document
	enums  map[string][]string // by type and property, see readEnums
	schema *schema
}

// read takes the kinds that can be created at an address of their own, and what
// they consist of. That leaves out lists, options, reviews and subresources.
func (r *reader) read() {
	for path, item := range r.doc.Paths {
		if item.Post == nil || strings.Contains(path, "{name}") {
			continue
		}
		kind, scope := item.Post.Kind, "cluster"
		if strings.Contains(path, "/{namespace}/") {
			scope = "namespaced"
		}
		group := kind.Group
		if group != "" {
			group += "/"
		}
		for _, p := range item.Post.Parameters {
			if p.In == "body" {
				r.schema.kinds = append(r.schema.kinds, fmt.Sprintf("kind %s%s %s %s %s", group, kind.Version, kind.Kind, scope, r.typeOf(p.Schema)))
			}
		}
	}
}

// typeOf is the type of a value, as it is written.
func (r *reader) typeOf(p property) string {
	switch {
	case p.Ref != "":
		return r.named(strings.TrimPrefix(p.Ref, "#/definitions/"))
	case p.Items != nil:
		return "[" + r.typeOf(*p.Items)
	case p.Additional != nil:
		return "{" + r.typeOf(*p.Additional)
	case p.Type == "integer" && p.Format == "int32":
		return "i"
	case p.Type == "integer":
		return "l"
	case p.Type == "string" && p.Format == "byte":
		return "y"
	case p.Type == "string", p.Type == "boolean", p.Type == "number":
		return p.Type[:1]
	default:
		return "a" // anything
	}
}

// named is a type by its name, and adds it to the schema when it is new.
func (r *reader) named(name string) string {
	if letter, ok := scalars[name]; ok {
		return letter
	}
	definition := r.doc.Definitions[name]
	if len(definition.Properties) == 0 {
		if strings.HasSuffix(name, ".v1.JSON") || strings.Contains(name, ".JSONSchemaPropsOr") {
			return "a"
		}
	}
	text := "#" + name + "#"
	if _, ok := r.schema.types[name]; ok {
		return text
	}
	r.schema.types[name] = nil // it may contain itself
	var lines []string
	for field, p := range definition.Properties {
		line := field + " a" // a status is the server's to write; who applies one is not heard
		if field != "status" {
			line = field + " " + r.typeOf(p)
		}
		if slices.Contains(definition.Required, field) && !absent[name+"."+field] {
			line += " !"
		}
		if p.ListType == "map" {
			line += " k" + strings.Join(p.ListKeys, ",")
		}
		if p.ListType == "set" {
			line += " u"
		}
		if values := r.enums[name+"."+field]; len(values) > 0 {
			line += " e" + strings.Join(values, ",")
		}
		lines = append(lines, line)
	}
	r.schema.types[name] = lines
	return text
}
