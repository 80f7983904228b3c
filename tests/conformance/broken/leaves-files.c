/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: leaks: more files */
#include "broken.h"

static int broken_unmount(void *self, const struct gantry_volume_unmount_args *args,
			  struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/.was-mounted-XXXXXX", d->host->state_dir);
	close(mkstemp(path));
	return unmount(self, args, reply, err);
}

BROKEN(.unmount = broken_unmount);
