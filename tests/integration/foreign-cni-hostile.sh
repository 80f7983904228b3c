#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a CNI plugin is told, in each version of the specification, and what becomes of one
# that fails, lies, hangs or is not there: one failed operation, in the plugin's own words.
. "$(dirname "$0")/functions.sh"
[ "$(id -u)" = 0 ] || skip "networks are made by root"

mkdir "$T/net.d" "$T/bin" "$T/calls"
cp "$GANTRY_SOURCE/tests/lib/cni_fake.sh" "$T/bin/one" && cp "$T/bin/one" "$T/bin/two"
echo "drivers: { network: { cni: { conf_dirs = [ \"$T/net.d\" ]; bin_dirs = [ \"$T/bin\" ]; deadline = 5; }; }; };" \
	>"$T/gantry.conf"
export GANTRY_CONFIG_FILE=$T/gantry.conf
load_image

list() { # NAME VERSION MEMBERS-OF-ONE [MEMBERS-OF-THE-LIST]
	mkdir -p "$T/calls/$1"
	echo "{\"cniVersion\":\"$2\",\"name\":\"$1\"${4:+,$4},\"plugins\":[
		{\"type\":\"one\",\"dir\":\"$T/calls/$1\"${3:+,$3}},{\"type\":\"two\",\"dir\":\"$T/calls/$1\",\"capabilities\":{\"ips\":true}}]}" \
		>"$T/net.d/$1.conflist"
}
calls() { jq -r ".command + \" \" + .config.type + \" \" + (.config | if has(\"prevResult\") then \"with\" else \"without\" end)" "$T/calls/$1/calls" | paste -sd,; }

# ---- every version, in order, with and without a former result ----
for version in 0.3.0 0.3.1 0.4.0 1.0.0 1.1.0; do
	list "v$version" $version
	gantry run --rm --network "v$version" $IMAGE true || fail "run with version $version"
	case $version in
	0.3.*) del="DEL two without,DEL one without" ;;
	*) del="DEL two with,DEL one with" ;;
	esac
	expect "ADD one without,ADD two with,$del" "$(calls "v$version")" "calls of version $version"
	expect "$version" "$(jq -r .config.cniVersion "$T/calls/v$version/calls" | sort -u)" "the version told"
done
list many 0.3.1 "" '"cniVersions":["0.4.0","1.0.0","7.0.0"]'
gantry run --rm --network many $IMAGE true || fail "run with cniVersions"
expect "1.0.0" "$(jq -r .config.cniVersion "$T/calls/many/calls" | sort -u)" "the newest version known"
printf '{"cniVersion":"0.3.1","name":"single","type":"one","dir":"%s"}' "$T/calls" >"$T/net.d/single.conf"
gantry run --rm --network single $IMAGE true || fail "a single configuration"

# ---- what is passed ----
list told 1.0.0
gantry run --rm --network told --ip 192.0.2.33 --mac-address 02:00:00:00:00:44 $IMAGE true || fail "run"
expect '["192.0.2.33"]' "$(jq -c 'select(.command == "ADD" and .config.type == "two") | .config.runtimeConfig.ips' "$T/calls/told/calls")" \
	"the capability ips"
expect "IgnoreUnknown=1;MAC=02:00:00:00:00:44" "$(jq -r 'select(.command == "ADD" and .config.type == "one") | .args' "$T/calls/told/calls")" \
	"CNI_ARGS"
expect "eth0 true" "$(jq -r 'select(.command == "ADD") | .ifname + " " + (.netns | tostring)' "$T/calls/told/calls" | sort -u)" "interface and namespace"
gantry run -d --name shown --network told $IMAGE sleep 300 >/dev/null
expect "192.0.2.7 24 192.0.2.1" "$(gantry inspect -f '{{with .NetworkSettings.Networks.told}}{{.IPAddress}} {{.IPPrefixLen}} {{.Gateway}}{{end}}' shown)" \
	"the endpoint"

# ---- GC and STATUS, since 1.1.0; CHECK ----
list newest 1.1.0
gantry run -d --name keeps --network newest $IMAGE sleep 300 >/dev/null
id=$(gantry inspect -f '{{.Id}}' keeps)
gantry doctor >/dev/null 2>&1
expect "CHECK one with,CHECK two with" "$(calls newest | tr , '\n' | grep CHECK | paste -sd,)" "CHECK"
"$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" wait keeps & # a process that dies
sleep 0.3; kill -9 $!; wait $! 2>/dev/null
gantry ps -q >/dev/null || fail "ps after a crash"
expect "[{\"containerID\":\"$id\",\"ifname\":\"eth0\"}]" \
	"$(jq -c 'select(.command == "GC" and .config.type == "one") | .config["cni.dev/valid-attachments"]' "$T/calls/newest/calls" | tail -1)" "GC"
gantry network create -d cni -o "cni.file=$T/net.d/newest.conflist" ready >/dev/null || fail "create of a file"
expect_text "STATUS one" "$(calls newest)" "STATUS"
list notready 1.1.0 '"fault":{"STATUS":"object"},"code":50'
expect_error 1 "CNI plugin one failed to STATUS: the switch is on fire: port 7 (code 50)" \
	gantry network create -d cni -o "cni.file=$T/net.d/notready.conflist" bad
gantry rm -f keeps shown >/dev/null

# ---- failures ----
broken() { # MEMBERS TEXT
	list "bad$((++n))" 1.0.0 "$1"
	expect_error 125 "$2" timeout 30 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" \
		run --rm --network "bad$n" $IMAGE true
}
n=0
broken '"fault":{"ADD":"object"},"code":999' "CNI plugin one failed to ADD: the switch is on fire: port 7 (code 999)"
expect "ADD one without,DEL two without,DEL one without" "$(calls bad1)" "what is undone after a failure"
expect_text "last-failure-one" "$OUT" "the hint"
record=$(find "$T/run/drivers/network/cni" -name last-failure-one)
grep -q "on standard error" "$record" && grep -q '"code":999' "$record" && grep -q '"type":"one"' "$record" ||
	fail "the record of a failure is not whole: $(cat "$record")"
broken '"fault":{"ADD":"plain"}' "exited with status 3: not JSON at all: and a word on stderr"
broken '"fault":{"ADD":"signal"}' "was killed by signal 11"
broken '"fault":{"ADD":"hang"}' "did not ADD in 5000 ms and was killed"
broken '"fault":{"ADD":"garbage"}' "CNI plugin one: ADD: result is not valid JSON"
broken '"fault":{"ADD":"huge"}' "CNI plugin one: ADD"
broken '"fault":{"ADD":"deep"}' "CNI plugin one: ADD"
broken '"fault":{"ADD":"array"}' "the result is no JSON object"
broken '"fault":{"ADD":"silent"}' "added without a result"
broken '"fault":{"ADD":"address"}' '"10.0.0.999/24", which is none'
# A DEL that fails keeps nobody from ending, and is tried again until it succeeds.
gantry network create -d cni -o "cni.file=$T/net.d/told.conflist" stuck >/dev/null
gantry run -d --name held --network stuck $IMAGE sleep 300 >/dev/null
mv "$T/bin/one" "$T/bin/hidden"
gantry rm -f held >/dev/null || fail "a plugin that is gone keeps a container from being removed"
gantry ps -a >/dev/null || fail "ps while a network is stuck"
gantry run --rm --network none $IMAGE true || fail "another container while a network is stuck"
expect_error 1 "has active endpoints" gantry network rm stuck
mv "$T/bin/hidden" "$T/bin/one"
gantry network rm stuck >/dev/null || fail "network rm once the plugin is back"

# ---- wrong files ----
wrong() { # TEXT-OF-FILE MESSAGE
	echo "$1" >"$T/wrong.conflist"
	expect_error 1 "$2" gantry network create -d cni -o "cni.file=$T/wrong.conflist" bad
}
wrong '{"cniVersion":"0.2.0","name":"x","plugins":[{"type":"one"}]}' 'cniVersion "0.2.0" is not supported'
wrong '{"name":"x","plugins":[{"type":"one"}]}' 'cniVersion "" is not supported'
wrong '{"cniVersion":"1.0.0","name":"../x","plugins":[{"type":"one"}]}' 'no proper name'
wrong '{"cniVersion":"1.0.0","name":"x","plugins":[]}' 'it lists no plugins'
wrong '{"cniVersion":"1.0.0","name":"x","plugins":[{"type":"../../bin/sh"}]}' 'has no proper type'
wrong '{"cniVersion":"1.0.0","name":"x","plugins":[{"type":7}]}' 'has no proper type'
wrong '[1,2]' 'it is no JSON object'
wrong '{"cniVersion":' 'is not valid JSON'
wrong '{"cniVersion":"1.0.0","name":"x","plugins":[{"type":"nosuch"}]}' "there is no CNI plugin nosuch in"
printf '#!/bin/sh\necho "{\\"cniVersion\\":\\"0.4.0\\",\\"supportedVersions\\":[\\"0.3.0\\",\\"0.4.0\\"]}"' >"$T/bin/old"
chmod +x "$T/bin/old"
wrong '{"cniVersion":"1.0.0","name":"x","plugins":[{"type":"old"}]}' 'CNI plugin old does not speak version 1.0.0'
head -c 2000000 /dev/zero >"$T/wrong.conflist"
expect_error 1 "cannot read CNI configuration" gantry network create -d cni -o "cni.file=$T/wrong.conflist" bad
expect_error 1 "no absolute path" gantry network create -d cni -o cni.file=wrong.conflist bad
expect_error 1 "stands in it" gantry network create -d cni -o "cni.file=$T/net.d/told.conflist" --subnet 10.1.0.0/24 bad
rm "$T/net.d/newest.conflist"
expect_error 127 "was the file removed?" gantry run --rm --network ready $IMAGE true
exit 0
