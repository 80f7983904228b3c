#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real packages in a Debian image, for a user with one id: apt-get installs servers that
# change users, and they serve.  Needs mmdebstrap and a package archive.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
: "${DEBIAN:=$T/debian.tar}"
[ -e "$DEBIAN" ] || mmdebstrap --quiet --variant=apt bookworm "$DEBIAN" >"$T/mm.log" 2>&1 || skip "no package archive can be reached"
chmod 644 "$DEBIAN"
new_user ids=single helpers=no
LIMIT=900
u import "$DEBIAN" debian:1 >/dev/null || fail "import"
u run -d --name deb debian:1 sleep 100000 >/dev/null || fail "run"
d() { u exec deb bash -c "export DEBIAN_FRONTEND=noninteractive; $1" 2>&1; }

expect "0:42 640" "$(d 'stat -c "%u:%g %a" /etc/shadow')" "the image's owners"
OUT=$(d 'apt-get update -qq && apt-get install -qq -y --no-install-recommends nginx-light postgresql openssh-server \
	openssh-client sudo man-db cron dbus procps passwd') || fail "apt-get: $(tail -20 <<<"$OUT")"
expect "" "$(grep -E 'setresgid|Operation not permitted|Invalid argument' <<<"$OUT")" "apt-get complains"
expect "" "$(d 'dpkg --audit')" "dpkg --audit"
expect "0 27 4755" "$(d 'stat -c "%u $(getent group sudo | cut -d: -f3) %a" /usr/bin/sudo')" "sudo's file"

# PostgreSQL, with peer authentication
expect "postgres 700" "$(d 'stat -c "%U %a" /var/lib/postgresql/*/main')" "its folder"
d 'pg_ctlcluster $(ls /etc/postgresql) main start' || fail "PostgreSQL does not start"
expect "42" "$(d 'su postgres -c "psql -Atc \"select 6 * 7\""')" "a query"
expect_text "failed" "$(d 'su nobody -s /bin/sh -c "psql -U postgres -Atc \"select 1\""')" "somebody else"
expect "postgres" "$(d 'stat -c %U /var/lib/postgresql/*/main/postmaster.pid')" "what it writes"

# nginx, whose workers are another user
port=$(free_port)
d "printf 'server { listen $port; root /var/www/html; }' >/etc/nginx/sites-enabled/default; echo served >/var/www/html/index.html; nginx" \
	|| fail "nginx does not start"
expect served "$(curl -fsS "http://127.0.0.1:$port/")" "nginx serves"
expect "www-data" "$(d 'stat -c %U /var/log/nginx/access.log')" "its log"

# OpenSSH: root and another user log in
port=$(free_port)
d "mkdir -p /run/sshd; useradd -m -s /bin/bash bob; ssh-keygen -q -N '' -t ed25519 -f /root/.ssh/id_ed25519
	for h in /root /home/bob; do mkdir -p \$h/.ssh; cp /root/.ssh/id_ed25519.pub \$h/.ssh/authorized_keys; done
	chown -R bob:bob /home/bob/.ssh; /usr/sbin/sshd -p $port" || fail "sshd does not start"
ssh="ssh -q -o StrictHostKeyChecking=no -p $port"
expect "uid=0(root) gid=0(root) groups=0(root)" "$(d "$ssh root@127.0.0.1 id")" "ssh as root"
expect "uid=1000(bob) gid=1000(bob) groups=1000(bob)" "$(d "$ssh bob@127.0.0.1 id")" "ssh as bob"
expect "bob" "$(d "$ssh bob@127.0.0.1 'touch f; stat -c %U f'")" "bob's file"

# set-ID programs
d 'echo "bob ALL=(ALL) NOPASSWD: ALL" >>/etc/sudoers'
expect_text "uid=33(www-data)" "$(d 'su bob -c "sudo -u www-data id"')" "sudo"
expect_text "uid=0(root)" "$(d 'su bob -c "sudo id"')" "sudo to root"
expect_text "bob L" "$(d 'su bob -c "passwd -S"')" "passwd"
expect "uid=6(man) gid=12(man) groups=12(man)" "$(d 'setpriv --reuid man --regid man --init-groups id')" "setpriv"
expect "0:42 640" "$(d 'mkdir /tmp/x; tar -C / -cf - etc | tar -xpf - -C /tmp/x; stat -c "%u:%g %a" /tmp/x/etc/shadow')" "tar"

# what commit packs is what a range of ids would have made
u commit deb debian:2 >/dev/null || fail "commit"
u save -o "$USER_HOME/d.tar" debian:2 || fail "save"
gantry load -q -i "$USER_HOME/d.tar" >/dev/null || fail "root's load"
gantry run -d --name see --network none debian:2 sleep 1000 >/dev/null || fail "root's run"
expect "postgres 700" "$(gantry exec see sh -c 'stat -c "%U %a" /var/lib/postgresql/*/main')" "committed"
expect "0:42 640" "$(gantry exec see stat -c '%u:%g %a' /etc/shadow)" "committed"
expect "bob" "$(gantry exec see stat -c %U /home/bob/f)" "committed"
expect "4755" "$(gantry exec see stat -c %a /usr/bin/sudo)" "committed"
expect "" "$(gantry exec see dpkg --audit)" "committed"
exit 0
