#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The command line of runc and crun: each of their commands and options is taken with its
# meaning, and JSON output has their members.  What runc and crun have on this machine is
# read from their own help; the lists below are those of runc 1.5 and crun 1.28.
. "$(dirname "$0")/runtime.inc"
command -v python3 >/dev/null || skip "needs python3"

# --- every option is taken
known() {
	cat <<-'END'
	checkpoint image-path= work-path= parent-path= leave-running tcp-established tcp-skip-in-flight link-remap ext-unix-sk shell-job lazy-pages status-fd= page-server= file-locks pre-dump manage-cgroups-mode= empty-ns= auto-dedup network-lock=
	create bundle= config= console-socket= pidfd-socket= pid-file= no-pivot no-new-keyring preserve-fds= no-subreaper
	delete force regex
	events interval= stats
	exec console-socket= pidfd-socket= cwd= env= tty user= additional-gids= process= detach pid-file= process-label= apparmor= no-new-privs cap= preserve-fds= cgroup= ignore-paused no-subreaper
	kill all regex
	list format= quiet
	ps format=
	restore console-socket= image-path= work-path= tcp-established tcp-close ext-unix-sk shell-job file-locks manage-cgroups-mode= bundle= detach pid-file= no-subreaper no-pivot empty-ns= auto-dedup lazy-pages lsm-profile= lsm-mount-context= network-lock=
	run bundle= config= console-socket= pidfd-socket= detach keep pid-file= no-subreaper no-pivot no-new-keyring preserve-fds=
	spec bundle= file= rootless
	update resources= blkio-weight= cpu-period= cpu-quota= cpu-burst= cpu-share= cpu-rt-period= cpu-rt-runtime= cpuset-cpus= cpuset-mems= kernel-memory= kernel-memory-tcp= memory= cpu-idle= memory-reservation= memory-swap= pids-limit= l3-cache-schema= mem-bw-schema=
	state
	start
	pause
	resume
	features
	END
}
# what an option's value may be
value() {
	case $1 in
	manage-cgroups-mode) echo soft ;;
	network-lock) echo skip ;;
	empty-ns) echo network ;;
	status-fd) echo 1 ;;
	page-server) echo 127.0.0.1:1 ;;
	format) echo json ;;
	interval) echo 5s ;;
	user) echo 1:1 ;;
	cap) echo CAP_KILL ;;
	env) echo A=b ;;
	resources) echo "$work/none" ;;
	cpuset-cpus | cpuset-mems) echo 0 ;;
	l3-cache-schema) echo L3:0=f ;;
	mem-bw-schema) echo MB:0=10 ;;
	file) echo "$work/none/x" ;;
	parent-path) echo ../x ;;
	bundle) echo "$work/none" ;;
	*) echo 1 ;;
	esac
}
# taken COMMAND OPTION[=]: it is no unknown option, and no misuse; there is no such container
taken() {
	local name=${2%=} out args=(nobody)
	[ "$1" != exec ] || args=(nobody true)
	[ "$1" != spec ] || args=()
	[ "$1" != features ] || args=()
	if [ "$name" = "$2" ]; then
		out=$(cd "$work/bundle" && timeout 20 "$oci" --root "$work/run" "$1" "--$name" "${args[@]}" 2>&1 </dev/null)
	else
		out=$(cd "$work/bundle" && timeout 20 "$oci" --root "$work/run" "$1" "--$name" "$(value "$name")" "${args[@]}" 2>&1 </dev/null)
	fi
	case $out in
	*"unrecognized option"* | *"usage: "* | *"doesn't allow"* | *"not supported"*) fail "$1 --$name: $out" ;;
	*) return 0 ;;
	esac
}
printf '{}' >"$work/bundle/config.json"
n=0
while read -r command options; do
	rt "$command" --help >"$work/out" 2>&1
	is 0 $? "$command --help"
	has "$(cat "$work/out")" "usage: gantry-oci $command" "tells its usage"
	for option in $options; do
		taken "$command" "$option"
		n=$((n + 1))
	done
done < <(known)
ok "$n options are looked at"
[ "$n" -ge 100 ] || fail "the list of options is not read"
# what the peers of this machine say they have
for peer in runc crun; do
	command -v $peer >/dev/null || continue
	for command in $(known | cut -d' ' -f1); do
		for option in $($peer "$command" --help 2>/dev/null |
			grep -oE -- '^ +(-[a-zA-Z], )?--[a-z][a-z0-9-]*( value|=[A-Z]|\[=| +)' |
			sed -E 's/^ +(-[a-zA-Z], )?--([a-z0-9-]+)(.*)$/\2\3/; s/( value|=[A-Z]|\[=)$/=/; s/ +$//' | sort -u); do
			case ${option%=} in help | usage | version) continue ;; esac
			known | grep "^$command " | grep -q -E " ${option%=}=?( |$)" || fail "$peer $command has --${option%=}"
			n=$((n + 1))
		done
	done
done
ok "with the peers' help: $n"
has "$(rt run --nonsense x 2>&1)" "unrecognized option" "an unknown option is told"
is 1 "$(rt run --nonsense x >/dev/null 2>&1; echo $?)" "and fails"
for global in "--log $work/log" "--log-format json" "--log-level debug" "--debug" "--systemd-cgroup" "--rootless auto" \
	"--criu /x" "--cgroup-manager cgroupfs" "--root $work/run2"; do
	# shellcheck disable=SC2086
	is "[]" "$(rt $global list -f json)" "$global"
done
has "$(rt --cgroup-manager some list 2>&1)" "is systemd, cgroupfs or disabled" "a wrong manager is told"
has "$(rt --log-format some list 2>&1)" "text or json" "a wrong log format"
has "$(rt --version)" "spec: 1." "--version tells the specification's"

# --- options that do something
configure . sh -c 'echo $$; while :; do sleep 1; done'
cp "$work/bundle/config.json" "$work/other.json"
jq '.hostname = "other"' <"$work/other.json" >"$work/bundle/named.json"
echo '{"broken"' >"$work/bundle/config.json"
rt run -d -b "$work/bundle" -f "$work/bundle/named.json" --pid-file "$work/pid" "$tag-a" </dev/null >/dev/null 2>&1
is 0 $? "--config names another file"
is other "$(rt exec "$tag-a" hostname)" "which is used"
cp "$work/other.json" "$work/bundle/config.json"
cat >"$work/pidfd.py" <<'PY'
import array, os, socket, sys
l = socket.socket(socket.AF_UNIX); l.bind(sys.argv[1]); l.listen(4)
for _ in range(int(sys.argv[2])):
    c, _ = l.accept()
    _, extra, _, _ = c.recvmsg(64, socket.CMSG_SPACE(4))
    fd = array.array("i", extra[0][2][:4])[0]
    for line in open("/proc/self/fdinfo/%d" % fd):
        if line.startswith("Pid:"):
            print(line.split()[1], flush=True)
PY
python3 "$work/pidfd.py" "$work/sock" 3 >"$work/pidfds" &
server=$!
until [ -S "$work/sock" ]; do sleep 0.05; done
rt run -d -b "$work/bundle" --pidfd-socket "$work/sock" "$tag-b" </dev/null >/dev/null 2>&1
rt create -b "$work/bundle" --pidfd-socket "$work/sock" "$tag-c" </dev/null >/dev/null 2>&1
rt exec -d --pidfd-socket "$work/sock" --pid-file "$work/execpid" "$tag-b" sleep 100 </dev/null >/dev/null 2>&1
wait $server
is "$(rt state "$tag-b" | jq .pid) $(rt state "$tag-c" | jq .pid) $(cat "$work/execpid")" "$(echo $(cat "$work/pidfds"))" \
	"--pidfd-socket of run, create and exec"
has "$(rt create -b "$work/bundle" --pidfd-socket "$work/nowhere" "$tag-d" 2>&1)" "cannot connect to the pidfd socket" \
	"a socket that is not there"
is "" "$(rt list -q | grep "$tag-d")" "leaves nothing"
has "$(rt exec -u root "$tag-b" true 2>&1)" "UID[:GID]" "exec --user takes numbers, and root is none"
is "7 8 9" "$(rt exec -u 7:8 --additional-gids 9 "$tag-b" sh -c 'echo $(id -u) $(id -g) $(id -G | cut -d" " -f2)')" "exec as another user"
is "/x one" "$(rt exec -e PATH=/x -e A=one "$tag-b" /bin/sh -c 'echo $PATH $A')" "exec --env replaces a value"
is "/tmp b" "$(rt exec --cwd /tmp -e A=b "$tag-b" sh -c 'echo $PWD $A')" "exec --cwd --env"
rt spec -b "$work/bundle" -f "$work/made.json" && jq -e .process "$work/made.json" >/dev/null && ok "spec --file" || fail "spec --file"
echo '{"pids": {"limit": 44}}' | rt update --resources - "$tag-b"
is "0 44" "$? $(rt events --stats "$tag-b" | jq .data.pids.limit)" "update --resources - as containerd calls it"
rt kill --regex "$tag-(a|c)" KILL
for i in $(seq 100); do [ "$(rt state "$tag-a" | jq -r .status)" != stopped ] || break; sleep 0.1; done
is "stopped running" "$(rt state "$tag-a" | jq -r .status) $(rt state "$tag-b" | jq -r .status)" "kill --regex"
rt delete --regex -f "$tag-[ac]"
is "$tag-b" "$(rt list -q)" "delete --regex removes those that match"
rt delete --regex '(' 2>&1 | grep -q "regular expression" && ok "a wrong expression is told" || fail "a wrong expression"
rt --cgroup-manager disabled run -d -b "$work/bundle" "$tag-n" </dev/null >/dev/null 2>&1
is 0 $? "--cgroup-manager disabled"
lacks "$(cat "/proc/$(rt state "$tag-n" | jq .pid)/cgroup")" "$tag-n" "makes no group"
rt delete -f "$tag-n"
rt --log "$work/plain.log" state nobody 2>/dev/null
has "$(cat "$work/plain.log")" "level=error" "--log"
rt --log "file:$work/json.log" --log-format json state nobody 2>/dev/null
is error "$(jq -r .level "$work/json.log")" "--log file: --log-format json"
has "$(rt --log "$work/none/at/all" list 2>&1)" "--log: cannot open $work/none/at/all" "a log that cannot be written"
rt --log "syslog:x" state nobody 2>/dev/null
is 1 $? "--log syslog:"

# --- JSON as runc prints it
is '["bundle","created","id","ociVersion","owner","pid","rootfs","status"]' "$(rt state "$tag-b" | jq -c keys)" "state"
is '["bundle","created","id","ociVersion","owner","pid","rootfs","status"]' "$(rt list -f json | jq -c '.[0] | keys')" "list"
is root "$(rt list -f json | jq -r '.[0].owner')" "the owner's name"
is true "$(rt ps -f json "$tag-b" | jq 'type == "array" and all(.[]; type == "number")')" "ps"
has "$(rt ps "$tag-b" -o pid,comm)" "COMMAND" "ps with options of ps"
events=$(rt events --stats "$tag-b")
is '["data","id","type"]' "$(jq -c keys <<<"$events")" "events"
is '["blkio","cpu","memory","network_interfaces","pids"]' "$(jq -c '.data | keys' <<<"$events")" "statistics"
is '["ioServiceBytesRecursive","ioServicedRecursive"]' "$(jq -c '.data.blkio | del(.psi) | keys' <<<"$events")" "blkio"
is true "$(jq '.data.cpu.usage | (.total >= .kernel) and has("user")' <<<"$events")" "cpu"
if [ -e /proc/pressure/cpu ] && jq -e .data.cpu.psi <<<"$events" >/dev/null; then
	is '["avg10","avg300","avg60","total"]' "$(jq -c '.data.cpu.psi.some | keys' <<<"$events")" "pressure"
fi
timeout 20 "$oci" --root "$work/run" events --interval 1s "$tag-b" >"$work/events" &
watcher=$!
for i in $(seq 150); do [ "$(grep -c stats "$work/events")" -lt 2 ] || break; sleep 0.1; done
[ "$(grep -c stats "$work/events")" -ge 2 ] && ok "events go on" || fail "no second event"
rt delete -f "$tag-b"
wait $watcher
is 0 $? "and end with the container"
has "$(rt events --interval 0s x 2>&1)" "positive interval" "an interval of nothing is refused"
if command -v runc >/dev/null && runc features >"$work/runc.json" 2>/dev/null; then
	rt features >"$work/ours.json"
	is "" "$(jq -r --slurpfile o "$work/ours.json" '[paths(scalars | true)] | map(map(select(type == "string"))) | unique |
		map(select(.[0] != "annotations")) | .[] as $p | select($o[0] | getpath($p) == null) | join(".")' "$work/runc.json")" \
		"features has what runc's has"
	for list in mountOptions hooks linux.namespaces linux.capabilities linux.seccomp.actions linux.seccomp.operators \
		linux.seccomp.archs; do
		is "" "$(jq -nr --slurpfile a "$work/runc.json" --slurpfile b "$work/ours.json" --arg p "$list" \
			'($p | split(".")) as $q | ($a[0] | getpath($q)) - ($b[0] | getpath($q)) | join(" ")')" "$list: all of runc's"
	done
fi
finish
