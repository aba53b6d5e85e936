package render

import (
	"slices"
	"strings"
)

// Shared is what an application lets others use. It holds no secret.
type Shared struct {
	// With lists who may read Values (spec 2.10 rule 4): "<app>/<environment>", or
	// "<app>" for all of its environments.
	With   []string          `json:"with"`
	Values map[string]string `json:"values"` // by the names of [Facts].Applications
	// Databases are those that others may use as theirs (spec 3.4), by key:
	// "postgresql.default".
	Databases map[string]SharedDatabase `json:"databases,omitempty"`
}

// SharedDatabase is a database that an application runs, and that others may use.
type SharedDatabase struct {
	With []string `json:"with,omitempty"` // as in Shared; empty where a reader is told
	Host string   `json:"host"`           // its Service as other namespaces know it
	// Followers is the Service of members that only read; empty: there are none.
	Followers string `json:"followers,omitempty"`
	Port      int    `json:"port"`
	Database  string `json:"database,omitempty"` // name inside; empty: the engine has none
	// Secret is what signs in, in the namespace of its application; empty: nobody
	// has to.
	Secret string `json:"secret,omitempty"`
}

// Users lists all who may use something of s, sorted.
func (s *Shared) Users() []string {
	if s == nil {
		return nil
	}
	users := slices.Clone(s.With)
	for _, db := range s.Databases {
		users = append(users, db.With...)
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// For is the part of s that an application may use; empty: nothing.
func (s *Shared) For(app, environment string) Readable {
	var out Readable
	if s == nil {
		return out
	}
	if out.Shares = Listed(s.With, app, environment); out.Shares {
		out.Values = s.Values
	}
	for key, db := range s.Databases {
		if Listed(db.With, app, environment) {
			if out.Databases == nil {
				out.Databases = map[string]SharedDatabase{}
			}
			db.With = nil
			out.Databases[key] = db
		}
	}
	return out
}

// Readable is what one application lets another use.
type Readable struct {
	Shares    bool                      `json:"shares,omitempty"` // its variables, even if there are none
	Values    map[string]string         `json:"values,omitempty"` // by variable or "<service>.<variable>"
	Databases map[string]SharedDatabase `json:"databases,omitempty"`
}

// DefaultNamespace is where an application is unless rondo.yaml says otherwise.
func DefaultNamespace(app, environment string) string {
	return app + "-" + strings.ToLower(strings.ReplaceAll(environment, "_", "-"))
}

// ValidApp reports whether an application may be called so: in lower case, of at
// most 40 characters, so that what is named after it fits.
func ValidApp(name string) bool {
	return name != "" && len(name) <= 40 && name[0] >= 'a' && name[0] <= 'z' && name[len(name)-1] != '-' &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// ValidEnvironment reports whether an environment may be called so.
func ValidEnvironment(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return name != "" && len(name) <= 63 && strings.ContainsAny(name[:1], letters) && strings.Trim(name, letters+"0123456789-_") == ""
}

// Listed reports whether a list of "<app>/<environment>" and "<app>" means an
// application. Environments have no case.
func Listed(list []string, app, environment string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		name, only, has := strings.Cut(entry, "/")
		return name == app && (!has || strings.EqualFold(only, environment))
	})
}
