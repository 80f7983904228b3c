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
web=$(free_port) sql=$(free_port) shell=$(free_port)
u run -d --name deb -p "$web:80" -p "$sql:5432" -p "$shell:22" debian:1 sleep 100000 >/dev/null || fail "run"
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

# and from outside, where the server sees who asks
d "echo \"listen_addresses = '*'\" >>\$(ls /etc/postgresql/*/main/postgresql.conf); echo 'host all all 0.0.0.0/0 trust' >>\$(ls /etc/postgresql/*/main/pg_hba.conf)
	pg_ctlcluster \$(ls /etc/postgresql) main restart" || fail "PostgreSQL does not restart"
address=$(ip -4 -o addr show scope global | awk '$2 !~ /^(gantry|br-|docker)/ {sub("/.*", "", $4); print $4; exit}')
! command -v psql >/dev/null || expect "$address" "$(psql -h "$address" -p "$sql" -U postgres -Atc 'select host(inet_client_addr())')" "PostgreSQL's client"
! command -v psql >/dev/null || expect 172.17.0.1 "$(psql -h 127.0.0.1 -p "$sql" -U postgres -Atc 'select host(inet_client_addr())')" "and one on the loopback"
expect 6 "$(python3 - "$address" "$sql" <<'PY'
import socket, struct, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
b = struct.pack('>I', 196608) + b'user\0postgres\0\0'; s.sendall(struct.pack('>I', len(b) + 4) + b)
q = b'select 2 * 3\0'; s.sendall(b'Q' + struct.pack('>I', len(q) + 4) + q)
got = b''
while b'C\0\0\0' not in got: got += s.recv(4096)
d = got[got.index(b'D\0\0\0'):]; n = struct.unpack('>I', d[7:11])[0]; print(d[11:11 + n].decode())
PY
)" "PostgreSQL at a published port"

# nginx, whose workers are another user
port=80
d "printf 'server { listen $port; root /var/www/html; }' >/etc/nginx/sites-enabled/default; echo served >/var/www/html/index.html; nginx" \
	|| fail "nginx does not start"
expect served "$(curl -fsS "http://127.0.0.1:$web/")" "nginx serves"
expect served "$(curl -fsS "http://$address:$web/")" "nginx serves"
expect_text "$address " "$(d 'cat /var/log/nginx/access.log')" "nginx sees its client"
expect_text "172.17.0.1 " "$(d 'cat /var/log/nginx/access.log')" "and who comes by the loopback is not itself"
expect "www-data" "$(d 'stat -c %U /var/log/nginx/access.log')" "its log"

# OpenSSH: root and another user log in
port=22
d "mkdir -p /run/sshd; useradd -m -s /bin/bash bob; ssh-keygen -q -N '' -t ed25519 -f /root/.ssh/id_ed25519
	for h in /root /home/bob; do mkdir -p \$h/.ssh; cp /root/.ssh/id_ed25519.pub \$h/.ssh/authorized_keys; done
	chown -R bob:bob /home/bob/.ssh; /usr/sbin/sshd -p $port" || fail "sshd does not start"
ssh="ssh -q -o StrictHostKeyChecking=no -p $port"
expect "uid=0(root) gid=0(root) groups=0(root)" "$(d "$ssh root@127.0.0.1 id")" "ssh as root"
expect "uid=1000(bob) gid=1000(bob) groups=1000(bob)" "$(d "$ssh bob@127.0.0.1 id")" "ssh as bob"
expect "bob" "$(d "$ssh bob@127.0.0.1 'touch f; stat -c %U f'")" "bob's file"
expect_text "SSH-2.0-OpenSSH" "$(python3 -c 'import socket, sys; print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 10).recv(99))' "$address" "$shell")" "sshd at a published port"

# set-ID programs
d 'echo "bob ALL=(ALL) NOPASSWD: ALL" >>/etc/sudoers'
expect_text "uid=33(www-data)" "$(d 'su bob -c "sudo -u www-data id"')" "sudo"
expect_text "uid=0(root)" "$(d 'su bob -c "sudo id"')" "sudo to root"
expect_text "bob L" "$(d 'su bob -c "passwd -S"')" "passwd"
expect "uid=6(man) gid=12(man) groups=12(man)" "$(d 'setpriv --reuid man --regid man --init-groups id')" "setpriv"
expect "0:42 640" "$(d 'mkdir /tmp/x; tar -C / -cf - etc | tar -xpf - -C /tmp/x; stat -c "%u:%g %a" /tmp/x/etc/shadow')" "tar"

# rpm and dnf: a package whose files belong to several owners
d 'apt-get install -qq -y --no-install-recommends rpm dnf' >"$T/rpm.log" || fail "apt-get: $(tail -5 "$T/rpm.log")"
d 'mkdir -p /tmp/r && cd /tmp/r && cat >p.spec <<S
Name: owned
Version: 1
Release: 1
Summary: files of several owners
License: none
BuildArch: noarch
Provides: /bin/sh
%description
.
%install
mkdir -p %{buildroot}/opt/owned
echo a >%{buildroot}/opt/owned/a
echo s >%{buildroot}/opt/owned/s
%pre
getent passwd keeper >/dev/null || useradd -r -u 977 keeper
%files
%attr(0750, keeper, www-data) %dir /opt/owned
%attr(0640, keeper, games) /opt/owned/a
%attr(4755, root, man) /opt/owned/s
S
rpmbuild -bb --quiet --define "_rpmdir /tmp/r" p.spec' >"$T/rpm.log" || fail "rpmbuild: $(tail -5 "$T/rpm.log")"
d 'rpm -i --nodeps /tmp/r/noarch/owned-1-1.noarch.rpm' >"$T/rpm.log" || fail "rpm -i: $(tail -5 "$T/rpm.log")"
expect "keeper www-data 750|keeper games 640|root man 4755" \
	"$(d 'cd /opt/owned; stat -c "%U %G %a" . a s | paste -sd"|"')" "what rpm installs"
expect "" "$(d 'rpm -V owned' | grep -v -e 'RPM should not' -e 'assuming you')" "rpm -V"
d 'rpm -e owned' >/dev/null || fail "rpm -e"
d 'dnf -q -y --disablerepo="*" --setopt=reposdir=/nowhere --releasever=1 --nogpgcheck install /tmp/r/noarch/owned-1-1.noarch.rpm' \
	>"$T/rpm.log" || fail "dnf: $(tail -5 "$T/rpm.log")"
expect "keeper games 640" "$(d 'stat -c "%U %G %a" /opt/owned/a')" "what dnf installs"

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
