#!/bin/bash
# Makes one copy of a database, and removes the oldest above BACKUP_KEEP.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

began=$SECONDS
kind=sql
case $ENGINE-$BACKUP_TYPE in
postgresql-binary) kind=tar ;;
redis-*) kind=rdb ;;
mongodb-*) kind=archive ;;
esac
name=$BACKUP_NAME-$(date -u +%Y%m%dT%H%M%SZ).$kind
if [[ $BACKUP_GZIP == true ]]; then name+=.gz; fi
if [[ -n ${BACKUP_KEY:-} ]]; then name+=.enc; fi
export BACKUP_FILE=$BACKUP_FOLDER/$name

# size is that of the database, in bytes.
size() {
	case $ENGINE in
	postgresql) postgresql "$DB_NAME" --no-align --tuples-only --command 'SELECT pg_database_size(current_database())' ;;
	mysql) mysql_as_administrator --skip-column-names --execute \
		'SELECT COALESCE(CAST(SUM(data_length + index_length) AS UNSIGNED), 0) FROM information_schema.tables WHERE table_schema = DATABASE()' "$DB_NAME" ;;
	redis) redis info memory | tr -d '\r' | sed -n 's/^used_memory://p' ;;
	*) echo 0 ;;
	esac
}

dump() {
	local exclude=() table
	while read -r table; do
		if [[ -z $table ]]; then continue; fi
		case $ENGINE in
		postgresql) exclude+=("--exclude-table=$table") ;;
		mysql) exclude+=("--ignore-table=$DB_NAME.$table") ;;
		esac
	done <<<"${BACKUP_EXCLUDE:-}"
	case $ENGINE-$BACKUP_TYPE in
	postgresql-text) pg_dump --no-password --host "$DB_HOST" --port "$DB_PORT" --username "$ADMIN_USERNAME" \
		--format=plain --no-owner --no-privileges "${exclude[@]}" "$DB_NAME" ;;
	postgresql-binary) PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup --no-password --host "$DB_HOST" --port "$DB_PORT" \
		--username "$REPLICATION_USERNAME" --format=tar --wal-method=fetch --checkpoint=fast --pgdata=- ;;
	mysql-text) mysqldump --protocol=tcp --host="$DB_HOST" --port="$DB_PORT" --user="$ADMIN_USERNAME" --single-transaction --quick \
		--routines --triggers --events --no-tablespaces --set-gtid-purged=OFF "${exclude[@]}" "$DB_NAME" ;;
	redis-*) redis --rdb - ;;
	mongodb-*) mongo_tool mongodump --db="$DB_NAME" --archive ;;
	*) fail error "$ENGINE has no $BACKUP_TYPE copies" ;;
	esac
}

packed() { if [[ $BACKUP_GZIP == true ]]; then gzip -c; else cat; fi; }

encrypted() {
	if [[ -n ${BACKUP_KEY:-} ]]; then
		openssl enc -aes-256-cbc -pbkdf2 -iter 200000 -salt -pass env:BACKUP_KEY
	else
		cat
	fi
}

if [[ $BACKUP_CHECK_SIZE == true ]]; then
	need=$(size)
	free=$(df -Pk "$BACKUP_FOLDER" | awk 'NR == 2 { print $4 * 1024 }')
	if ((free < 2 * need)); then
		fail failed "free space must be at least twice the database size: $free bytes are free, the database has $need"
	fi
fi
if [[ -n ${PRE_BACKUP_COMMAND:-} ]]; then
	bash -c "$PRE_BACKUP_COMMAND" || fail failed "pre_backup_command ended with an error"
fi
part=$BACKUP_FOLDER/.$name.part
trap 'rm -f "$part"' EXIT
dump | packed | encrypted >"$part" || fail failed "the database could not be copied; the log says why"
bytes=$(wc -c <"$part")
((bytes > 0)) || fail failed "the copy is empty"
mv "$part" "$BACKUP_FILE"
# The checksum is written last: a copy without one does not count.
(cd "$BACKUP_FOLDER" && sha256sum "$name" >".$name.part" && mv ".$name.part" "$name.sha256")
sum=$(cut -c1-64 "$BACKUP_FILE.sha256")
if [[ -n ${POST_BACKUP_COMMAND:-} ]]; then
	bash -c "$POST_BACKUP_COMMAND" || fail failed "post_backup_command ended with an error; the copy is there"
fi
copies | tail -n "+$((BACKUP_KEEP + 1))" | while read -r old; do
	rm -f "$BACKUP_FOLDER/$old.sha256" "$BACKUP_FOLDER/$old"
done
report "{\"result\":\"made\",\"file\":\"$name\",\"bytes\":$bytes,\"sha256\":\"$sum\",\"seconds\":$((SECONDS - began))}"
