/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include <helpers/cleanup.h>
#include <helpers/exe.h>

#include "../sys.h"
#include "oci.h"

void oci_protect_self(char **argv)
{
	auto_fd int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	auto_fd int safe = -1;

	if (exe < 0 || exe_is_protected(exe))
		return;
	safe = exe_open_protected(exe);
	if (safe >= 0)
		sys_execveat(safe, "", argv, environ, AT_EMPTY_PATH);
}
