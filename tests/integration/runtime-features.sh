#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `features` tells the truth: whatever it lists is put into a configuration and works, and
# what it does not list is refused by name.
. "$(dirname "$0")/runtime.inc"
rt features >"$work/features.json"
list() {
	jq -r "$1 | .[]" "$work/features.json"
}
is '["annotations","hooks","linux","mountOptions","ociVersionMax","ociVersionMin","potentiallyUnsafeConfigAnnotations"]' \
	"$(jq -c keys "$work/features.json")" "the document's members"

# --- versions: what is listed is taken, what is beyond is refused
is in "$(run_in ".ociVersion = \"$(jq -r .ociVersionMax "$work/features.json")\"" echo in)" "the newest version"
is in "$(run_in ".ociVersion = \"$(jq -r .ociVersionMin "$work/features.json")\"" echo in)" "the oldest"
has "$(run_in '.ociVersion = "2.0.0"' echo in)" "ociVersion" "another major version is refused"

# --- mount options, each on a mount of its own
mkdir -p "$work/source"
mounts=$(list .mountOptions | jq -Rn --arg source "$work/source" '[inputs | select(test("^(idmap|ridmap|remount)$") | not) |
	. as $o | if test("^r?bind$|private|shared|slave|unbindable|nofollow|copy-symlink|^r(ro|rw|no|suid|dev|exec|at|di|st|sy|re)") then
		{destination: ("/mnt/" + $o), type: "bind", source: $source, options: (["rbind"] + [$o])}
	else {destination: ("/mnt/" + $o), type: "tmpfs", source: "tmpfs", options: [$o]} end]')
[ "$(jq length <<<"$mounts")" -gt 55 ] && ok "there are mount options" || fail "too few mount options: $(jq length <<<"$mounts")"
is "$(jq length <<<"$mounts")" "$(run_in ".mounts += $mounts" sh -c 'grep -c " /mnt/" /proc/self/mountinfo')" "each mount option"
has "$(run_in '.mounts += [{"destination":"/mnt/x","type":"tmpfs","source":"x","options":["nonsense"]}]' true)" \
	nonsense "one that is not listed is refused"

# --- namespaces, capabilities
count=0
for ns in $(list .linux.namespaces); do
	filter=".linux.namespaces = ((.linux.namespaces | map(select(.type != \"$ns\"))) + [{\"type\":\"$ns\"}])"
	[ "$ns" != user ] || filter="$filter | .linux.uidMappings = [{containerID:0,hostID:0,size:1000}] | .linux.gidMappings = .linux.uidMappings"
	file=$ns
	case $ns in network) file=net ;; mount) file=mnt ;; esac
	out=$(run_in "$filter" readlink "/proc/self/ns/$file")
	[ -n "$out" ] && [ "$out" != "$(readlink "/proc/self/ns/$file")" ] || fail "no new namespace of type $ns: $out"
	count=$((count + 1))
done
is 8 $count "each namespace"
has "$(run_in '.linux.namespaces += [{"type":"syslog"}]' true)" "is not a namespace" "another is refused"
caps=$(jq -c .linux.capabilities "$work/features.json")
bounding=$(awk '/CapBnd/ { print $2 }' /proc/self/status)
is "$bounding" "$(run_in ".process.capabilities |= map_values($caps)" sh -c 'grep CapBnd /proc/self/status | tr -dc "0-9a-f" | tail -c 16')" \
	"each capability that this machine has"

# --- seccomp: actions, operators, architectures, flags, each in one profile
seccomp() {
	run_in ".linux.seccomp = $1" echo fine
}
for action in $(list .linux.seccomp.actions | grep -v NOTIFY); do
	is fine "$(seccomp '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["acct"],"action":"'"$action"'"}]}')" "$action"
done
is fine "$(seccomp '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":['"$(list .linux.seccomp.operators | jq -Rn \
	'[inputs | {names: ["acct"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: 77, valueTwo: 1, op: .}]}]' |
	sed '1d;$d')"']}')" "each operator"
is fine "$(seccomp '{"defaultAction":"SCMP_ACT_ALLOW","architectures":'"$(jq -c .linux.seccomp.archs "$work/features.json")"',
	"syscalls":[{"names":["acct"],"action":"SCMP_ACT_ERRNO"}]}')" "each architecture"
for flag in $(list .linux.seccomp.supportedFlags | grep -v WAIT_KILLABLE); do
	is fine "$(seccomp '{"defaultAction":"SCMP_ACT_ALLOW","flags":["'"$flag"'"],"syscalls":[{"names":["acct"],"action":"SCMP_ACT_ERRNO"}]}')" "$flag"
done
has "$(seccomp '{"defaultAction":"SCMP_ACT_NONSENSE"}')" SCMP_ACT_NONSENSE "another action is refused"

# --- the rest: what is enabled is looked at, what this host cannot do says so
for part in apparmor selinux intelRdt netDevices mountExtensions.idmap; do
	is true "$(jq ".linux.$part.enabled" "$work/features.json")" "$part"
done
is "[true,true,true,true,true]" "$(jq -c '.linux.cgroup | [.v1, .v2, .systemd, .systemdUser, .rdma]' "$work/features.json")" "control groups"
is "true true" "$(jq -r '.linux.intelRdt | "\(.schemata) \(.monitoring)"' "$work/features.json")" "intelRdt's parts"
for mode in $(list .linux.memoryPolicy.modes); do
	nodes='"nodes":"0",'
	case $mode in MPOL_DEFAULT | MPOL_LOCAL) nodes= ;; esac
	out=$(run_in ".linux.memoryPolicy = {$nodes\"mode\":\"$mode\"}" echo fine)
	# kernels before 6.9 have no weights
	[ "$out" = fine ] || [ "$mode" = MPOL_WEIGHTED_INTERLEAVE ] || fail "$mode: $out"
done
for flag in MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES; do
	is fine "$(run_in '.linux.memoryPolicy = {"nodes":"0","mode":"MPOL_INTERLEAVE","flags":["'$flag'"]}' echo fine)" "$flag"
done
is "$(list .hooks | sort | tr '\n' ' ')" "createContainer createRuntime poststart poststop prestart startContainer " "hooks"
finish
