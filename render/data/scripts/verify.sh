#!/bin/bash
# Puts the newest copy into a database server of its own, which nobody else sees,
# and asks it: what verifier.sql asks, else whether there is a table.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

file=$(chosen) || { printf '%s\n' "$file"; exit 1; }
work=$(mktemp -d)
trap 'pg_ctl --pgdata "$work/data" --silent --mode immediate stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
export PGHOST=$work PGPORT=5432 PGUSER=postgres
{
	initdb --pgdata "$work/data" --username postgres --auth trust --encoding UTF8 --no-sync --no-locale
	pg_ctl --pgdata "$work/data" --wait --options "-c listen_addresses= -c unix_socket_directories=$work -c port=$PGPORT -c fsync=off" start
} >"$work/log" 2>&1 || { tail -n 20 "$work/log" && fail error "the server for the test does not start"; }
ask() { psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname verify "$@"; }
createdb verify
unpacked "$file" | ask --output=/dev/null || fail failed "the copy cannot be put back"
if [[ -s ${VERIFIER:-} ]]; then
	answer=$(ask --csv --file "$VERIFIER") || fail error "the verifier ended with an error"
	case $answer in
	$'result\nt' | $'result\ntrue' | $'result\n1') ;;
	result$'\n'*) fail failed "the verifier did not answer true" ;;
	*) fail error "the verifier must answer one row with the column result" ;;
	esac
else
	tables=$(ask --no-align --tuples-only --command "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
	((tables > 0)) || fail failed "the copy holds no table"
fi
report "{\"result\":\"verified\",\"file\":\"$file\"}"
