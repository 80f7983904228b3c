#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A volume driver in a shell: each volume is a folder below $state, and who uses one is a
# file below $run, which a reboot clears.
#
# gantry writes its messages on one line each, without blanks and with their members in a
# known order, so that they can be taken apart with ${line#...} (docs/plugin-protocol.md).
# What a user chose is only ever compared with a list of letters before it is used.
set -u
state= run=

# member NAME: the text of a member in $line, up to the next quote; "" when there is none.
member() {
	value=
	case $line in
	*"\"$1\":\""*)
		value=${line#*"\"$1\":\""}
		value=${value%%\"*}
		;;
	esac
}

result() { printf '{"type":"result","id":%s,"results":{%s}}\n' "$id" "$1" >&3; }
error() { printf '{"type":"error","id":%s,"code":"%s","message":"%s"}\n' "$id" "$1" "$2" >&3; }

# plain TEXT: may it be part of a path?  Letters, digits, _ . -, and no dot or dash in front.
plain() {
	case $1 in
	'' | .* | -* | *[!A-Za-z0-9_.-]*) return 1 ;;
	esac
	[ ${#1} -le 200 ]
}

# name: $name from the message, or an error.
name() {
	member name
	name=$value
	plain "$name" && return
	error INVALID "a volume's name has 1 to 200 of A-Z a-z 0-9 _ . - and starts with none of . -"
	return 1
}

user() {
	member user
	user=$value
	plain "$user" && return
	error INVALID "volume $name: the user's name is malformed"
	return 1
}

there() {
	[ -d "$state/$name" ] && return
	error NOT_FOUND "volume $name: there is no such volume"
	return 1
}

create() {
	name || return
	if [ ! -d "$state/$name" ]; then
		case $line in
		*'"options":{}'*) ;;
		*'"options":'*) error INVALID "volume $name: this driver has no options"; return ;;
		esac
		mkdir "$state/$name" 2>/dev/null || [ -d "$state/$name" ] || {
			error IO "volume $name: cannot make its folder"
			return
		}
	fi
	result ""
}

mount_volume() {
	name && user && there || return
	mkdir -p "$run/$name" && : >"$run/$name/$user" || { error IO "volume $name: cannot note its user"; return; }
	result "\"path\":\"$state/$name\""
}

unmount_volume() {
	name && user || return
	rm -f "$run/$name/$user"
	result ""
}

inspect() {
	name && there || return
	result "\"mountpoint\":\"$state/$name\""
}

list() {
	names=
	for folder in "$state"/*/; do
		[ -d "$folder" ] || continue
		folder=${folder%/}
		names="$names${names:+,}\"${folder##*/}\""
	done
	result "\"name\":[$names]"
}

remove() {
	name || return
	if [ -d "$state/$name" ]; then
		[ ! -d "$run/$name" ] || rmdir "$run/$name" 2>/dev/null || {
			error IN_USE "volume $name: a container uses it"
			return
		}
		# By a rename, so that nobody sees half of it.
		gone=$(mktemp -d "$state/.gone-XXXXXX") && mv -T "$state/$name" "$gone" && rm -rf "$gone" || {
			error IO "volume $name: cannot remove it"
			return
		}
	fi
	result ""
}

hello() {
	result '"protocol":1,"name":"example","version":"1.0.0","threads":"serial","operations":["create","mount","unmount","inspect","list","remove"],"about":{"licence":"Apache-2.0","summary":"Volumes as folders"}'
}

open_driver() {
	member state_dir
	state=$value
	member run_dir
	run=$value
	# What a process that was killed left, when it is no other's any more.
	find "$state" -maxdepth 1 -name '.gone-*' -mmin +1 -exec rm -rf {} +
	result ""
}

while IFS= read -r line <&3; do
	id=${line#*\"id\":}
	id=${id%%[!0-9]*}
	case $line in
	'{"type":"hello",'*) hello ;;
	'{"type":"probe",'*) result "" ;;
	'{"type":"open",'*) open_driver ;;
	'{"type":"call",'*)
		member op
		case $value in
		create) create ;;
		mount) mount_volume ;;
		unmount) unmount_volume ;;
		inspect) inspect ;;
		list) list ;;
		remove) remove ;;
		*) error UNSUPPORTED "this driver has no such operation" ;;
		esac
		;;
	'{"type":"bye"'*) exit 0 ;;
	esac
done
