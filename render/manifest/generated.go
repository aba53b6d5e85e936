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
	// open says that rondo runs it without credentials.
	open      bool
	encodings bool
	own       []string // parameters that rondo sets itself, with _ for -
}

var engines = map[string]engineFacts{
	"mysql": {prefix: "MYSQL", port: 3306, username: true, password: true, database: true, url: true, encodings: true,
		own: []string{"datadir", "port", "bind_address", "socket", "skip_networking", "character_set_server"}},
	"postgresql": {prefix: "POSTGRESQL", port: 5432, username: true, password: true, database: true, url: true, encodings: true,
		own: []string{"data_directory", "hba_file", "ident_file", "config_file", "port", "listen_addresses", "unix_socket_directories"}},
	"redis": {prefix: "REDIS", port: 6379, password: true, url: true,
		own: []string{"dir", "port", "bind", "requirepass", "protected_mode", "daemonize", "include", "user", "aclfile"}},
	"mongodb": {prefix: "MONGODB", port: 27017, username: true, password: true, database: true, url: true,
		own: []string{"dbpath", "port", "bind_ip", "bind_ip_all", "auth", "noauth", "config", "fork"}},
	"elasticsearch": {prefix: "ELASTICSEARCH", port: 9200, url: true, scheme: "http", open: true,
		own: []string{"path.data", "http.port", "discovery.type", "network.host", "xpack.security.enabled"}},
	"memcached": {prefix: "MEMCACHED", port: 11211, open: true,
		own: []string{"m", "p", "l", "port", "listen", "memory_limit", "user"}},
	"rabbitmq": {prefix: "RABBITMQ", port: 5672, username: true, password: true, url: true,
		own: []string{"default_user", "default_pass", "listeners.tcp.default"}},
	"influxdb": {prefix: "INFLUXDB", port: 8086, username: true, password: true, database: true, url: true, scheme: "http",
		own: []string{"http.auth_enabled", "http.bind_address", "data.dir", "meta.dir", "data.wal_dir"}},
	"glusterfs": {prefix: "GLUSTERFS"},
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

// generate declares the variables of a database, with the name of its group, and
// without where it is the engine's default group.
func (r *reader) generate(db Database) {
	facts := engines[db.Engine]
	prefixes := []string{facts.prefix + "_" + strings.ToUpper(db.Group) + "_"}
	if db.Root {
		prefixes = append(prefixes, facts.prefix+"_")
	}
	of := r.insideOf
	switch {
	case db.From != nil:
		of = borrowedOf
	case db.Run == nil:
		of = r.outsideOf
	}
	for suffix, v := range of(db, facts) {
		for _, prefix := range prefixes {
			name := prefix + suffix
			if r.overridden(name) && !fixed(name) {
				continue
			}
			r.vars.generated[name] = &variable{name: name, n: &node{pos: db.Pos}, state: 2, out: resolved{value: v, foreign: db.From != nil, ok: true}}
		}
	}
}

// address is the name of a database's Service as other namespaces know it.
func (r *reader) address(db Database) string { return db.address(r.o.Namespace) }

func (d Database) address(namespace string) string {
	if namespace == "" {
		return d.Object()
	}
	return d.Object() + "." + namespace
}

// followers is the Service of members that only read, which the operator makes;
// empty: there are none.
func (d Database) followers(namespace string) string {
	if d.Run.Replicas < 2 {
		return ""
	}
	return strings.Replace(d.address(namespace), d.Object(), d.Object()+"-ro", 1)
}

// insideOf gives the variables of a database that rondo runs: text, but for what
// is made up in its Secret.
func (r *reader) insideOf(db Database, facts engineFacts) map[string]Value {
	return signedIn(db, facts, r.address(db), db.followers(r.o.Namespace), db.Run.Database)
}

// borrowedOf gives those of a database of another application.
func borrowedOf(db Database, facts engineFacts) map[string]Value {
	return signedIn(db, facts, db.From.Host, db.From.Followers, db.From.Database)
}

// signedIn gives the variables of a database in the cluster, whose Secret is here.
func signedIn(db Database, facts engineFacts, host, followers, database string) map[string]Value {
	secret := func(key string) Value {
		return Value{Parts: []Part{{SecretRef: &SecretRef{Secret: db.Secret(), Key: key}}}}
	}
	out := map[string]Value{"PORT": text(strconv.Itoa(db.Port))}
	for _, suffix := range []string{"ADDRESS", "ADDRESS_INT", "ADDRESS_EXT", "HOST"} {
		out[suffix] = text(host)
	}
	if db.Engine == "mongodb" {
		out["ADDRESSES"] = text(host)
	}
	if followers != "" {
		v := text(followers)
		out["SLAVE_ADDRESSES"], out["SLAVE_ADDRESSES_INT"], out["SLAVE_ADDRESSES_EXT"] = v, v, v
	}
	if facts.database {
		out["DATABASE"] = text(database)
	}
	if facts.username {
		out["USERNAME"] = secret("username")
	}
	if facts.password {
		out["PASSWORD"] = secret("password")
	}
	if facts.url {
		url := secret("url")
		if facts.scheme != "" {
			url = text(facts.scheme + "://" + host + ":" + strconv.Itoa(db.Port))
		}
		out["URL"], out["URL_INT"], out["URL_EXT"] = url, url, url
	}
	return out
}

// outsideOf gives the variables of a database that runs elsewhere: from its host,
// as text, and from its Secret. With neither there are none.
func (r *reader) outsideOf(db Database, facts engineFacts) map[string]Value {
	out := map[string]Value{}
	secret := func(key string) Value {
		return Value{Parts: []Part{{SecretRef: &SecretRef{Secret: db.DSNSecret, Key: key, Optional: true}}}}
	}
	hasSecret := db.DSNSecret != ""
	if db.Host != "" {
		inside := r.address(db)
		for _, suffix := range []string{"ADDRESS", "ADDRESS_INT", "HOST"} {
			out[suffix] = text(inside)
		}
		out["ADDRESS_EXT"] = text(db.Host)
		out["PORT"] = text(strconv.Itoa(db.Port))
		if db.Engine == "mongodb" {
			out["ADDRESSES"] = text(inside)
		}
		if facts.scheme != "" && !hasSecret {
			url := func(host string) Value { return text(facts.scheme + "://" + host + ":" + strconv.Itoa(db.Port)) }
			out["URL"], out["URL_INT"], out["URL_EXT"] = url(inside), url(inside), url(db.Host)
		}
	} else if hasSecret {
		for _, suffix := range []string{"ADDRESS", "ADDRESS_INT", "ADDRESS_EXT", "HOST"} {
			out[suffix] = secret("host")
		}
		out["PORT"] = secret("port")
	}
	if !hasSecret {
		return out
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
				out[suffix] = secret(v.key)
			}
		}
	}
	return out
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
