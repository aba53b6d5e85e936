package data

import (
	_ "embed"

	"sigs.k8s.io/yaml"
)

//go:embed catalogue.yaml
var catalogue []byte

// Catalogue gives the image of each engine and version that rondo comes with.
func Catalogue() map[string]map[string]string {
	out := map[string]map[string]string{}
	if yaml.UnmarshalStrict(catalogue, &out) != nil {
		return nil // a test reads the file
	}
	return out
}
