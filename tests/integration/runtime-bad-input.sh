#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is wrong in a configuration is named by its place, and leaves nothing.
. "$(dirname "$0")/runtime.inc"
refused() { # JQ-FILTER TEXT
	local out
	out=$(run_in "$1")
	is 1 $? "refused: $1"
	has "$out" "$2" "it says $2"
}
raw() { # TEXT EXPECTED
	printf '%s' "$1" > "$work/bundle/config.json"
	has "$(rt run -b "$work/bundle" "$tag-raw" 2>&1)" "$2" "raw: $2"
}
raw '' 'not valid JSON at byte 0'
raw '{' 'unexpected end of data'
raw '{"ociVersion": "1.0.0"} x' 'must be one JSON object'
raw '[1]' 'must be one JSON object'
raw "$(printf '[%.0s' $(seq 200))" 'not valid JSON'
raw '{"ociVersion": "1.0.0", "hostname": "a\u0000b"}' 'hostname: must not contain a NUL'
refused 'del(.ociVersion)' 'ociVersion is missing'
refused '.ociVersion = "2.0.0"' 'version 2.0.0 is not supported'
refused '.ociVersion = "x"' 'is not a version'
refused 'del(.process)' 'process is missing'
refused 'del(.root)' 'root is missing'
refused '.root.path = "/nowhere"' 'root.path: cannot open /nowhere'
refused '.root.path = "/etc/passwd"' 'Not a directory'
refused '.process.cwd = "tmp"' 'process: cwd must be an absolute path'
refused '.process.cwd = "/etc/passwd"' 'process.cwd: cannot enter /etc/passwd'
refused '.process.cwd = "/etc/passwd/x"' 'process.cwd: '
refused '.process.args = []' 'args must name a program'
refused '.process.user.uid = -1' 'process.user.uid: must be between'
refused '.process.user.uid = "0"' 'process.user.uid: must be an integer'
refused '.process.rlimits = [{"type": "RLIMIT_X", "soft": 1, "hard": 1}]' 'process.rlimits[0]: type: "RLIMIT_X"'
refused '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]' 'soft must not be above hard'
refused '.process.capabilities.bounding = ["NONSENSE"]' 'bounding: "NONSENSE" is not a capability'
refused '.mounts[0].destination = ""' 'mounts[0]: destination is missing'
refused '.mounts += [{"destination": "/x", "type": "bind"}]' 'mounts[7]: source is missing'
refused '.mounts += [{"destination": "/proc/1", "type": "tmpfs", "source": "x"}]' 'inside /proc is not allowed'
refused '.linux.namespaces += [{"type": "none"}]' 'type: "none" is not a namespace'
refused '.linux.namespaces += [{"type": "pid"}]' 'given twice'
refused '.linux.namespaces |= map(select(.type != "network")) + [{"type": "network", "path": "/nowhere"}]' 'cannot open /nowhere (network)'
refused '.linux.namespaces |= map(select(.type != "network")) + [{"type": "network", "path": "/etc/passwd"}]' 'cannot join /etc/passwd (network)'
refused '.linux.namespaces |= map(select(.type != "uts"))' 'hostname: needs a namespace of type uts'
refused '.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}]' 'go together'
refused '.linux.resources.memory = {"limit": 1.5}' 'linux.resources.memory.limit: must be an integer'
refused '.linux.resources.memory = {"limit": 200000000, "swap": 100000000}' 'must not be below limit'
refused '.linux.resources.cpu = {"cpus": "900-901"}' 'linux.resources.cpu.cpus'
refused '.linux.resources.devices = [{"allow": true, "type": "z"}]' 'devices[0]: type must be a, b or c'
refused '.linux.cgroupsPath = "/../../x"' 'linux.cgroupsPath'
refused '.linux.maskedPaths = ["relative"]' 'maskedPaths[0]'
refused '.linux.devices = [{"path": "/dev/null", "type": "q"}]' 'linux.devices[0]: type must be'
refused '.linux.seccomp = {"defaultAction": "SCMP_ACT_NOTIFY"}' 'linux.seccomp: defaultAction'
refused '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nowhere", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}' 'linux.seccomp.listenerPath: cannot connect to /nowhere'
refused '.linux.timeOffsets = {"boottime": {"secs": 1}}' 'needs a new namespace of type time'
refused '.linux.intelRdt = {"closID": "../x"}' 'is not a name'
configure . /bin/true
has "$(rt run -b "$work/bundle" --console-socket /nowhere "$tag-x" 2>&1)" "cannot connect to the console socket" "a console socket that vanished"
has "$(rt create -b "$work/bundle" --pid-file /nowhere/pid "$tag-x" 2>&1 </dev/null)" "cannot write the pid file" "a pid file in no folder"
finish
