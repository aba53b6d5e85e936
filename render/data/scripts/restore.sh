#!/bin/bash
# Puts back a copy: the one in BACKUP_FILE, else the newest. The server runs
# meanwhile.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

file=$(chosen) || { printf '%s\n' "$file"; exit 1; }

# restore_postgresql fills a new database and then exchanges the two: as long as
# that has not ended well, the old one stays in use. It is kept beside it.
restore_postgresql() {
	local stamp new old
	stamp=$(date -u +%Y%m%d%H%M%S)
	new=${DB_NAME:0:40}_new_$stamp old=${DB_NAME:0:40}_before_$stamp
	export RESTORE_NEW=$new RESTORE_OLD=$old
	postgresql postgres <<'SQL'
\set new `printf %s "$RESTORE_NEW"`
\set app `printf %s "$APP_USERNAME"`
CREATE DATABASE :"new" OWNER :"app" TEMPLATE template0;
REVOKE ALL ON DATABASE :"new" FROM PUBLIC;
SQL
	trap unchanged EXIT
	unpacked "$file" | postgresql "$new" --output=/dev/null
	# The copy names no owners: the administrator made everything.
	postgresql "$new" --output=/dev/null <<'SQL'
\set app `printf %s "$APP_USERNAME"`
CREATE TEMPORARY VIEW extension_member AS SELECT classid, objid FROM pg_depend WHERE deptype = 'e';
SELECT format('ALTER SCHEMA %I OWNER TO %I', nspname, :'app') FROM pg_namespace n
WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public')
	AND NOT EXISTS (SELECT FROM extension_member WHERE classid = 'pg_namespace'::regclass AND objid = n.oid)
UNION ALL
SELECT format('ALTER %s %s OWNER TO %I',
	CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
	c.oid::regclass, :'app') FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p', 'S', 'v', 'm', 'f') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM extension_member WHERE classid = 'pg_class'::regclass AND objid = c.oid)
	AND NOT (relkind = 'S' AND EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('a', 'i')))
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, :'app') FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM extension_member WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
UNION ALL
SELECT format('ALTER TYPE %s OWNER TO %I', t.oid::regtype, :'app') FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
LEFT JOIN pg_class c ON c.oid = typrelid
WHERE (typtype IN ('e', 'd', 'r') OR typtype = 'c' AND c.relkind = 'c') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
	AND NOT EXISTS (SELECT FROM extension_member WHERE classid = 'pg_type'::regclass AND objid = t.oid)
UNION ALL
SELECT format('ALTER LARGE OBJECT %s OWNER TO %I', oid, :'app') FROM pg_largeobject_metadata
\gexec
SQL
	local try
	for try in 1 2 3 4 5 6 7 8 9 10; do
		if exchange; then
			trap - EXIT
			echo "the former database is kept as $old; drop it when nobody misses it"
			return
		fi
		sleep 1
	done
	fail failed "the database was in use $try times; nothing has changed"
}

# unchanged takes back what a restore that failed has done.
unchanged() {
	postgresql postgres --command "ALTER DATABASE \"$DB_NAME\" WITH ALLOW_CONNECTIONS true"
	postgresql postgres --command "DROP DATABASE IF EXISTS \"$RESTORE_NEW\""
}

# exchange ends what is connected and gives both databases their new names.
exchange() {
	postgresql postgres --output=/dev/null <<'SQL'
\set db `printf %s "$DB_NAME"`
\set new `printf %s "$RESTORE_NEW"`
\set old `printf %s "$RESTORE_OLD"`
ALTER DATABASE :"db" WITH ALLOW_CONNECTIONS false;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (:'db', :'new');
BEGIN;
ALTER DATABASE :"db" RENAME TO :"old";
ALTER DATABASE :"new" RENAME TO :"db";
ALTER DATABASE :"old" WITH ALLOW_CONNECTIONS true;
COMMIT;
SQL
}

# restore_redis starts a server with the copy, which the database follows until
# it has everything.
restore_redis() {
	local work port=${RESTORE_PORT:-6380} try
	work=$(mktemp -d)
	unpacked "$file" >"$work/dump.rdb"
	printf 'requirepass %s\n' "$REDISCLI_AUTH" >"$work/redis.conf"
	redis-server "$work/redis.conf" --dir "$work" --dbfilename dump.rdb --port "$port" --bind '*' --save '' --appendonly no --daemonize no >"$work/log" &
	local server=$!
	# shellcheck disable=SC2064
	trap "kill $server; rm -rf '$work'" EXIT
	for try in {1..300}; do
		[[ $(redis-cli -p "$port" --no-auth-warning ping 2>/dev/null) != PONG ]] || break
		kill -0 "$server" 2>/dev/null || { tail -n 5 "$work/log" && fail failed "the copy cannot be read"; }
		sleep 1
	done
	redis -x config set masterauth < <(printf %s "$REDISCLI_AUTH") >/dev/null
	redis replicaof "$POD_ADDRESS" "$port" >/dev/null
	for try in {1..600}; do
		if redis info replication | tr -d '\r' | grep -q '^master_link_status:up$'; then
			redis replicaof no one >/dev/null
			return
		fi
		sleep 1
	done
	redis replicaof no one >/dev/null
	fail failed "the database did not take the copy over in $try seconds"
}

case $ENGINE-$file in
postgresql-*.tar*) fail failed "a binary copy is put back with the server stopped, by hand" ;;
postgresql-*) restore_postgresql ;;
mysql-*) unpacked "$file" | mysql_as_administrator "$DB_NAME" ;;
redis-*) restore_redis ;;
mongodb-*) unpacked "$file" | mongo_tool mongorestore --archive --drop --nsInclude="$DB_NAME.*" ;;
esac
report "{\"result\":\"restored\",\"file\":\"$file\"}"
