#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Reads every #include "..." of the tree and fails on an arrow that ARCHITECTURE.md does
# not allow: dependencies point down only.
set -u
top=${srcdir:-.}
cd "$top" || exit 1
bad=0

# allowed FROM TO...: folders that files below FROM may include from.
declare -A allowed=(
	[cli]="cli core/core.h helpers"
	[core]="core helpers conformance"
	[plugins]="helpers"
	[lua]="lua helpers"
	[fuse]="fuse helpers"
	[sdk]="helpers fake conformance"
)
# Plugins that bring Lua with them.
lua_plugins="plugins/policy/lua plugins/log/http plugins/volume/remote"

check() { # FILE INCLUDED
	local file=$1 target=$2 room=${1%%/*} ok dir
	dir=$(dirname "$file")
	# Beside the file, or in its own plugin's folder.
	[ -e "$dir/$target" ] && return
	case $target in
	config.h | plugins/*)
		[ "$target" = config.h ] && return
		[ "$room" = plugins ] && [ "${target%/*}" = "$dir" ] && return
		case $dir/ in "${target%/*}"/*) return ;; esac
		;;
	esac
	for ok in ${allowed[$room]}; do
		case $target in "$ok" | "$ok"/*) return ;; esac
	done
	if [ "$room" = plugins ] && [ "${target%%/*}" = lua ]; then
		for ok in $lua_plugins; do
			case $file in "$ok"/*) return ;; esac
		done
	fi
	# Generated headers lie in the build tree, in a folder of the same room.
	case $target in
	"$room"/generated/* | generated/* | *_generated.h) return ;;
	esac
	echo "$file includes \"$target\": no such arrow in ARCHITECTURE.md"
	bad=1
}

while IFS=: read -r file line; do
	target=${line#*\"}
	check "$file" "${target%%\"*}"
done < <(grep -rHo '^#include "[^"]*"' --include='*.[ch]' cli core plugins lua fuse sdk 2>/dev/null |
	grep -v '/generated/')

# The core names no driver outside its default configuration.
if grep -rnE '"(overlay|unionfs|vfs|json-file|registry|docker-archive|oci-layout)"' --include='*.c' core |
	grep -v '^core/config/schema.c'; then
	echo "core/ names a driver outside core/config/schema.c"
	bad=1
fi
exit $bad
