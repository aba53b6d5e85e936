# Read by backup.sh, restore.sh and verify.sh. Copies lie in BACKUP_FOLDER as
# <name>-<time in UTC>.<what it is>[.gz][.enc], each with a .sha256 beside it.
# Passwords stand in the environment, never in an argument.
# shellcheck shell=bash
set -euo pipefail
# shellcheck source=report.sh
. "$(dirname "$0")/report.sh"
export PGPASSWORD=${ADMIN_PASSWORD:-} MYSQL_PWD=${ADMIN_PASSWORD:-} PGCONNECT_TIMEOUT=10

# copies lists the copies of this backup, newest first.
copies() {
	local file
	for file in "$BACKUP_FOLDER/$BACKUP_NAME"-*.sha256; do
		file=$(basename "$file" .sha256)
		if [[ ${file#"$BACKUP_NAME"-} =~ ^[0-9]{8}T[0-9]{6}Z\. ]]; then
			printf '%s\n' "$file"
		fi
	done | sort -r
}

# chosen is the copy that BACKUP_FILE names, else the newest.
chosen() {
	local file=${BACKUP_FILE:-}
	if [[ -z $file ]]; then
		read -r file < <(copies) || fail error "there is no copy in $BACKUP_FOLDER"
	fi
	[[ $file != */* && -f $BACKUP_FOLDER/$file ]] || fail error "there is no copy $file"
	(cd "$BACKUP_FOLDER" && sha256sum --check --status "$file.sha256") || fail error "the copy $file is damaged"
	printf '%s\n' "$file"
}

# unpacked FILE writes what the copy holds.
unpacked() {
	local file=$1
	decrypted "$file" | case ${file%.enc} in
	*.gz) gzip -dc ;;
	*) cat ;;
	esac
}

decrypted() {
	if [[ $1 == *.enc ]]; then
		openssl enc -d -aes-256-cbc -pbkdf2 -iter 200000 -pass env:BACKUP_KEY -in "$BACKUP_FOLDER/$1"
	else
		cat "$BACKUP_FOLDER/$1"
	fi
}

postgresql() { # DATABASE ARGUMENTS...: as administrator
	psql --no-psqlrc --no-password --quiet --set ON_ERROR_STOP=1 --host "$DB_HOST" --port "$DB_PORT" --username "$ADMIN_USERNAME" --dbname "$1" "${@:2}"
}

mysql_as_administrator() {
	mysql --protocol=tcp --host="$DB_HOST" --port="$DB_PORT" --user="$ADMIN_USERNAME" "$@"
}

redis() { redis-cli -h "$DB_HOST" -p "$DB_PORT" --no-auth-warning "$@"; }

# mongo_tool PROGRAM ARGUMENTS...
mongo_tool() {
	"$1" --quiet --host="$DB_HOST" --port="$DB_PORT" --username="$ADMIN_USERNAME" --authenticationDatabase=admin \
		--config=<(printf 'password: %s\n' "$ADMIN_PASSWORD") "${@:2}"
}
