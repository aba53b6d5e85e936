#!/usr/bin/env bash
# The longer recipes of the Makefile. Run from the root of the tree:
#
#   testdata/make.sh need PACKAGE...  make sure of Debian packages
#   testdata/make.sh test             build the control plane into the cache, run every test, fuzz a little, sum up
#   testdata/make.sh check            format, vet, staticcheck, import graph, unchanged tree
#   testdata/make.sh fuzz DURATION    each fuzz target for that long
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

# timed WHAT COMMAND... runs the command, and says how long it took or that it failed.
timed() {
	local what=$1 began=$SECONDS status=0
	shift
	"$@" || status=$?
	if ((status)); then
		say "$what: failed after $((SECONDS - began)) s"
	else
		say "$what: $((SECONDS - began)) s"
	fi
	return $status
}

# present PACKAGE says whether what we want of a Debian package is here, wherever it came from.
present() {
	case $1 in
	postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null ;;
	libc6-dev) [[ -e /usr/include/stdlib.h ]] ;;
	ca-certificates) [[ -s /etc/ssl/certs/ca-certificates.crt ]] ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

need() {
	local missing=() package
	command -v go >/dev/null || {
		say "go is missing; install Go 1.26 or newer and put it into PATH"
		return 1
	}
	for package in "$@"; do
		present "$package" || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
		say "missing: ${missing[*]}; install them, on Debian with: sudo apt-get install ${missing[*]}"
		return 1
	fi
	say "installing ${missing[*]} (once; npm takes about 1 min) …"
	export DEBIAN_FRONTEND=noninteractive
	timed "installing ${missing[*]}" install "${missing[@]}"
}

install() {
	local log
	log=$(mktemp)
	if ! { apt-get update && apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

run_tests() {
	local out status=0 began=$SECONDS
	# On its own, because the first build may take longer than a test is given.
	say "building the control plane into the cache (once, about 9 min on 2 cores) …"
	timed "control plane" go test ./reconcile/kubetest -count=1 -run '^TestBuild$' -v -timeout 40m
	out=$(mktemp)
	# Two packages at a time, because many start a control plane of their own, those first that take longest; more tests
	# than cores, because they mostly wait. CI trusts no stored result.
	go test ${CI:+-count=1} -p 2 -parallel 8 -timeout 20m \
		./cmd/internal/daemon ./render/data ./sources/git ./cmd/internal/image ./... 2>&1 | tee "$out" | grep --line-buffered -v '\[no test files\]$' || status=${PIPESTATUS[0]}
	# A module of its own, with libraries that the rest does without.
	go -C cmd/rondo-sops test ${CI:+-count=1} ./... 2>&1 | tee -a "$out" || status=${PIPESTATUS[0]}
	if ((!status)); then
		fuzz 2s 2>&1 | tee -a "$out" | grep --line-buffered -v '^fuzz: ' || status=${PIPESTATUS[0]}
	fi
	echo
	awk '$1 == "ok" && $3 + 0 > 2 { print $3, $2 }' "$out" | sort -rn | sed -n '1,5s/^/slow: /p'
	awk -v took="$((SECONDS - began))" '
		$1 == "ok" { good[$2] = 1; delete failed[$2] } # a target that was run again
		$1 == "FAIL" && NF > 1 { failed[$2] = 1 }
		END {
			for (name in failed) { bad++; delete good[name]; print "failed: " name }
			for (name in good) ok++
			printf "%d packages tested in %d s\n%d passed, %d failed\n", ok + bad, took, ok, bad
		}' "$out"
	rm -f "$out"
	return "$status"
}

format() {
	local files
	files=$(gofmt -l .) || return
	[[ -z $files ]] || {
		say "not formatted: $files; run gofmt -w on them"
		return 1
	}
}

# unchanged BEFORE fails when the tree differs from what it was before the checks, and in CI also when it is not clean.
unchanged() {
	local after
	after=$(git status --porcelain) || return
	[[ -n ${CI:-} ]] || [[ $after != "$1" ]] || return 0
	[[ -z $after ]] || {
		say "files that are not committed:"$'\n'"$after"
		return 1
	}
}

check() {
	local before
	before=$(git status --porcelain)
	timed gofmt format
	timed "go vet" go vet ./...
	timed "go vet, rondo-sops" go -C cmd/rondo-sops vet ./...
	timed staticcheck go tool staticcheck ./...
	timed "import graph" go test -count=1 ./cmd/internal/graph
	timed "unchanged tree" unchanged "$before"
}

# fuzz_target PACKAGE TARGET DURATION. Inputs are made smaller in ten tries at most: Go takes a minute for each new one
# else, in which it tries nothing new. And sometimes it reports its own deadline as a failure, when the duration ends
# while it looks; no input is at fault then, none is written, and the target is run again.
fuzz_target() {
	local out status try
	out=$(mktemp)
	for try in 1 2 3; do
		status=0
		go test "$1" -run '^$' -fuzz "^$2\$" -fuzztime "$3" -fuzzminimizetime 10x </dev/null 2>&1 | tee "$out" || status=${PIPESTATUS[0]}
		((status)) && grep -qx '    context deadline exceeded' "$out" && ! grep -q 'Failing input' "$out" || break
		say "$2: the end of try $try was taken for a failure; once more"
	done
	rm -f "$out"
	return "$status"
}

fuzz() {
	local target file package
	# Two loops, because go test fuzzes one target of one package at a time.
	grep -rEo --include='*_test.go' '^func Fuzz\w+' . | sort | while IFS=: read -r file target; do
		package=./$(dirname "${file#./}") target=${target#func }
		say "$package $target"
		fuzz_target "$package" "$target" "$1" || exit
	done
}

case ${1:-} in
need) need "${@:2}" ;;
test) run_tests ;;
check) check ;;
fuzz) fuzz "${2:?how long, such as 10s}" ;;
*) say "usage: testdata/make.sh need|test|check|fuzz" && exit 2 ;;
esac
