package manifest

import (
	"strconv"
	"strings"
)

// engineFacts are what the variables of an engine depend on (spec 3.3, 3.4).
type engineFacts struct {
	prefix string
	port   int
	// What a Secret may hold for it.
	username, password, database, url bool
	// scheme is that of a URL without credentials.
	scheme string
}

var engines = map[string]engineFacts{
	"mysql":         {prefix: "MYSQL", port: 3306, username: true, password: true, database: true, url: true},
	"postgresql":    {prefix: "POSTGRESQL", port: 5432, username: true, password: true, database: true, url: true},
	"redis":         {prefix: "REDIS", port: 6379, password: true, url: true},
	"mongodb":       {prefix: "MONGODB", port: 27017, username: true, password: true, database: true, url: true},
	"elasticsearch": {prefix: "ELASTICSEARCH", port: 9200, url: true, scheme: "http"},
	"memcached":     {prefix: "MEMCACHED", port: 11211},
	"rabbitmq":      {prefix: "RABBITMQ", port: 5672, username: true, password: true, url: true},
	"influxdb":      {prefix: "INFLUXDB", port: 8086, username: true, password: true, database: true, url: true, scheme: "http"},
	"glusterfs":     {prefix: "GLUSTERFS"},
}

// engineOf is the engine that would generate a variable; empty: none.
func engineOf(variable string) string {
	for _, name := range engineNames {
		if facts, ok := engines[name]; ok && strings.HasPrefix(variable, facts.prefix+"_") {
			return name
		}
	}
	return ""
}

// generate declares the variables of an external database: from its host, as
// text, and from its Secret. With neither there are none.
func (r *reader) generate(db Database) {
	facts := engines[db.Engine]
	prefixes := []string{facts.prefix + "_" + strings.ToUpper(db.Group) + "_"}
	if db.Root {
		prefixes = append(prefixes, facts.prefix+"_")
	}
	set := func(suffix string, v Value) {
		for _, prefix := range prefixes {
			name := prefix + suffix
			if r.overridden(name) && !fixed(name) {
				continue
			}
			r.vars.generated[name] = &variable{name: name, n: &node{pos: db.Pos}, state: 2, out: resolved{value: v, ok: true}}
		}
	}
	secret := func(key string) Value {
		return Value{Parts: []Part{{SecretRef: &SecretRef{Secret: db.DSNSecret, Key: key, Optional: true}}}}
	}
	hasSecret := db.DSNSecret != ""
	if db.Host != "" {
		inside := db.object()
		if r.o.Namespace != "" {
			inside += "." + r.o.Namespace
		}
		for _, suffix := range []string{"ADDRESS", "ADDRESS_INT", "HOST"} {
			set(suffix, text(inside))
		}
		set("ADDRESS_EXT", text(db.Host))
		set("PORT", text(strconv.Itoa(db.Port)))
		if db.Engine == "mongodb" {
			set("ADDRESSES", text(inside))
		}
		if facts.scheme != "" && !hasSecret {
			url := func(host string) Value { return text(facts.scheme + "://" + host + ":" + strconv.Itoa(db.Port)) }
			set("URL", url(inside))
			set("URL_INT", url(inside))
			set("URL_EXT", url(db.Host))
		}
	} else if hasSecret {
		for _, suffix := range []string{"ADDRESS", "ADDRESS_INT", "ADDRESS_EXT", "HOST"} {
			set(suffix, secret("host"))
		}
		set("PORT", secret("port"))
	}
	if !hasSecret {
		return
	}
	for _, v := range []struct {
		has      bool
		key      string
		suffixes []string
	}{
		{facts.username, "username", []string{"USERNAME"}},
		{facts.password, "password", []string{"PASSWORD"}},
		{facts.database, "database", []string{"DATABASE"}},
		{facts.url, "url", []string{"URL", "URL_INT", "URL_EXT"}},
	} {
		for _, suffix := range v.suffixes {
			if v.has {
				set(suffix, secret(v.key))
			}
		}
	}
}

// required makes a value of which every key must exist: what the manifest
// refers to by name may not be missing.
func required(v Value) Value {
	parts := make([]Part, len(v.Parts))
	for i, p := range v.Parts {
		if p.SecretRef != nil {
			ref := *p.SecretRef
			ref.Optional = false
			p.SecretRef = &ref
		}
		parts[i] = p
	}
	return Value{Parts: parts}
}
