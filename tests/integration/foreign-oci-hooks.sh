#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hook folders as podman and CRI-O read them: off unless configured; conditions, stages,
# order and precreate hooks; a broken file refuses the start and says which it is.
. "$(dirname "$0")/functions.sh"

mkdir "$T/system" "$T/admin"
load_image
cat >"$T/hook" <<X
#!/bin/sh
state=\$(cat)
echo "\$1 \$(echo "\$state" | jq -r .status) \$WORD" >>"$T/hooked"
X
chmod +x "$T/hook"
hook() { # FOLDER/NAME WHEN STAGES [ARGUMENT]
	echo "{\"version\":\"1.0.0\",\"hook\":{\"path\":\"$T/hook\",\"args\":[\"hook\",\"${4:-$1}\"],\"env\":[\"WORD=w\",\"PATH=$PATH\"]},\"when\":$2,\"stages\":[$3]}" >"$T/$1.json"
}
ran() { local got; got=$(cut -d' ' -f1 "$T/hooked" 2>/dev/null | paste -sd' '); rm -f "$T/hooked"; echo "$got"; }
run() { gantry run --rm "$@"; }

hook system/10-all '{"always":true}' '"createRuntime"' all
run $IMAGE true || fail "run"
expect "" "$(ran)" "hooks that nobody configured"

echo "spec: { drivers = [ \"oci-hooks\" ]; };
drivers: { spec: { oci-hooks: { folders = [ \"$T/system\", \"$T/admin\" ]; }; }; };" >"$T/gantry.conf"
export GANTRY_CONFIG_FILE=$T/gantry.conf
run $IMAGE true || fail "run with hooks"
expect "all" "$(ran)" "always"
hook system/20-command '{"commands":["/echo$","^sh"]}' '"createRuntime"' command
hook system/30-annotated '{"annotations":{"^my\\.key$":"^v[0-9]$"}}' '"createRuntime"' annotated
hook system/40-bind '{"hasBindMounts":true}' '"createRuntime"' bind
hook system/50-both '{"hasBindMounts":true,"commands":["true"]}' '"createRuntime"' both
hook system/60-digits '{"annotations":{"n":"^\\d+$"}}' '"createRuntime"' digits
run $IMAGE true; expect "all" "$(ran)" "no condition but always"
run $IMAGE sh -c true; expect "all command" "$(ran)" "commands"
run --annotation my.key=v1 $IMAGE true; expect "all annotated" "$(ran)" "annotations"
run --annotation my.key=x1 $IMAGE true; expect "all" "$(ran)" "another value"
run --annotation n=123 $IMAGE true; expect "all digits" "$(ran)" "a pattern with \\d"
run -v "$T/system:/s" $IMAGE true; expect "all bind both" "$(ran)" "hasBindMounts"
run -v "$T/system:/s" $IMAGE ls >/dev/null; expect "all bind" "$(ran)" "all conditions must hold"
rm "$T"/system/[2-6]*

# A later folder replaces a file of the same name; stages; order.
hook admin/10-all '{"always":true}' '"createRuntime","poststart","poststop"' replaced
hook admin/05-first '{"always":true}' '"prestart"' first
run $IMAGE true; wait_for 5 grep -q stopped "$T/hooked"
grep -q "^first creating w$" "$T/hooked" || fail "the state that a hook sees: $(cat "$T/hooked")"
expect "first replaced replaced replaced" "$(ran)" "folders, stages and order"
rm "$T"/admin/*.json "$T"/system/*.json

# precreate: the specification is rewritten.
cat >"$T/rewrite" <<X
#!/bin/sh
export PATH=$PATH
jq '.process.env += ["REWRITTEN=yes"]'
X
printf '#!/bin/sh\ncat >/dev/null; echo "no, says the hook" >&2; exit 3\n' >"$T/refuse"
printf '#!/bin/sh\ncat >/dev/null; echo "[1]"\n' >"$T/lie"
printf '#!/bin/sh\nsleep 600 & wait\n' >"$T/sleep"
chmod +x "$T/rewrite" "$T/refuse" "$T/lie" "$T/sleep"
precreate() { echo "{\"version\":\"1.0.0\",\"hook\":{\"path\":\"$1\",\"timeout\":2},\"when\":{\"always\":true},\"stages\":[\"precreate\"]}" >"$T/admin/pre.json"; }
precreate "$T/rewrite"
expect yes "$(run $IMAGE sh -c 'echo $REWRITTEN')" "what a precreate hook changed"
precreate "$T/refuse"; expect_error 125 "precreate hook $T/refuse exited with status 3: no, says the hook" run $IMAGE true
precreate "$T/lie"; expect_error 125 "its output is no JSON object" run $IMAGE true
precreate "$T/sleep"; expect_error 125 "precreate hook $T/sleep did not end in time" run $IMAGE true
precreate "$T/nothing"; expect_error 127 "cannot run precreate hook $T/nothing" run $IMAGE true

# Wrong files.
bad() { echo "$1" >"$T/admin/pre.json"; expect_error 125 "hook file $T/admin/pre.json" run $IMAGE true; expect_text "$2" "$OUT" "what is wrong"; }
bad '{' 'is not valid JSON'
bad '{"version":"0.1.0"}' 'version "0.1.0" of hook files is not supported'
bad '{"version":"1.0.0","hook":{"path":"x"},"when":{"always":true},"stages":["prestart"]}' 'hook.path is no absolute path'
bad '{"version":"1.0.0","hook":{"path":"/x"},"when":{},"stages":["prestart"]}' 'has no condition'
bad '{"version":"1.0.0","hook":{"path":"/x"},"when":{"moon":"full"},"stages":["prestart"]}' 'has no condition, or one that is not known'
bad '{"version":"1.0.0","hook":{"path":"/x"},"when":{"always":true},"stages":["sometime"]}' 'unknown stage "sometime"'
bad '{"version":"1.0.0","hook":{"path":"/x"},"when":{"commands":["("]},"stages":["prestart"]}' 'pattern "("'
bad '{"version":"1.0.0","hook":{"path":"/x"},"when":{"commands":["((((a{99}){99}){99}){99}"]},"stages":["prestart"]}' 'repeats too much'
bad '{"version":"1.0.0","hook":{"path":"/x"},"when":{"commands":["a+++++++++++++++++++++++++++++"]},"stages":["prestart"]}' 'repeats too much'
rm "$T/admin/pre.json"
run $IMAGE true || fail "run once the file is gone"
exit 0
