# Read by lib.sh and store.sh: what a run says of itself.
# shellcheck shell=sh
umask 077

# report prints one line of JSON, which is also what Kubernetes shows of the Pod.
report() {
	printf '%s\n' "$1"
	printf '%s\n' "$1" 2>/dev/null >"${REPORT:-/dev/termination-log}" || true
}

# fail STATUS TEXT
fail() {
	report "{\"result\":\"$1\",\"reason\":\"$2\"}"
	exit 1
}
