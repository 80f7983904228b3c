#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A user with one id: calls that his namespace cannot serve succeed, are remembered, and
# what is remembered is what commit packs.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"

new_user ids=single helpers=no
make_owned_image "$T/owned.tar" owned:1
u load -q -i "$T/owned.tar" >/dev/null || fail "load"

r() { u run --rm "$@" 2>&1; }
# level LEVEL COMMAND
level() { r --security-opt "emulation=$1" owned:1 sh -c "$2"; }

# off: the kernel's own answers
expect_text "Invalid argument" "$(level off 'touch /f; chown 33 /f')" "without emulation"
expect_text "not permitted" "$(level off 'mknod /dev0 c 1 3')" "without emulation"

# record: succeeds, and stat shows the caller
expect "0 0" "$(level record 'touch /f; chown 33:44 /f && stat -c "%u %g" /f')" "record"

# consistent, which is the default
expect "33 44" "$(r owned:1 sh -c 'touch /f; chown 33:44 /f && stat -c "%u %g" /f')" "default"
expect "33 44" "$(level consistent 'touch /f; chown 33:44 /f; cd /; stat -c "%u %g" f')" "relative"
expect "0 0" "$(level consistent 'touch /f; chown 33:44 /f; chown 0:0 /f; stat -c "%u %g" /f')" "and back"
expect "5 6" "$(level consistent 'ln -s nowhere /l; chown -h 5:6 /l; stat -c "%u %g" /l')" "a link"
expect "character special file 1 3" "$(level consistent 'mknod /d c 1 3; stat -c "%F %t %T" /d')" "a device"
expect "fifo" "$(level consistent 'mknod /p p; stat -c "%F" /p')" "a pipe"
expect "755" "$(level consistent 'cp /bin/busybox /b; chmod 4755 /b; chown 7 /b; stat -c "%a" /b')" \
	"a new owner ends set-ID"
expect "33 33 640" "$(level consistent 'stat -c "%u %g %a" /srv/www/index')" "the image's owner"
expect "4000000000" "$(level consistent 'stat -c "%u" /srv/big-id')" "a large id"
expect "0 42 4755" "$(level consistent 'stat -c "%u %g %a" /srv/www/set-id')" "mode"

# users
expect "uid=1000(user) gid=1000(user) groups=50(staff),1000(user)" \
	"$(level consistent 'su user -c id' | sed 's/groups=1000(user),50(staff)/groups=50(staff),1000(user)/')" "su"
expect "1000 1000" "$(level consistent 'cd /tmp; su user -c "echo x >/tmp/f"; stat -c "%u %g" /tmp/f')" \
	"a file that a user makes"
expect "1000 1000" "$(level consistent 'su user -c "mkdir -p /tmp/a/b"; stat -c "%u %g" /tmp/a/b')" "a folder"
expect_text "not permitted" "$(level consistent 'su user -c "chown 0 /tmp"')" "chown is root's"
expect_text "uid=1000(user) gid=50(staff)" "$(r --user 1000:50 owned:1 id)" "--user"
expect "1000" "$(r --user 1000 owned:1 sh -c 'sh -c "sh -c \"id -u\""')" "children inherit"
expect_text "must be suid" "$(r --user 1000 owned:1 su root -c id; true)" "a program without set-ID"

# the tag is not a program's to change
expect "1000" "$(r --user 1000 owned:1 sh -c 'ulimit -a >/dev/null; id -u')" "limits"

# a container with fewer capabilities has no more here
expect_text "not permitted" "$(r --cap-drop CHOWN owned:1 sh -c 'touch /f; chown 33 /f')" "--cap-drop CHOWN"
expect_text "not permitted" "$(r --cap-drop MKNOD owned:1 mknod /d c 1 3)" "--cap-drop MKNOD"
expect_text "not permitted" "$(r --cap-drop SETUID owned:1 su user -c id)" "--cap-drop SETUID"
expect "1000" "$(r --user 1000 --security-opt no-new-privileges owned:1 id -u)" "no-new-privileges"

# exec, and what it makes
u run -d --name aa owned:1 sleep 1000 >/dev/null || fail "run -d"
expect_text "uid=1000(user)" "$(u exec --user user aa id)" "exec --user"
u exec aa sh -c 'mkdir /srv/new; echo x >/srv/new/f; chown -R 1234:5678 /srv/new; mknod /srv/new/c c 1 5;
	chmod 2750 /srv/new; ln -s f /srv/new/l; chown -h 9:9 /srv/new/l; cp /bin/busybox /srv/new/s; chown 0:42 /srv/new/s;
	chmod 2755 /srv/new/s; tar -C /srv -cf - www | tar -C /srv/new -xpf -' || fail "exec"
expect "33 33 640" "$(u exec aa stat -c '%u %g %a' /srv/new/www/index)" "tar as root"
u commit aa changed:1 >/dev/null || fail "commit"
u rm -f aa >/dev/null
u save -o "$USER_HOME/changed.tar" changed:1 || fail "save"
cp "$USER_HOME/changed.tar" "$T/changed.tar"
gantry load -q -i "$T/changed.tar" >/dev/null || fail "root's load"
gantry create --name see changed:1 >/dev/null || fail "root's create"
list=$(gantry export see | tar --numeric-owner -tvf - | awk '{print $1, $2, $6}' | grep ' srv/new')
gantry rm see >/dev/null
for line in "drwxr-s--- 1234/5678 srv/new/" "-rw-r--r-- 1234/5678 srv/new/f" "lrwxrwxrwx 9/9 srv/new/l" \
	"crw-r--r-- 0/0 srv/new/c" "-rwxr-sr-x 0/42 srv/new/s" "drwxrwsr-x 33/33 srv/new/www/"; do
	expect_text "$line" "$list" "what commit packs"
done

# who asks for a level that is not there, and where no emulation is due
expect_error 125 "off, record and consistent" u run --rm --security-opt emulation=much owned:1 true
expect "1000" "$(r --user 1000 --security-opt emulation=off owned:1 id -u)" "a user without emulation"
exit 0
