/* SPDX-License-Identifier: Apache-2.0 */
/* FOUND-BY: hostile create: led out of the driver's folders */
#include "broken.h"

static int broken_create(void *self, const struct gantry_volume_create_args *args,
			 struct gantry_reply *reply, struct gantry_error *err)
{
	const struct driver *d = self;
	char path[PATH_MAX];

	(void)reply;
	if (!args->name[0] || strlen(args->name) > 200) {
		return gantry_fail(err, GANTRY_ERR_INVALID, "a name has 1 to 200 bytes");
	}
	join(path, d->host->state_dir, args->name, NULL);
	return mkdir(path, 0755) < 0 && errno != EEXIST ? gantry_fail_errno(err, errno, "cannot make %s", path) : 0;
}

BROKEN(.create = broken_create);
