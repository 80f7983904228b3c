# SPDX-License-Identifier: Apache-2.0
# For the runtime's tests: a bundle with busybox, a state folder of its own, and
# what checks have in common.  Sourced, not run.
set -u
build=${BUILD:-$(cd "$(dirname "$0")/../.." && pwd)}
oci=$build/gantry-oci
skip() {
	echo "skipped: $*"
	exit 77
}
[ -x "$oci" ] || skip "gantry-oci is not built"
[ "${NEEDS_ROOT:-1}" = 0 ] || [ "$(id -u)" = 0 ] || skip "needs root"
busybox=$(command -v busybox) || skip "needs busybox (package busybox-static)"
command -v jq >/dev/null || skip "needs jq"
work=$(mktemp -d "${TMPDIR:-/tmp}/gantry-runtime.XXXXXX")
tag=$(basename "$work" | tr -c 'a-zA-Z0-9\n' -)
failures=0
cleanup() {
	local id
	for id in $(ls "$work/run" 2>/dev/null); do
		"$oci" --root "$work/run" delete -f "$id"
	done
	[ -z "${at_exit:-}" ] || $at_exit
	rm -rf "$work"
}
trap cleanup EXIT
root=$work/rootfs
mkdir -p "$root"/{bin,dev,proc,sys,etc,tmp,run} "$work/bundle"
cp "$busybox" "$root/bin/busybox"
for name in sh cat ls id ps true false sleep mount echo hostname stat mknod dd touch rm ln \
	grep head tail sort readlink mkdir tty stty tr umount nsenter chmod kill wc; do
	ln -s busybox "$root/bin/$name"
done
echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
(cd "$work/bundle" && "$oci" spec)
base=$work/base.json
jq --arg root "$root" '.process.terminal = false | .root.path = $root | .root.readonly = false' \
	"$work/bundle/config.json" > "$base"
ok() {
	echo "ok: $*"
}
fail() {
	echo "FAILED: $*"
	failures=$((failures + 1))
}
# is WANT GOT WHAT
is() {
	if [ "$1" = "$2" ]; then ok "$3"; else fail "$3: wanted '$1', got '$2'"; fi
}
# has TEXT PART WHAT
has() {
	case $1 in *"$2"*) ok "$3" ;; *) fail "$3: no '$2' in '$1'" ;; esac
}
lacks() {
	case $1 in *"$2"*) fail "$3: '$2' in '$1'" ;; *) ok "$3" ;; esac
}
rt() {
	"$oci" --root "$work/run" "$@"
}
# configure [JQ-FILTER [COMMAND...]]: the bundle's config.json
configure() {
	local filter=${1:-.}
	shift
	jq --args "$filter | if (\$ARGS.positional | length) > 0 then .process.args = \$ARGS.positional else . end" \
		-- "$@" < "$base" > "$work/bundle/config.json"
}
# run_in JQ-FILTER COMMAND...: prints both outputs, returns the exit status
counter=0
run_in() {
	configure "$@"
	counter=$((counter + 1))
	rt run -b "$work/bundle" "$tag-$counter-$BASHPID" 2>&1 </dev/null
}
# Nothing of this test's containers may be left.
no_residue() {
	local left
	left=$(ls "$work/run" 2>/dev/null; find /sys/fs/cgroup -name "$tag*" 2>/dev/null;
		grep "$tag" /proc/self/mountinfo)
	is "" "$left" "nothing is left"
}
finish() {
	no_residue
	[ "$failures" = 0 ] || echo "$failures failed"
	exit $((failures > 0))
}
