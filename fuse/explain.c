/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <stdio.h>

#include "fuse/explain.h"
#include "fuse/unionfs.h"

static void line(const char *feature, int on, const char *why)
{
	printf("%-22s %-4s %s\n", feature, on ? "on" : "off", why);
}

int explain_print(struct unionfs *fs, struct gantry_error *err)
{
	line("write", fs->has_upper && !fs->opt.read_only,
	     fs->has_upper ? "an upper directory is given" : "there is no upper directory");
	line("trusted.overlay marks", !fs->format.user,
	     fs->format.user ? "user.overlay marks: no CAP_SYS_ADMIN on the host, or userxattr" :
			       "the server is privileged");
	return 0;
}
