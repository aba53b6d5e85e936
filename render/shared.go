package render

import "strings"

// Shared is what an application lets others read (spec 2.10 rule 4). It holds
// no secret.
type Shared struct {
	With   []string          `json:"with"`   // "<app>/<environment>", or "<app>" for all of its environments
	Values map[string]string `json:"values"` // by the names of [Facts].Applications
}

// Allows reports whether an application may read s.
func (s *Shared) Allows(app, environment string) bool {
	if s == nil {
		return false
	}
	for _, with := range s.With {
		name, only, has := strings.Cut(with, "/")
		if name == app && (!has || strings.EqualFold(only, environment)) {
			return true
		}
	}
	return false
}
