package data

import (
	"strconv"
	"strings"

	"rondo.dev/rondo/render"
	"rondo.dev/rondo/render/manifest"
)

// server is how one engine runs in a container, after the official images.
type server struct {
	user, group int64  // whom the image's files belong to
	mount       string // where the disk goes; empty: none
	ports       []namedPort
	command     []string // nil: the image's own
	args        []string
	env         []any
	ready       map[string]any // handler of a probe: takes connections from outside
	// scripts are files that are mounted in the folder scriptsAt.
	scripts   map[string]string
	scriptsAt string
	secret    []render.GeneratedKey // nil: needs none
}

type namedPort struct {
	name   string
	number int64
}

// serverOf says how the engine of db runs.
func serverOf(db manifest.Database) server {
	switch db.Engine {
	case "postgresql":
		return postgresql(db)
	case "mysql":
		return mysql(db)
	case "redis":
		return redis(db)
	case "mongodb":
		return mongodb(db)
	case "elasticsearch":
		return elasticsearch(db)
	case "memcached":
		return memcached(db)
	case "rabbitmq":
		return rabbitmq(db)
	default:
		return influxdb(db)
	}
}

// postgresql keeps its data below the mount: the root of a disk is not empty.
// The temporary server of the image's set-up has no TCP, so that pg_isready over
// TCP says nothing too early.
func postgresql(db manifest.Database) server {
	s := server{user: 999, group: 999, mount: "/data", ports: []namedPort{{"postgresql", 5432}},
		scripts: map[string]string{"10-rondo.sh": script("postgresql-init.sh")}, scriptsAt: "/docker-entrypoint-initdb.d",
		ready:  run("pg_isready", "--quiet", "--host", "127.0.0.1", "--port", "5432", "--username", "postgres"),
		secret: users("postgres")}
	s.env = append(s.env, value("PGDATA", "/data/pgdata"), value("POSTGRES_DB", "postgres"),
		fromSecret(db, "POSTGRES_USER", "admin_username"), fromSecret(db, "POSTGRES_PASSWORD", "admin_password"),
		fromSecret(db, "APP_USERNAME", "username"), fromSecret(db, "APP_PASSWORD", "password"), fromSecret(db, "APP_DATABASE", "database"),
		fromSecret(db, "REPLICATION_USERNAME", "replication_username"), fromSecret(db, "REPLICATION_PASSWORD", "replication_password"))
	if db.Run.Family == "postgis" {
		s.env = append(s.env, value("APP_EXTENSIONS", "postgis vector"))
	}
	if db.Run.Encoding != "" {
		s.env = append(s.env, value("POSTGRES_INITDB_ARGS", "--encoding="+db.Run.Encoding))
	}
	s.args = []string{"postgres"}
	for _, p := range db.Run.Parameters {
		s.args = append(s.args, "-c", p.Name+"="+p.Value)
	}
	return s
}

func mysql(db manifest.Database) server {
	s := server{user: 999, group: 999, mount: "/data", ports: []namedPort{{"mysql", 3306}},
		scripts: map[string]string{"10-rondo.sh": script("mysql-init.sh")}, scriptsAt: "/docker-entrypoint-initdb.d",
		ready:  run("mysqladmin", "--protocol=tcp", "--host=127.0.0.1", "--connect-timeout=3", "--silent", "ping"),
		secret: users("root")}
	if db.Run.Family == "percona" {
		s.user, s.group = 1001, 1001
	}
	s.env = append(s.env,
		fromSecret(db, "MYSQL_ROOT_PASSWORD", "admin_password"), fromSecret(db, "MYSQL_DATABASE", "database"),
		fromSecret(db, "MYSQL_USER", "username"), fromSecret(db, "MYSQL_PASSWORD", "password"),
		fromSecret(db, "REPLICATION_USERNAME", "replication_username"), fromSecret(db, "REPLICATION_PASSWORD", "replication_password"))
	s.args = []string{"mysqld", "--datadir=/data/mysql"}
	if db.Run.Encoding != "" {
		s.args = append(s.args, "--character-set-server="+db.Run.Encoding)
	}
	s.args = append(s.args, flags(db)...)
	return s
}

func redis(db manifest.Database) server {
	s := server{user: 999, group: 999, mount: "/data", ports: []namedPort{{"redis", 6379}},
		scripts: map[string]string{"redis-start.sh": script("redis-start.sh")}, scriptsAt: "/etc/rondo",
		command: []string{"/bin/sh", "/etc/rondo/redis-start.sh"},
		ready:   run("/bin/sh", "-c", `[ "$(redis-cli ping)" = PONG ]`),
		secret:  []render.GeneratedKey{{Name: "password", Length: passwordLength}, {Name: "url", Text: "redis://:$(password)@$(host):$(port)"}}}
	// redis-cli takes its password from REDISCLI_AUTH.
	s.env = append(s.env, fromSecret(db, "REDIS_PASSWORD", "password"), fromSecret(db, "REDISCLI_AUTH", "password"))
	for _, p := range db.Run.Parameters {
		s.args = append(s.args, "--"+p.Name)
		s.args = append(s.args, strings.Fields(p.Value)...)
	}
	return s
}

// mongodb is asked by its port alone: the temporary server of the image's set-up
// listens on loopback, where a command would find it.
func mongodb(db manifest.Database) server {
	s := server{user: 999, group: 999, mount: "/data/db", ports: []namedPort{{"mongodb", 27017}},
		scripts: map[string]string{"10-rondo.js": script("mongodb-init.js")}, scriptsAt: "/docker-entrypoint-initdb.d",
		ready:  map[string]any{"tcpSocket": map[string]any{"port": int64(27017)}},
		secret: users("admin")}
	s.env = append(s.env,
		fromSecret(db, "MONGO_INITDB_ROOT_USERNAME", "admin_username"), fromSecret(db, "MONGO_INITDB_ROOT_PASSWORD", "admin_password"),
		fromSecret(db, "MONGO_INITDB_DATABASE", "database"),
		fromSecret(db, "APP_USERNAME", "username"), fromSecret(db, "APP_PASSWORD", "password"), fromSecret(db, "APP_DATABASE", "database"))
	s.args = append([]string{"mongod", "--bind_ip_all"}, flags(db)...)
	return s
}

func elasticsearch(db manifest.Database) server {
	s := server{user: 1000, group: 1000, mount: "/usr/share/elasticsearch/data",
		ports: []namedPort{{"http", 9200}, {"transport", 9300}},
		ready: map[string]any{"httpGet": map[string]any{"path": "/_cluster/health?local=true", "port": int64(9200), "scheme": "HTTP"}},
		env:   []any{value("discovery.type", "single-node"), value("xpack.security.enabled", "false"), value("node.store.allow_mmap", "false")}}
	for _, p := range db.Run.Parameters {
		s.env = append(s.env, value(p.Name, p.Value))
	}
	return s
}

func memcached(db manifest.Database) server {
	port := int64(db.Port)
	args := []string{"memcached", "-m", strconv.FormatInt(db.Run.Memory, 10), "-p", strconv.FormatInt(port, 10)}
	return server{user: 11211, group: 11211, ports: []namedPort{{"memcached", port}},
		args:  append(args, flags(db)...),
		ready: map[string]any{"tcpSocket": map[string]any{"port": port}}}
}

func rabbitmq(db manifest.Database) server {
	s := server{user: 999, group: 999, mount: "/var/lib/rabbitmq", ports: []namedPort{{"amqp", 5672}, {"management", 15672}},
		ready: run("rabbitmq-diagnostics", "--quiet", "check_port_connectivity"),
		secret: []render.GeneratedKey{{Name: "username", Length: userLength, Hex: true, Prefix: "u"}, {Name: "password", Length: passwordLength},
			{Name: "url", Text: "amqp://$(username):$(password)@$(host):$(port)"}}}
	// Data lies below the node's name, which a Pod of a StatefulSet keeps.
	s.env = append(s.env, fromSecret(db, "RABBITMQ_DEFAULT_USER", "username"), fromSecret(db, "RABBITMQ_DEFAULT_PASS", "password"))
	if len(db.Run.Parameters) > 0 {
		text := ""
		for _, p := range db.Run.Parameters {
			text += p.Name + " = " + p.Value + "\n"
		}
		s.scripts, s.scriptsAt = map[string]string{"90-rondo.conf": text}, "/etc/rabbitmq/conf.d/90-rondo.conf"
	}
	return s
}

func influxdb(db manifest.Database) server {
	s := server{user: 1000, group: 1000, mount: "/var/lib/influxdb", ports: []namedPort{{"influxdb", 8086}},
		ready: map[string]any{"httpGet": map[string]any{"path": "/ping", "port": int64(8086), "scheme": "HTTP"}},
		secret: []render.GeneratedKey{{Name: "username", Length: userLength, Hex: true, Prefix: "u"}, {Name: "password", Length: passwordLength},
			{Name: "admin_username", Text: "admin"}, {Name: "admin_password", Length: passwordLength}, {Name: "url", Text: "http://$(host):$(port)"}}}
	s.env = append(s.env, value("HOME", "/var/lib/influxdb"), value("INFLUXDB_HTTP_AUTH_ENABLED", "true"),
		fromSecret(db, "INFLUXDB_DB", "database"),
		fromSecret(db, "INFLUXDB_ADMIN_USER", "admin_username"), fromSecret(db, "INFLUXDB_ADMIN_PASSWORD", "admin_password"),
		fromSecret(db, "INFLUXDB_USER", "username"), fromSecret(db, "INFLUXDB_USER_PASSWORD", "password"))
	for _, p := range db.Run.Parameters {
		s.env = append(s.env, value("INFLUXDB_"+strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(p.Name)), p.Value))
	}
	return s
}

// flags are the parameters as words of a command: --name=value.
func flags(db manifest.Database) []string {
	var out []string
	for _, p := range db.Run.Parameters {
		out = append(out, "--"+p.Name+"="+p.Value)
	}
	return out
}

func run(words ...string) map[string]any {
	return map[string]any{"exec": map[string]any{"command": list(words)}}
}

func list(words []string) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = w
	}
	return out
}

func value(name, text string) map[string]any {
	return map[string]any{"name": name, "value": literal([]string{text})[0]}
}

// fromSecret is a variable from a key of the Secret of db.
func fromSecret(db manifest.Database, name, key string) map[string]any {
	return map[string]any{"name": name, "valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": db.Secret(), "key": key}}}
}
