#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Units for systemd: of a container that there is, and of .container files.  What stands
# in ExecStart is taken apart as systemd does, and run.
. "$(dirname "$0")/functions.sh"
load_image

# exec_line FILE KEY: its words, one a line
exec_line() {
	python3 - "$1" "$2" <<'PY'
import re, sys
line = [l for l in open(sys.argv[1]).read().splitlines() if l.startswith(sys.argv[2] + '=')][-1]
text, words, word, quoted, any_ = line.split('=', 1)[1].lstrip('-'), [], '', False, False
i = 0
while i < len(text):
    c = text[i]
    if c == '\\':
        i += 1; word += {'n': '\n'}.get(text[i], text[i]); any_ = True
    elif c == '"':
        quoted = not quoted; any_ = True
    elif c.isspace() and not quoted:
        if any_: words.append(word)
        word, any_ = '', False
    elif c in '%$':
        assert text[i + 1] == c, text[i:]
        i += 1; word += c; any_ = True
    else:
        word += c; any_ = True
    i += 1
assert not quoted
if any_: words.append(word)
print('\n'.join(w.replace('\n', '\\n') for w in words))
PY
}

gantry create --name web --restart unless-stopped --network none "$IMAGE" sh -c 'echo served; exit 3' >/dev/null || fail "create"
gantry generate systemd -t 5 web >"$T/web.service" || fail "generate systemd"
expect_text "Restart=always" "$(cat "$T/web.service")" "its restart policy"
gantry update --restart no web >/dev/null
mapfile -t words < <(exec_line "$T/web.service" ExecStart)
out=$("${words[@]}"); status=$?
expect "served 3" "$out $status" "what ExecStart runs"
mapfile -t words < <(exec_line "$T/web.service" ExecStop)
expect web "$("${words[@]}")" "what ExecStop runs"
expect_error 1 "No such container" gantry generate systemd nobody
expect_error 1 "no restart policy" gantry generate systemd --restart-policy sometimes web

# .container files
mkdir -p "$T/units" "$T/out"
generate() { GANTRY_UNIT_DIRS=$T/units "$GANTRY_BUILD/gantry-generator" "$@"; }
cat >"$T/units/hello.container" <<'UNIT'
[Unit]
Description=Says hello
After=local-fs.target

# a comment
[Container]
Image=IMAGE_NAME
ContainerName=hello-it
Environment=GREETING="good day" WHO='100% $you' \
  THIRD=3
Network=none
Label=a=b
ReadOnly=yes
User=1000
Exec=sh -c 'echo "$GREETING $WHO $THIRD"; id -u; touch /x 2>/dev/null || echo read-only'

[Service]
Restart=always

[Install]
WantedBy=default.target multi-user.target
UNIT
sed -i "s|IMAGE_NAME|$IMAGE|" "$T/units/hello.container"
generate "$T/out" "$T/out" "$T/out" || fail "generator"
unit=$T/out/hello.service
expect_text "Description=Says hello" "$(cat "$unit")" "[Unit] is kept"
expect_text "Restart=always" "$(cat "$unit")" "[Service] is kept"
expect "../hello.service ../hello.service" \
	"$(readlink "$T/out/default.target.wants/hello.service") $(readlink "$T/out/multi-user.target.wants/hello.service")" \
	"[Install]"
mapfile -t words < <(exec_line "$unit" ExecStart)
expect "$GANTRY_BUILD/gantry" "$(realpath "${words[0]}")" "the program"
# on this test's root
words=("${words[0]}" --root "$T/root" --run-root "$T/run" "${words[@]:1}")
expect 'good day 100% $you 3
1000
read-only' "$("${words[@]}")" "what ExecStart runs"
expect "hello-it" "$(exec_line "$unit" ExecStop | tail -n 1)" "what ExecStop stops"

# bad files: said, and the others are made
bad() {
	printf '%b' "$1" >"$T/units/bad.container"
	rm -rf "$T/out"; mkdir "$T/out"
	OUT=$(generate "$T/out" 2>&1) && fail "accepted: $1"
	expect_text "$2" "$OUT" "$1"
	[ ! -e "$T/out/bad.service" ] || fail "a unit was made of: $1"
	[ -e "$T/out/hello.service" ] || fail "one bad file spoils the others"
}
bad '[Container]\nImge=x\n' "bad.container:2: [Container] has no such key"
bad '[Container]\nExec=sh\n' "needs: Image="
bad '[Container]\nImage=x\nReadOnly=perhaps\n' "neither true nor false"
bad '[Container]\nImage=x\nExec=sh -c "oh\n' "a quote that is not closed"
bad '[Container]\nImage=\n' "an empty value"
bad '[Container]\nnonsense\n' "neither a section nor KEY=VALUE"
bad '' "needs: Image="
rm "$T/units/bad.container"
printf '[Container]\nImage=x\n[Install]\nWantedBy=../../etc/evil x/../y\n' >"$T/units/evil.container"
rm -rf "$T/out"; mkdir "$T/out"
generate "$T/out" || fail "generator"
expect "evil.service hello.service" "$(ls "$T/out" | grep -v wants | xargs)" "a target is a name, not a path"
exit 0
