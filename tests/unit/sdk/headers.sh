#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every public header compiles alone, as strict C99 and as C++11, without a warning; and
# a plugin can be written in C++.
set -u
top=$(cd "${srcdir:-.}" && pwd)
T=$(mktemp -d /tmp/gt-headers.XXXXXX)
trap 'rm -rf "$T"' EXIT
bad=0
flags="-Wall -Wextra -Wpedantic -Werror -I$top/sdk/include -Isdk/generated"

for header in "$top"/sdk/include/gantry/*.h sdk/generated/gantry/*.h; do
	name=gantry/$(basename "$header")
	[ "$name" = gantry/calls.h ] && continue # the host's own
	printf '#include <%s>\nint main(void) { return 0; }\n' "$name" >"$T/x.c"
	cp "$T/x.c" "$T/x.cc"
	# shellcheck disable=SC2086
	gcc -std=c99 $flags -fsyntax-only "$T/x.c" || { echo "$name is no C99"; bad=1; }
	if command -v g++ >/dev/null; then
		# shellcheck disable=SC2086
		g++ -std=c++11 $flags -fsyntax-only "$T/x.cc" || { echo "$name is no C++11"; bad=1; }
	fi
done

command -v g++ >/dev/null || { echo "g++ is not installed"; exit $((bad ? 1 : 77)); }
cat >"$T/plugin.cc" <<'X'
#include <gantry/facade.h>
#include <gantry/volume.h>
static int create(void *, const gantry_volume_create_args *args, gantry_reply *, gantry_error *err)
{
	return gantry_fail(err, GANTRY_ERR_UNSUPPORTED, "volume %s: only a test", args->name);
}
static gantry_volume_ops make_ops()
{
	gantry_volume_ops ops = gantry_volume_ops();
	ops.struct_size = sizeof(ops);
	ops.create = create;
	return ops;
}
static const gantry_volume_ops ops = make_ops();
static const gantry_driver driver = { sizeof(driver), GANTRY_THREADS_SERIAL, "volume", "cc", "In C++",
	&ops, nullptr, nullptr, nullptr, nullptr, nullptr };
static const gantry_driver *const drivers[] = { &driver, nullptr };
extern "C" GANTRY_EXPORT const gantry_plugin gantry_plugin = { sizeof(gantry_plugin), GANTRY_ABI_VERSION,
	GANTRY_VERSION(1, 0), 0, "cc", "1.0.0", "Apache-2.0", drivers, nullptr };
X
# shellcheck disable=SC2086
g++ -std=c++11 $flags -Wno-missing-field-initializers -fPIC -shared -fvisibility=hidden -o "$T/cc.so" "$T/plugin.cc" ||
	{ echo "a plugin in C++ does not compile"; bad=1; }
nm -D "$T/cc.so" | grep -q ' [RDB] gantry_plugin$' || { echo "gantry_plugin is not exported from C++"; bad=1; }
exit $bad
