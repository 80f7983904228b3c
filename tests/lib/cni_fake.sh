#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A CNI plugin, written from the specification, that does nothing but say what it was
# called with: a line in $CNI_FAKE_DIR (in its configuration: "dir") per call.  "fault" in
# its configuration makes one command misbehave.
config=$(cat)
member() { printf '%s' "$config" | jq -r ".$1 // empty"; }
if [ "$CNI_COMMAND" = VERSION ]; then
	echo '{"cniVersion":"1.1.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}'
	exit 0
fi
dir=$(member dir)
printf '%s' "$config" | jq -c --arg command "$CNI_COMMAND" --arg args "$CNI_ARGS" --arg ifname "$CNI_IFNAME" \
	--arg container "$CNI_CONTAINERID" --arg netns "$CNI_NETNS" \
	'{command: $command, args: $args, ifname: $ifname, container: $container, netns: ($netns != ""), config: .}' >>"$dir/calls"
case $(member "fault.$CNI_COMMAND") in
'') ;;
object)
	echo "on standard error" >&2
	printf '{"cniVersion":"1.0.0","code":%s,"msg":"the switch is on fire","details":"port 7"}' "$(member code)"
	exit 1 ;;
plain) echo "not JSON at all"; echo "and a word on stderr" >&2; exit 3 ;;
signal) kill -SEGV $$ ;;
hang) sleep 600 & wait ;;
garbage) head -c 100000 /dev/urandom; exit 0 ;;
huge) head -c 20000000 /dev/zero | tr '\0' x; exit 0 ;;
address) echo '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.999/24"}]}'; exit 0 ;;
array) echo '[1]'; exit 0 ;;
deep) head -c 200000 /dev/zero | tr '\0' '['; exit 0 ;;
silent) exit 0 ;;
esac
[ "$CNI_COMMAND" = ADD ] || exit 0
previous=$(member prevResult)
if [ -n "$previous" ]; then
	printf '%s' "$config" | jq -c .prevResult
else
	version=$(member cniVersion)
	printf '{"cniVersion":"%s","interfaces":[{"name":"%s","mac":"02:00:00:00:00:09","sandbox":"%s"}],"ips":[{"version":"4","address":"192.0.2.7/24","gateway":"192.0.2.1","interface":0}],"dns":{"nameservers":["192.0.2.53"]}}' \
		"$version" "$CNI_IFNAME" "$CNI_NETNS"
fi
