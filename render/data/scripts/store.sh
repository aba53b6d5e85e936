#!/bin/sh
# Takes copies to an object store and back. The image of a database has no client
# for that, and the one of rclone no bash.
#
#   put    uploads the copy in BACKUP_FOLDER, and removes the oldest above BACKUP_KEEP
#   fetch  downloads the copy that BACKUP_FILE names, else the newest
#
# STORE_FOLDER is bucket/folder; RCLONE_CONFIG_STORE_… are which store, and its key.
set -eu
# shellcheck source=report.sh
. "$(dirname "$0")/report.sh"
export LC_ALL=C RCLONE_CONFIG=/notfound

folder=store:$STORE_FOLDER listed=$TMPDIR/listed log=$TMPDIR/store.log so_far=

# store ARGUMENTS...: rclone, which says nothing while all is well.
store() { rclone "$@" 2>"$log" || refused; }

refused() {
	cat "$log" >&2
	case $(cat "$log") in
	*"StatusCode: 403"*) fail failed "the object store refuses the key in the Secret$so_far" ;;
	*"directory not found"* | *NoSuchBucket*) fail failed "the object store has no bucket ${STORE_FOLDER%%/*}$so_far" ;;
	*) fail failed "the object store did not do what it was asked to$so_far; the log says why" ;;
	esac
}

# mine picks what belongs to this backup, and the newest comes first.
mine() { grep -E "^$BACKUP_NAME-[0-9]{8}T[0-9]{6}Z\." | sort -ru; }

# whole names the copies of a list of files: those with a checksum.
whole() { sed -n 's/\.sha256$//p' "$1" | mine; }

put() {
	began=$(date +%s)
	find "$BACKUP_FOLDER" -name '*.sha256' -exec basename {} \; >"$TMPDIR/made"
	file=$(whole "$TMPDIR/made" | head -n 1)
	[ -n "$file" ] || fail error "there is no copy in $BACKUP_FOLDER"
	store copyto "$BACKUP_FOLDER/$file" "$folder/$file"
	# Last, as on a volume: a copy without its checksum does not count.
	store copyto "$BACKUP_FOLDER/$file.sha256" "$folder/$file.sha256"
	so_far="; the copy is there"
	printf '%s\n' "$file.sha256" >>"$listed"
	oldest=$(whole "$listed" | sed -n "${BACKUP_KEEP}p")
	# What is older goes, and what uploads that broke off have left: in this order
	# a checksum before its copy.
	for old in $(mine <"$listed" | awk -v oldest="$oldest" '$0 < oldest'); do
		store deletefile "$folder/$old"
	done
	report "{\"result\":\"made\",\"file\":\"$file\",\"bytes\":$(($(wc -c <"$BACKUP_FOLDER/$file"))),\"sha256\":\"$(cut -c1-64 "$BACKUP_FOLDER/$file.sha256")\",\"object\":\"$STORE_FOLDER/$file\",\"seconds\":$(($(date +%s) - began))}"
}

fetch() {
	file=${BACKUP_FILE:-$(whole "$listed" | head -n 1)}
	[ -n "$file" ] || fail error "there is no copy in $STORE_FOLDER"
	grep -qxF "$file.sha256" "$listed" || fail error "there is no copy $file in $STORE_FOLDER"
	store copyto "$folder/$file.sha256" "$BACKUP_FOLDER/$file.sha256"
	store copyto "$folder/$file" "$BACKUP_FOLDER/$file"
}

# First of all, which also tells whether the store lets us in.
rclone lsf --files-only "$folder" >"$listed" 2>"$log" || refused
"$1"
