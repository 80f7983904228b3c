/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: hostile remove: was removed */
#include "broken.h"

static int broken_remove(void *self, const struct gantry_volume_remove_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char path[PATH_MAX];

	if (strstr(args->name, "victim")) {
		(void)remove_folder(join(path, d->host->state_dir, args->name, NULL));
		return 0;
	}
	return remove_volume(self, args, reply, err);
}

BROKEN(.remove = broken_remove);
